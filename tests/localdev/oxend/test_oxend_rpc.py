"""The simulated oxend's answers against a real one's, key for key."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from sent_graphql.bls import PublicKey, Signature, aggregate_public_keys, verify
from sent_graphql.localdev.ledger_events import Decommission, Deregister, Exited, UnlockRequested

RECORDED = Path(__file__).parents[2] / "sources" / "oxend" / "recorded"


def recorded(name: str) -> Any:
    return orjson.loads((RECORDED / f"{name}.json").read_bytes())


def shape(value: Any) -> Any:
    """Keys and types; of a list the shapes that occur in it."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        shapes = [shape(inner) for inner in value]
        return [one for position, one in enumerate(shapes) if one not in shapes[:position]]
    return type(value).__name__


async def some_node(network: Any, *, active: bool = True) -> Any:
    nodes = (await network.ask("rpc.get_service_nodes"))["service_node_states"]
    return next(node for node in nodes if node["active"] is active and node["decommission_count"] == (not active))


@pytest.mark.parametrize("name", ["rpc.get_info", "rpc.get_last_block_header", "rpc.get_staking_requirement"])
async def test_plain_answers_have_the_recorded_shape(network: Any, name: str) -> None:
    assert shape(await network.ask(name)) == shape(recorded(name))


async def test_service_nodes_have_the_recorded_shape(network: Any) -> None:
    reply = await network.ask("rpc.get_service_nodes")
    example = recorded("rpc.get_service_nodes.unlocking")
    assert reply.keys() == example.keys()
    assert shape(await some_node(network)) == shape(example["service_node_states"][0])


async def test_decommissioned_node_has_the_recorded_shape(network: Any) -> None:
    node = next(iter(network.top.nodes.values()))
    network.ledger.advance(network.now, 200, [Decommission(node.pubkey, 1, 1)])
    reply = await network.ask("rpc.get_service_nodes", service_node_pubkeys=[node.pubkey])
    assert shape(reply) == shape(recorded("rpc.get_service_nodes.decommissioned"))


async def test_asked_fields_alone_are_given_whether_as_list_or_object(network: Any) -> None:
    example = recorded("rpc.get_service_nodes")
    wanted = [*example, *example["service_node_states"][0]]
    as_list = await network.ask("rpc.get_service_nodes", fields=wanted)
    as_object = await network.ask("rpc.get_service_nodes", fields=dict.fromkeys(wanted, True), all=False)
    assert as_list == as_object
    assert as_list.keys() == example.keys()
    active = next(node for node in as_list["service_node_states"] if node["active"])
    assert active.keys() == example["service_node_states"][0].keys()
    assert shape(active["contributors"]) == shape(example["service_node_states"][0]["contributors"])


async def test_all_but_a_named_field_may_be_asked_for(network: Any) -> None:
    reply = await network.ask("rpc.get_service_nodes", fields=["all", "-swarm"])
    assert "swarm" not in reply["service_node_states"][0]
    assert "swarm_id" in reply["service_node_states"][0]


async def test_poll_of_the_same_block_says_unchanged_and_of_another_gives_nodes(network: Any) -> None:
    block_hash = network.top.block.hash
    same = await network.ask("rpc.get_service_nodes", poll_block_hash=block_hash)
    assert same["unchanged"] is True
    assert "service_node_states" not in same
    network.mine()
    other = await network.ask("rpc.get_service_nodes", poll_block_hash=block_hash, fields=["active"])
    assert other["unchanged"] is False
    assert other["block_hash"] == network.top.block.hash


async def test_active_only_and_limit_narrow_the_list(network: Any) -> None:
    reply = await network.ask("rpc.get_service_nodes", active_only=True, limit=3, fields=["active"])
    assert reply["service_node_states"] == [{"active": True}] * 3


