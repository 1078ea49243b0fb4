"""Every recorded reply decodes, or fails in the way that is meant."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent_graphql.sources.oxend.errors import OxendMalformedReplyError, OxendNotReadyError, OxendUpstreamError
from sent_graphql.sources.oxend.replies import (
    AccruedRewards,
    Info,
    LastBlockHeader,
    NodeState,
    PendingEvents,
    RemovalSignature,
    RemovedEntry,
    RewardsSignature,
    ServiceNodes,
    StakingRequirement,
    decode_part,
    decode_reply,
)

KINDS: dict[str, Any] = {
    "rpc.get_info": Info,
    "rpc.get_last_block_header": LastBlockHeader,
    "rpc.get_service_nodes": ServiceNodes,
    "rpc.get_accrued_rewards": AccruedRewards,
    "rpc.bls_exit_liquidation_list": tuple[RemovedEntry, ...],
    "rpc.get_pending_events": PendingEvents,
    "rpc.get_staking_requirement": StakingRequirement,
    "rpc.bls_rewards_request": RewardsSignature,
    "rpc.bls_exit_liquidation_request": RemovalSignature,
}


@pytest.mark.parametrize(
    "name",
    [
        *("rpc.bls_exit_liquidation_list", "rpc.bls_exit_liquidation_list.deregister"),
        *("rpc.bls_exit_liquidation_list.exit", "rpc.get_accrued_rewards", "rpc.get_info", "rpc.get_info.not-synced"),
        *("rpc.get_info.regtest", "rpc.get_last_block_header", "rpc.get_pending_events", "rpc.get_service_nodes"),
        *("rpc.get_service_nodes.decommissioned", "rpc.get_service_nodes.not-synced"),
        *("rpc.get_service_nodes.unlocking", "rpc.get_staking_requirement", "rpc.bls_rewards_request"),
        *("rpc.bls_exit_liquidation_request", "rpc.bls_exit_liquidation_request.liquidate"),
    ],
)
def test_every_recorded_reply_decodes(recorded: Callable[[str], bytes], name: str) -> None:
    command = ".".join(name.split(".")[:2])
    assert decode_reply(command, recorded(name), KINDS[command]) is not None


def test_the_recorded_busy_reply_is_no_data(recorded: Callable[[str], bytes]) -> None:
    with pytest.raises(OxendNotReadyError, match="busy"):
        decode_reply("rpc.get_last_block_header", recorded("rpc.get_last_block_header.not-synced"), LastBlockHeader)


def test_busy_beside_whole_data_is_no_data_either(recorded: Callable[[str], bytes]) -> None:
    body = recorded("rpc.get_info").replace(b'"status":"OK"', b'"status":"BUSY"')
    with pytest.raises(OxendNotReadyError):
        decode_reply("rpc.get_info", body, Info)


def test_another_status_is_an_upstream_error_in_oxends_words() -> None:
    with pytest.raises(OxendUpstreamError, match="cumulative difficulty"):
        decode_reply("rpc.get_info", b'{"status":"could not read cumulative difficulty","height":5}', Info)


@pytest.mark.parametrize(
    ("command", "field"),
    [
        *(("rpc.get_info", name) for name in ("height", "top_block_hash", "nettype", "target_height")),
        *(("rpc.get_info", name) for name in ("hard_fork", "version", "staking_requirement", "max_contributors")),
        ("rpc.get_last_block_header", "block_header"),
        ("rpc.get_accrued_rewards", "balances"),
        ("rpc.get_staking_requirement", "staking_requirement"),
        *(("rpc.get_pending_events", name) for name in ("registrations", "unlocks")),
        *(("rpc.get_service_nodes", name) for name in ("height", "service_node_states")),
        *(("rpc.bls_rewards_request", name) for name in ("address", "amount", "height", "msg_to_sign", "signature")),
        *(("rpc.bls_exit_liquidation_request", name) for name in ("bls_pubkey", "timestamp", "non_signer_indices")),
    ],
)
def test_a_missing_field_is_named(recorded: Callable[[str], bytes], command: str, field: str) -> None:
    reply = json.loads(recorded(command))
    del reply[field]
    with pytest.raises(OxendMalformedReplyError, match=f"`{field}`"):
        decode_reply(command, json.dumps(reply).encode(), KINDS[command])


def test_fields_that_need_not_be_there_may_be_absent(recorded: Callable[[str], bytes]) -> None:
    reply = json.loads(recorded("rpc.get_service_nodes"))
    needed = {
        *("service_node_pubkey", "active", "operator_address", "contributors"),
        *("registration_height", "staking_requirement", "total_contributed"),
    }
    node = reply["service_node_states"][0]
    text = json.dumps({name: node[name] for name in needed}).encode()
    assert decode_part("rpc.get_service_nodes", text, NodeState, "0").last_uptime_proof == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("height", "5314"), ("height", -1), ("height", 1.5), ("height", None), ("height", [])),
        *(
            ("height", 2**31),
            ("staking_requirement", 2**300),
            ("nettype", 5),
            ("top_block_hash", None),
            ("staking_requirement", {}),
        ),
    ],
)
def test_a_wrong_type_is_named(recorded: Callable[[str], bytes], field: str, value: object) -> None:
    reply = json.loads(recorded("rpc.get_info")) | {field: value}
    with pytest.raises(OxendMalformedReplyError, match=field):
        decode_reply("rpc.get_info", json.dumps(reply).encode(), Info)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[]", b"\xff\xfe", b'{"status":"\xff"}', b"[" * 100_000, b'"text"', b"{}" * 2, b"NaN"]
)
@pytest.mark.parametrize("command", ["rpc.get_info", "rpc.get_service_nodes"])
def test_what_is_not_json_or_not_an_object_is_malformed(command: str, body: bytes) -> None:
    with pytest.raises(OxendMalformedReplyError, match=command):
        decode_reply(command, body, KINDS[command])


@given(body=st.binary(max_size=60), command=st.sampled_from(sorted(KINDS)))
def test_no_bytes_crash_the_decoder(body: bytes, command: str) -> None:
    try:
        decode_reply(command, body, KINDS[command])
    except (OxendMalformedReplyError, OxendNotReadyError, OxendUpstreamError):
        return
    assert command == "rpc.bls_exit_liquidation_list"


def test_a_swarm_and_portions_of_64_bits_are_exact(recorded: Callable[[str], bytes]) -> None:
    reply = decode_reply("rpc.get_service_nodes", recorded("rpc.get_service_nodes.decommissioned"), ServiceNodes)
    node = decode_part("rpc.get_service_nodes", bytes(reply.service_node_states[0]), NodeState, "0")
    assert node.swarm_id == 2**64 - 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("amount", -1), ("amount", 2**63), ("amount", "5"), ("height", 2**31), ("address", None)),
        *(("msg_to_sign", "0"), ("msg_to_sign", ""), ("msg_to_sign", "zz" * 84), ("msg_to_sign", "00" * 1000)),
        *(("signature", ""), ("signature", "ab" * 127), ("signature", "AB" * 128), ("signature", "ab" * 128 + "\n")),
        *(("non_signer_indices", [0]), ("non_signer_indices", [-1]), ("non_signer_indices", [2**31])),
        *(("non_signer_indices", [1.5]), ("non_signer_indices", None), ("non_signer_indices", {"1": 2})),
    ],
)
def test_a_signature_with_a_field_that_cannot_be_is_malformed(
    recorded: Callable[[str], bytes], field: str, value: object
) -> None:
    reply = json.loads(recorded("rpc.bls_rewards_request")) | {field: value}
    with pytest.raises(OxendMalformedReplyError, match=field):
        decode_reply("rpc.bls_rewards_request", json.dumps(reply).encode(), RewardsSignature)
