"""How the L2 can fail us, and how its many ways to say so are told apart.

Providers agree on the shape of a JSON-RPC error but neither on codes nor on words, so `refusal` goes by the usual
codes first and by the usual words after. Messages never carry a whole URL: keys are often part of one.
"""

import re
from collections.abc import Mapping
from typing import Final

from sent_graphql.sources.errors import SourceError

MAX_MESSAGE_LENGTH: Final = 300
"""Characters of a provider's own words that are kept."""

CONTENT_TOO_LARGE: Final = 413
"""Our code for an answer that is larger than is accepted, after HTTP's own."""


class RpcError(SourceError):
    """A JSON-RPC endpoint did not give what was asked."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        """`retry_after`: seconds that the endpoint asked to be left alone."""
        super().__init__(message)
        self.retry_after = retry_after


class RpcUnreachableError(RpcError):
    """No connection, no TLS, or an HTTP status that says the endpoint does not serve."""


class HttpRefusedError(RpcUnreachableError):
    """An HTTP status of the 400s without a JSON-RPC error. `words`: the body, which may repeat a key."""

    def __init__(self, message: str, *, words: str, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.words = words


class RpcTimeoutError(RpcError):
    """No whole answer within the time of one round trip."""


class RpcDeadlineError(RpcTimeoutError):
    """The caller's own deadline passed; it says nothing about the endpoint."""


class RpcThrottledError(RpcError):
    """The endpoint answers too many requests at the moment."""


class RpcMalformedReplyError(RpcError):
    """An answer that is none: not JSON, wrong ids or counts, or bytes that do not decode."""


class ReplyTooLargeError(RpcError):
    """The whole answer to a round trip is larger than is accepted."""


class BatchRefusedError(RpcError):
    """One error was answered to a batch as a whole."""

    def __init__(self, error: Mapping[str, object]) -> None:
        super().__init__(_words(error))
        self.error = error

    @property
    def too_many(self) -> bool:
        """Whether fewer requests in one batch may pass; else batches are not known there at all."""
        return _matches(_BATCH_SIZE, str(self))

    @property
    def names_batches(self) -> bool:
        """Whether it speaks of batches, so that its words about limits are not about the rate of requests."""
        return names_batches(self.error)