async def test_exit_list_is_a_bare_array_of_the_recorded_shape(network: Any) -> None:
    reply = await network.ask("rpc.bls_exit_liquidation_list")
    assert isinstance(reply, list)
    kinds = {entry["type"] for entry in reply}
    assert kinds == {"exit", "deregister"}
    example = recorded("rpc.bls_exit_liquidation_list.deregister")[0]
    for entry in reply:
        assert shape(entry) == shape(example)
        assert not entry["info"]["operator_address"].startswith("0x")
    assert {entry["liquidation_height"] <= network.top.height + 1 for entry in reply} == {True, False}


async def test_accrued_rewards_of_all_are_lower_case_and_hold_an_oxen_address(network: Any) -> None:
    reply = await network.ask("rpc.get_accrued_rewards")
    assert shape(reply).keys() == shape(recorded("rpc.get_accrued_rewards")).keys()
    balances = reply["balances"]
    assert all(address == address.lower() for address in balances if address.startswith("0x"))
    assert any(address.startswith("dV3") for address in balances)
    assert all(amount > 0 for amount in balances.values())


async def test_accrued_rewards_of_named_addresses_echo_them_as_sent(network: Any) -> None:
    whole = (await network.ask("rpc.get_accrued_rewards"))["balances"]
    known = next(address for address in whole if address.startswith("0x"))
    named = [known.upper().replace("0X", "0x"), known[2:], "nonsense"]
    reply = await network.ask("rpc.get_accrued_rewards", addresses=named)
    assert reply["balances"] == {named[0]: whole[known], named[1]: whole[known], "nonsense": 0}


async def test_pending_events_have_the_recorded_shape(network: Any) -> None:
    node = next(iter(network.top.nodes.values()))
    network.ledger.observe(
        [network.registration(network.newcomer()), UnlockRequested(l2_height=150, pubkey_bls=node.pubkey_bls)]
    )
    network.mine(3)
    reply = await network.ask("rpc.get_pending_events")
    example = recorded("rpc.get_pending_events")
    assert reply.keys() == example.keys()
    assert shape(reply["registrations"]) == shape(example["registrations"][:1])
    assert (reply["registrations"][0]["confirmations"], reply["registrations"][0]["required"]) == (2.0, 3.0)
    common = {"chain_id", "confirmations", "denials", "height", "l2_height", "required"}
    assert reply["unlocks"][0].keys() == common | {"bls_pubkey"}


async def test_returned_amount_of_a_pending_exit_lands_at_the_top_level(network: Any) -> None:
    entry = next(iter(network.top.removed.values()))
    network.ledger.observe([Exited(l2_height=150, pubkey_bls=entry.node.pubkey_bls, returned_amount=12)])
    network.mine()
    reply = await network.ask("rpc.get_pending_events")
    assert reply["returned_amount"] == 12
    assert "returned_amount" not in reply["exits"][0]


async def test_rewards_request_gives_an_aggregate_that_verifies(network: Any) -> None:
    address, _ = max(network.top.balances.items(), key=lambda item: item[1] if item[0].startswith("0x") else 0)
    network.mine(2)
    reply = await network.ask("rpc.bls_rewards_request", address=address.lower())
    assert shape(reply) == shape(recorded("rpc.bls_rewards_request"))
    assert reply["address"] == address
    assert reply["height"] == network.top.height - 1
    message = network.domain.reward(address, reply["amount"])
    assert bytes.fromhex(reply["msg_to_sign"]) == message
    assert verify(signers(network, reply), Signature.from_hex(reply["signature"]), message, network.domain.hash_tag)


def signers(network: Any, reply: Any) -> PublicKey:
    """The sum of the keys that the contract would count as signers."""
    absent = set(reply["non_signer_indices"])
    keys = [pubkey_bls for pubkey_bls, number in network.contract_ids.items() if number not in absent]
    return aggregate_public_keys(map(PublicKey.from_hex, keys))


