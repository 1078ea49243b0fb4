"""Figures of the whole network."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import structs


def test_counts_leave_out_exited_nodes(make: Any, join: Any) -> None:
    state = join(
        make.oxend_view(
            [make.oxend_node(1), make.oxend_node(2, active=False, requested_unlock_height=10_100)],
            exit_list=(make.removed_node(3), make.removed_node(4), make.removed_node(5, kind="deregister")),
        ),
        make.contracts_view([make.contract_node(n, n) for n in (1, 2, 4, 5, 6)]),
    ).state
    counts = state.network.node_counts
    assert (counts.total, counts.running, counts.decommissioned) == (5, 1, 1)
    assert (counts.awaiting_exit, counts.deregistered, counts.registering) == (1, 1, 1)
    assert len(state.nodes) == 6


def test_the_total_staked_is_what_the_contract_holds(make: Any, join: Any) -> None:
    view = make.contracts_view([make.contract_node(1, 1, deposit=10), make.contract_node(2, 2, deposit=5)])
    assert join(make.oxend_view([make.oxend_node(7)]), view).state.network.total_staked == 15


@pytest.mark.parametrize(("cycles_ago", "used"), [(0, 5), (1, 0)])
def test_the_claim_limit_is_whole_again_in_a_new_cycle(make: Any, join: Any, cycles_ago: int, used: int) -> None:
    view = make.contracts_view()
    now = view.block_timestamp // 43_200
    parameters = structs.replace(view.parameters, current_claim_cycle=now - cycles_ago, current_claim_total=5)
    limit = join(contracts=structs.replace(view, parameters=parameters)).state.network.claim_limit
    assert limit.remaining == limit.per_cycle - used
    assert limit.resets_at == datetime.fromtimestamp((now + 1) * 43_200, UTC)
