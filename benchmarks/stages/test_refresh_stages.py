"""From what the sources send to a snapshot: decoding, joining, indexing."""

from typing import Any

from conftest import Sides

from sent_graphql.models.snapshot import NetworkState, Snapshot
from sent_graphql.sources.contracts import decoding
from sent_graphql.sources.oxend.recall import RoundRecall

Benchmark = Any
"""pytest-benchmark ships no types."""


def test_decode_oxend_first(benchmark: Benchmark, sides: Sides) -> None:
    """A round of replies of which nothing is known."""
    replies = sides.replies()
    view = benchmark(lambda: sides.oxend_view(replies, RoundRecall()))
    assert len(view.nodes) > 0


def test_decode_oxend_next(benchmark: Benchmark, sides: Sides) -> None:
    """The replies of the next block, in which some nodes have changed."""
    first = RoundRecall()
    sides.oxend_view(sides.replies(), first)
    sides.move()
    replies = sides.replies()
    view = benchmark(lambda: sides.oxend_view(replies, RoundRecall(first)))
    assert len(view.nodes) > 0


def test_decode_contract(benchmark: Benchmark, sides: Sides) -> None:
    """The rewards contract's own record of every node."""
    replies = sides.contract_replies()
    nodes = benchmark(lambda: [decoding.node(data, number) for number, data in replies.items()])
    assert None not in nodes


def test_join_first(benchmark: Benchmark, sides: Sides) -> None:
    """Both sides, with nothing to go on from; indexing is part of it."""
    oxend, contracts = sides.oxend_view(sides.replies(), RoundRecall()), sides.contracts_view()
    joined = benchmark(lambda: sides.assembled(oxend, contracts))
    assert len(joined.state.nodes) == len(contracts.nodes)


def test_join_next(benchmark: Benchmark, sides: Sides) -> None:
    """The next block, in which some nodes have changed."""
    recall = RoundRecall()
    oxend, contracts = sides.oxend_view(sides.replies(), recall), sides.contracts_view()
    last = sides.assembled(oxend, contracts)
    sides.move()
    following = sides.oxend_view(sides.replies(), RoundRecall(recall))
    joined = benchmark(lambda: sides.assembled(following, contracts, last))
    assert len(joined.state.nodes) == len(contracts.nodes)


def test_index(benchmark: Benchmark, shown: Snapshot) -> None:
    """All look-ups of a state, made anew."""
    state = shown.state
    assert state is not None
    made = benchmark(
        lambda: NetworkState(
            network=state.network,
            nodes=state.nodes,
            contribution_contracts=(),
            accrued=state.accrued,
            recipients=state.recipients,
        )
    )
    assert len(made.node_by_id) == len(state.nodes)
