"""Logs are believed only when they were asked for."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from sent_graphql.sources.contracts.abi import Event
from sent_graphql.sources.contracts.errors import RangeTooLargeError, RpcMalformedReplyError
from sent_graphql.sources.contracts.logs import ADDRESSES_PER_QUERY, LogQuery, contract_queries


def raw(**changes: Any) -> dict[str, Any]:
    return {
        "address": "0x" + "c2" * 20,
        "topics": [Event.SERVICE_NODE_EXIT.topic, "0x" + "00" * 31 + "07"],
        "data": "0x",
        "blockNumber": "0x5",
        "blockHash": "0x" + "AB" * 32,
        "transactionHash": "0x" + "CD" * 32,
        "logIndex": "0x1",
        "removed": False,
    } | changes


def test_logs_come_in_the_chains_order() -> None:
    reply = [raw(blockNumber="0x6", logIndex="0x0"), raw(logIndex="0x2"), raw(logIndex="0x1")]
    logs = LogQuery(5, 6).parse(reply)
    assert [(log.block, log.index) for log in logs] == [(5, 1), (5, 2), (6, 0)]
    assert logs[0].block_hash == "0x" + "ab" * 32


@pytest.mark.parametrize(
    "foreign",
    [{"blockNumber": "0x4"}, {"blockNumber": "0x8"}, {"address": "0x" + "01" * 20}, {"topics": ["0x" + "00" * 32]}],
)
def test_a_log_that_was_not_asked_for_is_dropped_with_a_warning(foreign: dict[str, Any]) -> None:
    address = LogQuery(5, 7).parse([raw()])[0].address
    query = LogQuery(5, 7, (address,), (Event.SERVICE_NODE_EXIT.topic,))
    with capture_logs() as logs:
        assert len(query.parse([raw(), raw(**foreign)])) == 1
    assert [entry["count"] for entry in logs] == [1]


def test_a_removed_log_is_no_data() -> None:
    assert LogQuery(5, 7).parse([raw(removed=True)]) == []


@pytest.mark.parametrize(
    "reply",
    [
        None,
        {},
        "0x",
        [3],
        [raw(data=None)],
        [raw(data="0xzz")],
        [raw(blockNumber=5)],
        [raw(address="0x12")],
        [raw(blockHash="0x12")],
        [raw(transactionHash="0x" + "zz" * 32)],
        [raw(logIndex=hex(2**31))],
        [raw(blockTimestamp=5)],
        [raw(blockTimestamp=hex(2**37))],
        [{"address": "0x" + "c2" * 20}],
    ],
)
def test_an_answer_that_is_no_list_of_logs_is_malformed(reply: object) -> None:
    with pytest.raises(RpcMalformedReplyError):
        LogQuery(5, 7).parse(reply)


def test_a_refusal_is_raised_as_it_is() -> None:
    with pytest.raises(RangeTooLargeError):
        LogQuery(5, 7).parse(RangeTooLargeError("too many"))


def test_many_contracts_are_asked_for_in_several_queries() -> None:
    names = [f"0x{number:040x}" for number in range(ADDRESSES_PER_QUERY + 1)]
    queries = contract_queries(1, 2, names, blocks=10, per_query=ADDRESSES_PER_QUERY)
    assert [len(query.addresses) for query in queries] == [ADDRESSES_PER_QUERY, 1]
    assert contract_queries(2, 1, names, blocks=10, per_query=ADDRESSES_PER_QUERY) == []


def test_a_range_is_asked_for_in_pieces_without_gap_or_overlap() -> None:
    queries = contract_queries(3, 9, ["0x1"], blocks=3, per_query=1)
    assert [(query.first, query.last) for query in queries] == [(3, 5), (6, 8), (9, 9)]


def test_a_log_may_tell_the_time_of_its_block() -> None:
    told, silent, unknown = LogQuery(5, 7).parse(
        [raw(blockTimestamp="0x682d2cc0"), raw(logIndex="0x2"), raw(logIndex="0x3", blockTimestamp="0x0")]
    )
    assert (told.timestamp, silent.timestamp, unknown.timestamp) == (0x682D2CC0, None, None)
