"""What events told can be taken back, in whatever order it came."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sent_graphql.models.contracts import ScanProgress
from sent_graphql.models.history import EventArgument, StakingEvent, StakingEventKind
from sent_graphql.sources.contracts.event_log import EventLog, EventRange

CONTRIBUTORS = '[{"staker":{"addr":"operator","beneficiary":"operator"},"stakedAmount":"1"}]'


def event(kind: StakingEventKind, block: int, index: int = 0, **fields: Any) -> StakingEvent:
    defaults: dict[str, Any] = {
        "kind": kind,
        "contract": "contract",
        "block_number": block,
        "block_hash": f"h{block}",
        "timestamp": datetime.fromtimestamp(1_000 + block, UTC),
        "transaction_hash": f"t{block}.{index}",
        "log_index": index,
        "initiator": None,
        "wallet": None,
        "amount": None,
        "contract_id": None,
        "pubkey": None,
        "contribution_contract_address": None,
        "arguments": (),
    }
    return StakingEvent(**(defaults | fields))


def registered(block: int, contract_id: int, initiator: str = "operator", **fields: Any) -> StakingEvent:
    return event(
        StakingEventKind.NEW_SERVICE_NODE,
        block,
        100 + contract_id,
        contract_id=contract_id,
        initiator=initiator,
        pubkey=f"{contract_id:064x}",
        arguments=(
            EventArgument("pubkey", '{"X":"1","Y":"2"}'),
            EventArgument("serviceNode", f'{{"fee":"{block}"}}'),
            EventArgument("contributors", CONTRIBUTORS),
        ),
        **fields,
    )


def exited(block: int, contract_id: int, **fields: Any) -> StakingEvent:
    return event(StakingEventKind.SERVICE_NODE_EXIT, block, contract_id=contract_id, amount=9, **fields)


def credited(block: int, wallet: str) -> StakingEvent:
    return event(StakingEventKind.REWARDS_BALANCE_UPDATED, block, wallet=wallet)


def created(block: int, address: str, index: int = 0, pubkey: str = "first key") -> StakingEvent:
    return event(
        StakingEventKind.NEW_CONTRIBUTION_CONTRACT, block, index, contribution_contract_address=address, pubkey=pubkey
    )


def of_contract(kind: StakingEventKind, block: int, address: str, index: int = 0, **fields: Any) -> StakingEvent:
    return event(kind, block, index, contract=address, contribution_contract_address=address, **fields)


def told(first: int, last: int, events: Sequence[StakingEvent] = ()) -> EventRange:
    inside = [one for one in events if first <= one.block_number <= last]
    return EventRange(first=first, last=last, hashes={last: f"h{last}"}, events=inside, seeds=())


def knowledge(log: EventLog) -> tuple[object, ...]:
    return log.registrations, log.exits, log.contracts, set(log.wallets)


def told_by(events: Sequence[StakingEvent]) -> tuple[object, ...]:
    log = EventLog(100)
    log.restore(events)
    return knowledge(log)


BLOCKS = st.integers(1, 40)


@st.composite
def histories(draw: st.DrawFn) -> list[StakingEvent]:
    """Events as a chain tells them: ids grow with the blocks, each contract is created once."""
    events = [registered(block, n) for n, block in enumerate(sorted(draw(st.lists(BLOCKS))), 1)]
    events += [exited(block, n) for n, block in enumerate(sorted(draw(st.lists(BLOCKS))), 1)]
    events += [created(block, f"contract {n}", n) for n, block in enumerate(draw(st.lists(BLOCKS)))]
    events += draw(st.lists(st.builds(credited, BLOCKS, st.sampled_from(["a", "b", "c"]))))
    return sorted(events, key=lambda one: one.position)


@given(histories(), st.integers(0, 41))
def test_a_rollback_forgets_all_above_the_fork_and_nothing_else(events: list[StakingEvent], fork: int) -> None:
    log = EventLog(100)
    log.restore(events)
    log.rollback(fork)
    assert knowledge(log) == told_by([one for one in events if one.block_number <= fork])


@given(histories(), st.integers(0, 40), st.integers(1, 7))
def test_scan_and_tail_together_know_what_one_reading_knows(
    events: list[StakingEvent], first_refresh: int, step: int
) -> None:
    log = EventLog(100)
    log.apply_tail(told(first_refresh + 1, first_refresh))
    log.begin(0, "genesis")
    log.apply_tail(told(first_refresh + 1, 40, events))
    while not log.complete:
        assert log.scanned_to is not None
        assert log.target == 40
        log.apply(told(log.scanned_to + 1, min(log.scanned_to + step, log.target), events))
    assert knowledge(log) == told_by(events)
    assert log.progress.scanned_to == 40


def test_applying_twice_changes_nothing() -> None:
    events = [registered(3, 1), exited(4, 1), credited(5, "a")]
    log = EventLog(100)
    log.restore([*events, *events])
    assert knowledge(log) == told_by(events)


def test_a_wallet_named_again_survives_the_rollback_of_the_later_event() -> None:
    log = EventLog(100)
    log.restore([credited(9, "a"), credited(3, "a")])
    log.rollback(5)
    assert set(log.wallets) == {"a"}


def test_unchanged_answers_are_the_same_objects() -> None:
    log = EventLog(100)
    log.restore([registered(3, 1), exited(4, 1), created(5, "c")])
    before = log.registrations, log.exits, log.contracts
    log.restore([credited(9, "a")])
    after = log.registrations, log.exits, log.contracts
    assert all(old is new for old, new in zip(before, after, strict=True))
    log.restore([registered(9, 2)])
    assert log.registrations[1] is before[0][1]


def test_a_finalized_of_a_stranger_links_nothing() -> None:
    log = EventLog(100)
    finalized = of_contract(StakingEventKind.CONTRIBUTION_FINALIZED, 3, "stranger", transaction_hash="0xa")
    log.restore([registered(3, 1, transaction_hash="0xa"), finalized])
    assert log.registrations[1].contribution_contract is None
    log.restore([created(2, "stranger")])
    assert log.registrations[1].contribution_contract == "stranger"


def test_an_exit_is_a_liquidation_where_the_same_transaction_says_so() -> None:
    log = EventLog(100)
    liquidated = event(
        StakingEventKind.SERVICE_NODE_LIQUIDATED, 8, 0, contract_id=1, transaction_hash="0xa", initiator="operator"
    )
    log.restore([liquidated, exited(8, 1, transaction_hash="0xa"), exited(9, 2, transaction_hash="0xb")])
    assert {key: left.liquidated for key, left in log.exits.items()} == {1: True, 2: False}
    left = log.exits[1]
    assert (left.block_number, left.timestamp, left.transaction_hash, left.returned_amount) == (8, 1_008, "0xa", 9)


def test_events_are_told_the_key_that_their_node_or_contract_had_then() -> None:
    log = EventLog(100)
    made = [
        of_contract(StakingEventKind.CONTRIBUTION_RESET, 5, "c", 0),
        of_contract(StakingEventKind.PUBKEYS_UPDATED, 5, "c", 1, pubkey="first key"),
        created(5, "c", 2),
        of_contract(StakingEventKind.FEE_UPDATED, 6, "c"),
        of_contract(StakingEventKind.PUBKEYS_UPDATED, 7, "c", pubkey="second key"),
        of_contract(StakingEventKind.FEE_UPDATED, 8, "c"),
        registered(9, 1, initiator="c"),
        exited(10, 1),
        exited(11, 2),
    ]
    placed = log.apply(told(1, 20, made)).events
    keys = [one.pubkey for one in placed]
    assert keys == ["first key"] * 4 + ["second key"] * 2 + [f"{1:064x}", f"{1:064x}", None]
    contracts = [one.contribution_contract_address for one in placed]
    assert contracts == ["c"] * 7 + [None, None]
    log.rollback(6)
    again = log.apply(told(7, 9, [of_contract(StakingEventKind.FEE_UPDATED, 9, "c")])).events
    assert [one.pubkey for one in again] == ["first key"]


def test_a_gap_in_the_tail_is_scanned_again() -> None:
    log = EventLog(100)
    log.begin(1, "first")
    log.apply_tail(told(11, 10))
    log.apply(told(1, 10))
    assert log.progress.scanned_to == 10
    log.apply_tail(told(51, 50))
    assert log.progress == ScanProgress(from_block=1, scanned_to=10, target=50, complete=False)
    log.apply(told(11, 50))
    assert log.progress == ScanProgress(from_block=1, scanned_to=50, target=50, complete=True)


def test_a_tail_that_left_out_contracts_is_scanned_again() -> None:
    log = EventLog(100)
    log.begin(1, "first")
    log.apply_tail(replace(told(11, 20, [registered(15, 1)]), whole=False))
    log.apply(told(1, 10))
    log.apply_tail(replace(told(11, 20, [registered(15, 1)]), whole=False))
    assert list(log.registrations) == [1], "what it did tell is known"
    assert log.progress == ScanProgress(from_block=1, scanned_to=10, target=20, complete=False)
    assert not log.knows_up_to(11)


def test_hashes_are_kept_within_the_depth_and_for_the_ends_of_the_ranges() -> None:
    log = EventLog(5)
    log.apply_tail(told(101, 100))
    log.begin(1, "h1")
    log.apply(told(1, 20))
    log.stored_to = 20
    log.apply(told(21, 40))
    for block in range(101, 120):
        log.apply_tail(told(block, block))
    assert sorted(number for number, _ in log.blocks.items()) == [1, 20, 40, *range(114, 120)]


def test_another_chain_clears_everything() -> None:
    log = EventLog(5)
    log.apply_tail(told(11, 10))
    log.begin(1, "first")
    log.apply(told(1, 10, [registered(3, 1)]))
    log.stored_to = 10
    log.clear()
    assert knowledge(log) == told_by([])
    assert {log.from_block, log.scanned_to, log.target, log.stored_to} == {None}
    assert log.blocks.newest() is None
