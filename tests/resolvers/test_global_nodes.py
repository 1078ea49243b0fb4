"""Things found again by id."""

import base64
from typing import Any

import pytest

from sent_graphql.models.global_id import global_id
from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.resolvers.errors import BadUserInputError, NotReadyError
from sent_graphql.resolvers.global_nodes import GlobalNode, find_node
from sent_graphql.resolvers.wallets import past_stakes

OPTIONS = ResolverOptions(nettype="mainnet", default_page_size=100, max_page_size=2500)


@pytest.fixture
def context(make: Any) -> RequestContext:
    """A network of one node and one contract."""
    return RequestContext(make.snapshot(make.state(make.node(7), contracts=(make.contract(1),))), OPTIONS)


def test_each_kind_is_found_by_its_own_id(make: Any, context: RequestContext) -> None:
    state = context.state()
    wallet = state.wallet(make.address(1))
    things: list[GlobalNode] = [state.network, *state.nodes, *state.contribution_contracts, wallet, *wallet.stakes]
    for thing in things:
        assert find_node(context, thing.id) == thing


def test_past_nodes_and_past_stakes_are_found_by_their_ids(make: Any) -> None:
    state = make.state(make.ended(2), past=(make.ended(3),))
    context = RequestContext(make.snapshot(state), OPTIONS)
    stakes = past_stakes(state, make.address(1)).items
    assert len(stakes) == 2
    for thing in (*state.nodes, *state.past.nodes, *stakes):
        assert find_node(context, thing.id) == thing


def test_a_stake_in_a_node_that_another_has_is_null(make: Any, context: RequestContext) -> None:
    node = context.state().nodes[0]
    assert find_node(context, global_id("Stake", f"{node.id}:{make.address(99)}")) is None


@pytest.mark.parametrize("kind", ["ServiceNode", "ContributionContract", "Stake", "Network", "Meta", "Nothing"])
def test_an_unknown_id_is_null(context: RequestContext, kind: str) -> None:
    assert find_node(context, global_id(kind, "unknown")) is None


def test_an_unknown_wallet_is_an_empty_wallet(make: Any, context: RequestContext) -> None:
    wallet = find_node(context, global_id("Wallet", make.address(99)))
    assert wallet == context.state().wallet(make.address(99))


@pytest.mark.parametrize(
    "node_id",
    [
        "",
        "?",
        "U2VydmljZU5vZGU6bm9kZS03=",
        base64.b64encode(b"ServiceNode").decode(),
        base64.b64encode(b":x").decode(),
        base64.b64encode(b"\xff:x").decode(),
        global_id("Wallet", "nobody"),
        global_id("Wallet", "0x" + "ab" * 20),
    ],
)
def test_a_malformed_id_is_refused(context: RequestContext, node_id: str) -> None:
    with pytest.raises(BadUserInputError, match="`id` is not") as caught:
        find_node(context, node_id)
    assert caught.value.extensions == {"code": "BAD_USER_INPUT", "argument": "id"}


def test_nothing_is_found_before_the_first_snapshot(make: Any) -> None:
    with pytest.raises(NotReadyError):
        find_node(RequestContext(make.snapshot(None), OPTIONS), global_id("ServiceNode", "1"))