async def test_exit_request_gives_an_aggregate_that_verifies(network: Any) -> None:
    entry = next(iter(network.top.removed.values()))
    reply = await network.ask("rpc.bls_exit_liquidation_request", pubkey=entry.node.pubkey, liquidate=False)
    assert shape(reply) == shape(recorded("rpc.bls_exit_liquidation_request"))
    assert entry.node.pubkey_bls == reply["bls_pubkey"]
    message = network.domain.exit(PublicKey.from_hex(entry.node.pubkey_bls), reply["timestamp"])
    assert bytes.fromhex(reply["msg_to_sign"]) == message
    assert verify(signers(network, reply), Signature.from_hex(reply["signature"]), message, network.domain.hash_tag)
    network.now += 60
    again = await network.ask("rpc.bls_exit_liquidation_request", pubkey=entry.node.pubkey, liquidate=False)
    assert again == reply


async def test_exit_request_for_a_node_that_has_not_left_is_refused_as_recorded(network: Any) -> None:
    node = next(iter(network.top.nodes.values()))
    body = orjson.dumps({"pubkey": node.pubkey, "liquidate": False})
    status, answer = await network.ask_raw("rpc.bls_exit_liquidation_request", body)
    assert status == b"500"
    assert answer.decode() == (
        f"RPC error -14: Exit request for SN {node.pubkey} at height {network.top.height + 1} is invalid, "
        "node is not in the list of recently exited nodes. Request rejected"
    )


async def test_liquidation_before_its_height_is_refused_and_then_granted(network: Any) -> None:
    node = next(node for node in network.top.nodes.values() if node.active)
    network.ledger.advance(network.now, 200, [Deregister(node.pubkey)])
    body = orjson.dumps({"pubkey": node.pubkey, "liquidate": True})
    status, answer = await network.ask_raw("rpc.bls_exit_liquidation_request", body)
    assert status == b"500"
    assert b"Node cannot be removed yet. Request rejected" in answer
    network.mine(network.ledger.timing.exit_buffer_blocks - 1)
    reply = await network.ask("rpc.bls_exit_liquidation_request", pubkey=node.pubkey, liquidate=True)
    assert reply["msg_to_sign"].startswith(network.domain.liquidation_tag.hex())


async def test_rewards_request_for_another_height_or_nobody_is_refused_as_recorded(network: Any) -> None:
    address = "0x01010101010101010101010101010101010101a1"
    body = orjson.dumps({"address": address, "height": 5_000_000})
    status, answer = await network.ask_raw("rpc.bls_rewards_request", body)
    assert status == b"500"
    assert answer.decode() == (
        f"RPC error -14: Aggregating a rewards request for '{address}' at height 5000000 is invalid because reward "
        "data is not available for that height. Request rejected."
    )
    network.mine(2)
    status, answer = await network.ask_raw("rpc.bls_rewards_request", orjson.dumps({"address": address}))
    assert status == b"500"
    assert b"no rewards are available" in answer


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"address": 5}', b'{"address": "0x12"}', None])
async def test_request_that_cannot_be_read_is_answered_with_400_and_text(network: Any, body: bytes | None) -> None:
    status, answer = await network.ask_raw("rpc.bls_rewards_request", body)
    assert status == b"400"
    assert answer.startswith(b"Unable to parse request: Failed to parse request parameters: ")


async def test_daemon_that_is_not_synced_answers_as_recorded(network: Any) -> None:
    network.rpc.busy = True
    assert await network.ask("rpc.get_last_block_header") == recorded("rpc.get_last_block_header.not-synced")
    assert await network.ask("rpc.get_service_nodes") == recorded("rpc.get_service_nodes.not-synced")
    assert shape(await network.ask("rpc.get_info")) == shape(recorded("rpc.get_info.not-synced"))


async def test_nobody_signs_when_no_key_is_known(network: Any) -> None:
    network.secrets.clear()
    entry = next(iter(network.top.removed.values()))
    body = orjson.dumps({"pubkey": entry.node.pubkey, "liquidate": False})
    status, answer = await network.ask_raw("rpc.bls_exit_liquidation_request", body)
    assert (status, answer) == (b"500", b"RPC error -14: Cannot extract aggregate signature: no signatures added")


@pytest.mark.parametrize("alias", ["rpc.get_n_service_nodes", "rpc.getlastblockheader"])
async def test_aliases_answer(network: Any, alias: str) -> None:
    assert (await network.ask(alias))["status"] == "OK"
