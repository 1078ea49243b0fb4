"""From oxend's words to the models': the rules of spelling, absence and units."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent_graphql.models.oxend import DECOMMISSION_REASONS, OxendContribution, OxendNode, OxendView, RemovedNode
from sent_graphql.sources.oxend.errors import OxendMalformedReplyError
from sent_graphql.sources.oxend.recall import RoundRecall
from sent_graphql.sources.oxend.replies import (
    AccruedRewards,
    Info,
    LastBlockHeader,
    PendingEvents,
    RemovedEntry,
    ServiceNodes,
    decode_reply,
)
from sent_graphql.sources.oxend.views import (
    decommission_reasons,
    oxend_node,
    oxend_view,
    pending_registration,
    removed_node,
)

Recorded = Callable[[str], bytes]

CHECKSUMMED = "0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f"


def node(recorded: Recorded, situation: str, **changes: Any) -> OxendNode:
    """The first recorded node of a situation, with some fields of the reply changed (None: absent)."""
    reply = json.loads(recorded("rpc.get_service_nodes" + situation))
    changed = reply["service_node_states"][0] | changes
    reply["service_node_states"] = [{name: value for name, value in changed.items() if value is not None}]
    decoded = decode_reply("rpc.get_service_nodes", json.dumps(reply).encode(), ServiceNodes)
    return oxend_node(bytes(decoded.service_node_states[0]), "service_node_states[0]", RoundRecall())


def removed(recorded: Recorded, name: str) -> list[RemovedNode]:
    body = recorded(f"rpc.bls_exit_liquidation_list.{name}")
    return [removed_node(entry) for entry in decode_reply("x", body, tuple[RemovedEntry, ...])]


def test_a_running_node_as_recorded(recorded: Recorded) -> None:
    seen = node(recorded, "")
    assert seen.pubkey == "90a0c3dc810b0af25b81bde2d00b5936cb9797f4b6e08a3adb38a0f7f30f618c"
    assert seen.active
    assert seen.operator_fee == 1000
    assert seen.contributors[2] == OxendContribution(
        address="0x04040404040404040404040404040404040404a4",
        beneficiary="0x05050505050505050505050505050505050505a5",
        amount=50_000_000_000,
        reserved=50_000_000_000,
    )
    assert seen.requested_unlock_height is None
    assert seen.swarm_id == "0000000000000000"
    assert (seen.service_node_version, seen.lokinet_version) == ("11.0.6", "0.0.0")
    assert seen.last_decommission_reasons == ()


def test_a_decommissioned_node_as_recorded(recorded: Recorded) -> None:
    seen = node(recorded, ".decommissioned")
    assert not seen.active
    assert seen.last_decommission_reasons == ("uptime",)
    assert seen.last_uptime_proof is None
    assert seen.swarm_id is None
    assert seen.service_node_version is None
    assert seen.state_height == 5998


def test_an_unlocking_node_as_recorded(recorded: Recorded) -> None:
    seen = node(recorded, ".unlocking")
    assert seen.requested_unlock_height == 5318
    assert seen.public_ip == "127.0.0.1"


@pytest.mark.parametrize("spelling", [CHECKSUMMED, CHECKSUMMED.lower(), CHECKSUMMED[2:].lower()])
def test_an_address_is_one_however_oxend_spells_it(recorded: Recorded, spelling: str) -> None:
    seen = node(recorded, "", operator_address=spelling, contributors=[{"address": spelling, "amount": 1}])
    assert seen.operator == seen.contributors[0].address == seen.contributors[0].beneficiary == CHECKSUMMED


def test_an_oxen_address_stays_as_it_is(recorded: Recorded) -> None:
    seen = node(recorded, "", operator_address="dV3EhSE1xXgSzswBgVioqFNTfcqG")
    assert seen.operator == "dV3EhSE1xXgSzswBgVioqFNTfcqG"


def test_keys_are_in_lower_case(recorded: Recorded) -> None:
    seen = node(recorded, "", service_node_pubkey="AB" * 32, pubkey_bls="0x" + "CD" * 64)
    assert (seen.pubkey, seen.pubkey_bls) == ("ab" * 32, "cd" * 64)


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"last_uptime_proof": None}, "last_uptime_proof", None),
        ({"pubkey_bls": None}, "pubkey_bls", None),
        ({"pubkey_bls": "0" * 128}, "pubkey_bls", None),
        ({"swarm_id": None}, "swarm_id", None),
        ({"swarm_id": 255}, "swarm_id", "00000000000000ff"),
        ({"portions_for_operator": None}, "operator_fee", None),
        ({"portions_for_operator": 2**64 - 4}, "operator_fee", 10_000),
        ({"earned_downtime_blocks": -1}, "earned_downtime_blocks", -1),
        (
            {"contributors": [{"address": CHECKSUMMED, "amount": 1, "reserved": 5}]},
            "total_contributed",
            120_000_000_000,
        ),
        ({"public_ip": ""}, "public_ip", None),
    ],
)
def test_what_oxend_leaves_out_is_null(recorded: Recorded, changes: dict[str, Any], field: str, value: object) -> None:
    assert getattr(node(recorded, "", **changes), field) == value


def test_reserved_is_kept_where_oxend_tells_it(recorded: Recorded) -> None:
    seen = node(recorded, "", contributors=[{"address": CHECKSUMMED, "amount": 1, "reserved": 5}])
    assert (seen.contributors[0].amount, seen.contributors[0].reserved) == (1, 5)


@pytest.mark.parametrize(
    "changes", [{"service_node_pubkey": "ab"}, {"pubkey_bls": "xyz"}, {"service_node_pubkey": "zz" * 32}]
)
def test_a_key_that_is_none_is_malformed(recorded: Recorded, changes: dict[str, Any]) -> None:
    with pytest.raises(OxendMalformedReplyError, match="hex digits"):
        node(recorded, "", **changes)


def test_reasons_come_from_bits_and_words_together(recorded: Recorded) -> None:
    seen = node(
        recorded,
        ".decommissioned",
        last_decommission_reason_consensus_all=4,
        last_decommission_reason_consensus_any=4 | 128,
        last_decomm_reasons={"all": ["pulse"], "some": ["storage", "a reason of tomorrow"]},
    )
    assert seen.last_decommission_reasons == ("pulse", "storage", "l2")


@given(st.sets(st.sampled_from(range(8))), st.sets(st.sampled_from(DECOMMISSION_REASONS)))
def test_reasons_keep_the_order_of_their_bits(bits: set[int], words: set[str]) -> None:
    reasons = decommission_reasons(sum(1 << bit for bit in bits), words)
    assert set(reasons) == {DECOMMISSION_REASONS[bit] for bit in bits} | words
    assert list(reasons) == sorted(reasons, key=DECOMMISSION_REASONS.index)


def test_the_recorded_exit_list(recorded: Recorded) -> None:
    (seen,) = removed(recorded, "exit")
    assert (seen.kind, seen.height, seen.liquidation_height) == ("exit", 5319, 5320)
    assert seen.operator == "0x13131313131313131313131313131313131313b3"
    assert seen.contributors[0].beneficiary == seen.contributors[0].address == seen.operator
    assert seen.pubkey_bls is not None
    assert seen.pubkey_bls.startswith("29100b76")
    assert seen.requested_unlock_height == 5318


def test_the_recorded_deregistration(recorded: Recorded) -> None:
    *_, seen = removed(recorded, "deregister")
    assert (seen.kind, seen.height) == ("deregister", 7452)
    assert seen.requested_unlock_height is None
    first, *_ = removed(recorded, "deregister")
    assert first.operator_fee == 500
    assert first.last_decommission_reasons == ("uptime",)


def test_pending_registrations_tell_their_fee_in_percent(recorded: Recorded) -> None:
    reply = json.loads(recorded("rpc.get_pending_events"))
    reply["registrations"][0]["fee"] = 12.34
    events = decode_reply("x", json.dumps(reply).encode(), PendingEvents).registrations
    seen = [pending_registration(event) for event in events]
    assert len(seen) == 11
    assert [seen[0].fee, seen[1].fee] == [1234, 0]
    assert (seen[0].height, seen[0].l2_height) == (5300, 1577)
    assert seen[0].contributors[0].reserved == seen[0].contributors[0].amount


Round = Callable[..., OxendView]


@pytest.fixture
def view(recorded: Recorded) -> Round:
    """The view of the recorded round, with changes to the first node, or with another exit list or pending events."""

    def make(
        *,
        lists: dict[str, Any] | None = None,
        block_seconds: int = 7,
        recall: RoundRecall | None = None,
        **changes: Any,
    ) -> OxendView:
        replies = {
            name: json.loads(recorded(f"rpc.{name}"))
            for name in ("get_info", "get_last_block_header", "get_service_nodes", "get_accrued_rewards")
        }
        replies |= {"exit_list": [], "get_pending_events": {"registrations": [], "unlocks": []}, **(lists or {})}
        replies["get_service_nodes"]["service_node_states"][0] |= changes
        bodies = {name: json.dumps(reply).encode() for name, reply in replies.items()}
        return oxend_view(
            decode_reply("info", bodies["get_info"], Info),
            decode_reply("header", bodies["get_last_block_header"], LastBlockHeader).block_header,
            decode_reply("nodes", bodies["get_service_nodes"], ServiceNodes),
            decode_reply("exits", bodies["exit_list"], tuple[RemovedEntry, ...]),
            decode_reply("pending", bodies["get_pending_events"], PendingEvents),
            decode_reply("accrued", bodies["get_accrued_rewards"], AccruedRewards),
            block_seconds=block_seconds,
            recall=recall or RoundRecall(),
        )

    return make


def test_what_is_spelled_as_in_the_last_round_is_the_same_object_again(view: Round, recorded: Recorded) -> None:
    first = RoundRecall()
    before = view(recall=first)
    second = RoundRecall(first)
    now = view(recall=second, last_uptime_proof=1)
    others = [node for node in now.nodes if node.last_uptime_proof != 1]
    assert len(others) == len(before.nodes) - 1
    assert all(any(node is known for known in before.nodes) for node in others)
    (changed,) = set(now.nodes) - set(others)
    (known,) = [node for node in before.nodes if node.pubkey == changed.pubkey]
    assert changed.contributors is known.contributors
    assert view(recall=RoundRecall(second)) == view(), "what one round had is forgotten by the one after the next"


@pytest.mark.parametrize("field", ["service_node_pubkey", "active", "contributors", "total_contributed"])
def test_a_missing_field_of_one_node_is_named_with_its_place(view: Round, recorded: Recorded, field: str) -> None:
    reply = json.loads(recorded("rpc.get_service_nodes"))
    del reply["service_node_states"][3][field]
    with pytest.raises(OxendMalformedReplyError, match=rf"`{field}`.*service_node_states\[3\]") as failure:
        view(lists={"get_service_nodes": reply})
    assert "rpc.get_service_nodes" in str(failure.value)


def test_what_is_wrong_with_a_contributor_is_named_with_its_place(view: Round) -> None:
    with pytest.raises(OxendMalformedReplyError, match=r"service_node_states\[0\]\.contributors\[1\]\.amount"):
        view(contributors=[{"address": CHECKSUMMED, "amount": 1}, {"address": CHECKSUMMED, "amount": -1}])
    with pytest.raises(OxendMalformedReplyError, match=r"service_node_states\[0\]\.contributors`"):
        view(contributors={})


def test_the_block_time_is_the_settings(view: Round) -> None:
    assert view().target_block_seconds == 7


@pytest.mark.parametrize(
    "field",
    [
        *("registration_height", "requested_unlock_height", "last_reward_block_height", "state_height"),
        *("staking_requirement", "total_contributed", "decommission_count", "last_uptime_proof"),
        *("earned_downtime_blocks", "portions_for_operator", "swarm_id"),
    ],
)
@pytest.mark.parametrize("value", [2**64, 10**30, 2**300, 1e400])
def test_a_number_beyond_its_bound_is_malformed(view: Round, field: str, value: float) -> None:
    with pytest.raises(OxendMalformedReplyError):
        view(**{field: value})


def test_an_unlock_beyond_the_calendar_is_malformed(view: Round) -> None:
    assert view(requested_unlock_height=2**30, block_seconds=120)
    with pytest.raises(OxendMalformedReplyError, match="requested_unlock_height"):
        view(requested_unlock_height=2**30, block_seconds=86_400)


def test_a_node_that_is_listed_twice_is_malformed(view: Round, recorded: Recorded) -> None:
    reply = json.loads(recorded("rpc.get_service_nodes"))
    reply["service_node_states"].append(reply["service_node_states"][0])
    with pytest.raises(OxendMalformedReplyError, match="listed twice"):
        view(lists={"get_service_nodes": reply})
    exits = json.loads(recorded("rpc.bls_exit_liquidation_list.exit"))
    with pytest.raises(OxendMalformedReplyError, match="listed twice"):
        view(lists={"exit_list": [*exits, *exits]})


def test_of_two_pending_registrations_with_the_same_keys_the_newer_one_counts(view: Round, recorded: Recorded) -> None:
    reply = json.loads(recorded("rpc.get_pending_events"))
    first = reply["registrations"][0]
    reply["registrations"] = [first | {"l2_height": first["l2_height"] + 1, "fee": 50}, first]
    (event,) = view(lists={"get_pending_events": reply}).pending_registrations
    assert event.fee == 5_000


def test_a_pending_registration_without_contributors_is_malformed(view: Round, recorded: Recorded) -> None:
    reply = json.loads(recorded("rpc.get_pending_events"))
    reply["registrations"][0]["contributors"] = []
    with pytest.raises(OxendMalformedReplyError, match="contributors"):
        view(lists={"get_pending_events": reply})
