"""What events told can be taken back, in whatever order it came."""

from hypothesis import given
from hypothesis import strategies as st

from sent_graphql.models.contracts import NodeRegistration, ScanProgress, Stake
from sent_graphql.sources.contracts.event_log import EventLog
from sent_graphql.sources.contracts.events import (
    ContractCreated,
    Exited,
    Finalized,
    PastEvent,
    Registered,
    WalletCredited,
)


def registered(block: int, contract_id: int, initiator: str = "operator", transaction: str = "0x1") -> Registered:
    registration = NodeRegistration(
        contract_id=contract_id,
        pubkey="0a" * 32,
        pubkey_bls="0b" * 64,
        operator="operator",
        fee=block,
        contributors=(Stake("operator", "operator", 1),),
        block_number=block,
        contribution_contract=None,
    )
    return Registered(registration, initiator, transaction)


def knowledge(log: EventLog) -> tuple[object, ...]:
    return log.registrations, log.exited_ids, log.contracts, set(log.wallets)


def told_by(events: list[PastEvent]) -> tuple[object, ...]:
    log = EventLog(100)
    log.apply_found(events)
    return knowledge(log)


BLOCKS = st.integers(1, 40)


@st.composite
def histories(draw: st.DrawFn) -> list[PastEvent]:
    """Events as a chain tells them: ids grow with the blocks, each contract is created once."""
    events: list[PastEvent] = [registered(block, n) for n, block in enumerate(sorted(draw(st.lists(BLOCKS))), 1)]
    events += [Exited(block, n) for n, block in enumerate(sorted(draw(st.lists(BLOCKS))), 1)]
    events += [ContractCreated(block, n, f"contract {n}") for n, block in enumerate(draw(st.lists(BLOCKS)))]
    wallets = st.builds(WalletCredited, BLOCKS, st.sampled_from(["a", "b", "c"]))
    return sorted(events + draw(st.lists(wallets)), key=lambda event: event.block)


@given(histories(), st.integers(0, 41))
def test_a_rollback_forgets_all_above_the_fork_and_nothing_else(events: list[PastEvent], fork: int) -> None:
    log = EventLog(100)
    log.apply_found(events)
    log.rollback(fork)
    assert knowledge(log) == told_by([event for event in events if event.block <= fork])


@given(histories(), st.integers(0, 40), st.integers(1, 7))
def test_scan_and_tail_together_know_what_one_reading_knows(
    events: list[PastEvent], first_refresh: int, step: int
) -> None:
    log = EventLog(100)
    log.apply_tail(first_refresh + 1, first_refresh, "hash", [])
    log.begin(0, "genesis")
    log.apply_tail(first_refresh + 1, 40, "hash", [event for event in events if event.block > first_refresh])
    while not log.complete:
        assert log.scanned_to is not None
        assert log.target == first_refresh
        last = min(log.scanned_to + step, log.target)
        log.apply_scanned(last, "hash", [event for event in events if log.scanned_to < event.block <= last])
    assert knowledge(log) == told_by(events)
    assert log.progress.scanned_to == 40


@given(histories(), st.integers(0, 40))
def test_a_kept_state_restores_what_was_scanned(events: list[PastEvent], scanned_to: int) -> None:
    log = EventLog(100)
    log.begin(0, "genesis")
    log.apply_scanned(scanned_to, "hash", [event for event in events if event.block <= scanned_to])
    log.apply_found([event for event in events if event.block > scanned_to])
    state = log.state()
    assert state is not None
    restored = EventLog(100)
    restored.restore(state)
    assert knowledge(restored) == told_by([event for event in events if event.block <= scanned_to])
    assert restored.scanned_to == scanned_to


def test_applying_twice_changes_nothing() -> None:
    events: list[PastEvent] = [registered(3, 1), Exited(4, 1), WalletCredited(5, "a")]
    log = EventLog(100)
    log.apply_found([*events, *events])
    assert knowledge(log) == told_by(events)


def test_a_wallet_named_again_survives_the_rollback_of_the_later_event() -> None:
    log = EventLog(100)
    log.apply_found([WalletCredited(9, "a"), WalletCredited(3, "a")])
    log.rollback(5)
    assert set(log.wallets) == {"a"}


def test_unchanged_answers_are_the_same_objects() -> None:
    log = EventLog(100)
    log.apply_found([registered(3, 1), Exited(4, 1), ContractCreated(5, 0, "c")])
    before = log.registrations, log.exited_ids, log.contracts
    log.apply_found([WalletCredited(9, "a")])
    after = log.registrations, log.exited_ids, log.contracts
    assert all(old is new for old, new in zip(before, after, strict=True))
    log.apply_found([registered(9, 2)])
    assert log.registrations[1] is before[0][1]


def test_a_finalized_of_a_stranger_links_nothing() -> None:
    log = EventLog(100)
    log.apply_found([registered(3, 1, transaction="0xa"), Finalized(3, "stranger", "0xa")])
    assert log.unlinked(1, 10) == [3]
    log.apply_found([ContractCreated(2, 0, "stranger")])
    assert log.registrations[1].contribution_contract == "stranger"
    assert log.unlinked(1, 10) == []


def test_a_gap_in_the_tail_is_scanned_again() -> None:
    log = EventLog(100)
    log.begin(1, "first")
    log.apply_tail(11, 10, "ten", [])
    log.apply_scanned(10, "ten", [])
    assert log.progress.scanned_to == 10
    log.apply_tail(51, 50, "fifty", [])
    assert log.progress == ScanProgress(from_block=1, scanned_to=10, target=50, complete=False)
    log.apply_scanned(50, "fifty", [])
    assert log.progress == ScanProgress(from_block=1, scanned_to=50, target=50, complete=True)


def test_hashes_are_kept_within_the_depth_and_for_the_ends_of_the_scan() -> None:
    log = EventLog(5)
    log.apply_tail(101, 100, "h100", [])
    log.begin(1, "h1")
    log.apply_scanned(20, "h20", [])
    log.apply_scanned(40, "h40", [])
    for block in range(101, 120):
        log.apply_tail(block, block, f"h{block}", [])
    assert sorted(number for number, _ in log.blocks.items()) == [1, 40, *range(114, 120)]


def test_another_chain_clears_everything() -> None:
    log = EventLog(5)
    log.apply_tail(11, 10, "ten", [])
    log.begin(1, "first")
    log.apply_scanned(10, "ten", [registered(3, 1)])
    log.clear()
    assert knowledge(log) == told_by([])
    assert (log.from_block, log.scanned_to, log.target, log.tail_to) == (None, None, None, None)
    assert log.blocks.newest() is None