class RpcRefusedError(RpcError):
    """A JSON-RPC error object: the endpoint understood the request and said no.

    `code` as given (0 if absent), `data` the bytes of a revert if any came.
    """

    def __init__(self, message: str, *, code: int = 0, data: bytes = b"", words: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.data = data
        self.words = words or message
        """The provider's own words."""

    @property
    def passing(self) -> bool:
        """Whether another try may bring an answer, as after an internal fault of the endpoint."""
        return type(self) is RpcRefusedError and self.code == _INTERNAL_ERROR

    @property
    def too_many_addresses(self) -> bool:
        """Whether an `eth_getLogs` named more contracts than the provider looks at in one query."""
        return _matches(_ADDRESSES, self.words)

    @property
    def reply_too_large(self) -> bool:
        """Whether the size of the answer was the fault, which may be that of its neighbours in a batch."""
        return self.code == CONTENT_TOO_LARGE or _matches(_REPLY_SIZE, self.words)


class CallRevertedError(RpcRefusedError):
    """An `eth_call` that the contract itself ended: a revert or an invalid opcode."""


class RangeTooLargeError(RpcRefusedError):
    """An `eth_getLogs` over more blocks, or with more results, than the provider gives at once."""


class GasCapError(RpcRefusedError):
    """An `eth_call` that needs more gas, time or bytes than the provider grants."""


class HistoryPrunedError(RpcRefusedError):
    """The endpoint does not hold that block or its state: pruned long ago, or not there yet."""

    @property
    def passing(self) -> bool:
        """Whether the block may only not have come yet, as on the slower of a provider's machines."""
        return _matches(_NOT_YET, self.words)


def refusal(method: str, error: Mapping[str, object]) -> RpcRefusedError | RpcThrottledError:
    """The error that a JSON-RPC error object stands for, in answer to `method`."""
    words = _words(error)
    code = error.get("code")
    code = code if isinstance(code, int) else 0
    kind = _kind(method, code, words)
    message = f"{method}: {words} (code {code})"
    if kind is RpcThrottledError:
        return RpcThrottledError(message)
    assert issubclass(kind, RpcRefusedError)
    return kind(message, code=code, data=_revert_data(error.get("data")), words=words)


def names_batches(error: Mapping[str, object]) -> bool:
    """Whether a JSON-RPC error object complains of the batch rather than of a request in it."""
    return _matches(_BATCH, _words(error))


def scrub(text: str) -> str:
    """`text` on one line, shortened, with every URL cut down to its scheme and host."""
    line = " ".join(_URL.sub(r"\1\2", text).split())
    return line if len(line) <= MAX_MESSAGE_LENGTH else line[: MAX_MESSAGE_LENGTH - 3] + "..."


_URL = re.compile(r"\b((?:https?|wss?)://)(?:[^\s/@]*@)?([^\s/?#]+)[^\s]*", re.IGNORECASE)

_INTERNAL_ERROR: Final = -32603
_NOT_YET = re.compile(r"header (for hash )?not found|(unknown|no|no such) block|block .*not found|blocknotfound")
_REVERT_CODE: Final = 3
_REVERT = re.compile(
    r"execution reverted|\brevert(ed)?\b|invalid opcode|bad ?instruction|stack (under|over)flow|invalid jump|"
    r"undefined instruction"
)
_THROTTLE_CODES: Final = frozenset({429, -32029, -32097})
_THROTTLE = re.compile(
    r"rate.?limit|too many requests|compute units|throttl|(request|call)s? (count|limit|rate)|requests? per|/second|"
    r"exceeded .*capacity|over.?quota|credits|try again later"
)
_LIMIT_EXCEEDED: Final = -32005
_RANGE_CODES: Final = frozenset({_LIMIT_EXCEEDED, CONTENT_TOO_LARGE})
_RANGE = re.compile(
    r"query returned more than|more than [\d,]+ (results|logs|blocks)|block range|blocks? distance|"
    r"range .*(large|wide|big|limit|exceed|allowed)|(large|wide|big) .*range|limit exceeded|"
    r"exceeds? .*(max|limit|range|results|logs)|max(imum)? .*(range|results|logs|blocks)|response (size|is too|too)|"
    r"too many (results|logs|blocks)|limited to|result set too|query timeout|timed? ?out|content too large|"
    r"narrow|reduce"
)
_NOT_A_RANGE = re.compile(r"invalid block range|beyond (the )?(current )?head|from ?block .*greater")
_GAS = re.compile(
    r"out ?of ?gas|gas required exceeds|exceeds .*gas|gas (limit|cap|uint64|too)|intrinsic gas|"
    r"response (size|is too|too)|too large|execution (aborted|timeout)|timed? ?out|content too large"
)
_REPLY_SIZE = re.compile(r"response (size|is too (large|big)|too (large|big))|content too large")
_PRUNED = re.compile(
    r"missing trie node|pruned|state .*(unavailable|not available|not found)|header (for hash )?not found|"
    r"distance to target block exceeds|historical state|(unknown|no|no such) block|block .*not found|blocknotfound|"
    r"old data not available|archive|history (is )?not available|blockoutofrange|future block"
)
_ADDRESSES = re.compile(r"\baddress(es)?\b")
_BATCH = re.compile(r"\bbatch")
_BATCH_SIZE = re.compile(r"too (large|many|big|long)|limit|exceed|max|size|more than|up to")


def _kind(method: str, code: int, words: str) -> type[RpcRefusedError] | type[RpcThrottledError]:
    call, logs = method == "eth_call", method == "eth_getLogs"
    if call and (code == _REVERT_CODE or _matches(_REVERT, words)):
        return CallRevertedError
    if code in _THROTTLE_CODES or _matches(_THROTTLE, words):
        return RpcThrottledError
    if _matches(_PRUNED, words):
        return HistoryPrunedError
    if logs and not _matches(_NOT_A_RANGE, words) and (code in _RANGE_CODES or _matches(_RANGE, words)):
        return RangeTooLargeError
    if call and (code == CONTENT_TOO_LARGE or _matches(_GAS, words)):
        return GasCapError
    return RpcThrottledError if code == _LIMIT_EXCEEDED else RpcRefusedError


def _matches(pattern: re.Pattern[str], words: str) -> bool:
    return pattern.search(words.lower()) is not None


def _words(error: Mapping[str, object]) -> str:
    message = error.get("message")
    return scrub(message) if isinstance(message, str) and message else "refused without a word"


def _revert_data(data: object) -> bytes:
    """The revert's bytes: `data` itself as hex, or under `data` in an object, as some nodes wrap it."""
    if isinstance(data, Mapping):
        data = data.get("data")
    if not isinstance(data, str):
        return b""
    digits = data.removeprefix("Reverted ").removeprefix("0x")
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return b""
