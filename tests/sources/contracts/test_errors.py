"""What providers say, in their own words, and what it is taken for."""

import pytest

from sent_graphql.sources.contracts.errors import (
    BatchRefusedError,
    CallRevertedError,
    GasCapError,
    HistoryPrunedError,
    RangeTooLargeError,
    RpcRefusedError,
    RpcThrottledError,
    refusal,
    scrub,
)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (-32005, "query returned more than 10000 results"),
        (-32005, "limit exceeded"),
        (-32602, "query returned more than 10000 results. Try with this block range [0x1, 0x2]."),
        (-32602, "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range"),
        (-32600, "You can make eth_getLogs requests with up to a 500 block range."),
        (-32614, "eth_getLogs is limited to a 10,000 range"),
        (-32000, "exceed maximum block range: 5000"),
        (-32000, "block range is too wide"),
        (-32701, "Please specify an address in your request or, to remove restrictions, reduce the range"),
        (-32000, "One of the blocks specified in filter (fromBlock, toBlock) exceeds max range"),
        (-32062, "Block range is too large"),
        (-32000, "query timeout exceeded"),
        (-32003, "response too large"),
        (413, "content too large"),
        (35, "ranges over 10000 blocks are not supported: max range exceeded"),
    ],
)
def test_a_query_of_logs_that_is_too_large(code: int, message: str) -> None:
    assert type(refusal("eth_getLogs", {"code": code, "message": message})) is RangeTooLargeError


@pytest.mark.parametrize(
    "message", ["invalid block range params", "block range extends beyond current head block", "invalid topic"]
)
def test_a_wrong_query_of_logs_is_no_range_too_large(message: str) -> None:
    assert type(refusal("eth_getLogs", {"code": -32602, "message": message})) is RpcRefusedError


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (-32000, "out of gas"),
        (-32000, "gas required exceeds allowance (50000000)"),
        (-32015, "OutOfGas"),
        (-32003, "response too large"),
        (-32000, "execution aborted (timeout = 5s)"),
        (413, "content too large"),
        (-32000, "intrinsic gas too low: gas 1000, minimum needed 21000"),
    ],
)
def test_a_call_over_a_cap(code: int, message: str) -> None:
    assert type(refusal("eth_call", {"code": code, "message": message})) is GasCapError


@pytest.mark.parametrize("method", ["eth_call", "eth_getLogs", "eth_getCode", "eth_getBlockByNumber"])
@pytest.mark.parametrize(
    "message",
    [
        "missing trie node 1a2b (path ) state 0x1a2b is not available, not found",
        "header not found",
        "state is not available",
        "distance to target block exceeds maximum proof window",
        "history has been pruned for this block",
        "unknown block",
        "project ID does not have access to archive state",
        "BlockOutOfRangeError: block height is 100 but requested was 200",
    ],
)
def test_a_block_that_is_not_held(method: str, message: str) -> None:
    assert type(refusal(method, {"code": -32000, "message": message})) is HistoryPrunedError


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (429, "Your app has exceeded its compute units per second capacity."),
        (-32005, "daily request count exceeded, request rate limited"),
        (-32007, "50/second request limit reached - reduce calls per second or upgrade your account"),
        (-32097, "Rate limit exceeded"),
        (-32029, "anything"),
        (-32000, "Too Many Requests"),
        (-32005, "limit exceeded"),
    ],
)
def test_throttling_in_words(code: int, message: str) -> None:
    assert isinstance(refusal("eth_call", {"code": code, "message": message}), RpcThrottledError)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (3, "execution reverted"),
        (3, "execution reverted: rate limit exceeded"),
        (-32000, "execution reverted: out of gas"),
        (-32000, "invalid opcode: INVALID"),
        (-32000, "VM Exception while processing transaction: revert"),
        (-32015, "Reverted 0x"),
    ],
)
def test_a_revert_is_the_contracts_word_whatever_it_says(code: int, message: str) -> None:
    assert type(refusal("eth_call", {"code": code, "message": message})) is CallRevertedError


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("0x4e487b71", b"\x4e\x48\x7b\x71"),
        ("Reverted 0x4e487b71", b"\x4e\x48\x7b\x71"),
        ({"data": "0x4e487b71"}, b"\x4e\x48\x7b\x71"),
        ("0x4", b""),
        (None, b""),
        ({"message": "x"}, b""),
        (17, b""),
    ],
)
def test_the_bytes_of_a_revert_are_kept_in_every_wrapping(data: object, expected: bytes) -> None:
    error = refusal("eth_call", {"code": 3, "message": "execution reverted", "data": data})
    assert isinstance(error, RpcRefusedError)
    assert error.data == expected


def test_an_error_object_without_code_or_message_is_still_an_error() -> None:
    error = refusal("eth_call", {})
    assert type(error) is RpcRefusedError
    assert error.code == 0


def test_no_message_shows_a_whole_url_or_is_endless() -> None:
    text = scrub("see https://user:pass@node.example/v3/KEY?x=1 or\nwss://node.example:8443/KEY " + "long " * 100)
    assert text.startswith("see https://node.example or wss://node.example:8443 long")
    assert "KEY" not in text
    assert "pass" not in text
    assert len(text) == 300
    error = refusal("eth_call", {"code": -1, "message": "failed at http://a.example/KEY"})
    assert str(error) == "eth_call: failed at http://a.example (code -1)"


@pytest.mark.parametrize(
    ("message", "too_many"),
    [
        ("batch too large", True),
        ("maximum batch size is 100", True),
        ("Batch of more than 3 requests are not allowed on free tier", True),
        ("batch requests are not supported", False),
        ("invalid request", False),
    ],
)
def test_whether_a_smaller_batch_may_pass(message: str, too_many: bool) -> None:
    assert BatchRefusedError({"message": message}).too_many is too_many
