"""With the recorded replies served over a real socket by another process, the service shows the same network."""

import json
from datetime import UTC, datetime
from typing import Any

from eth_utils.address import to_checksum_address

NODES = """{ meta { version stale sources { name healthy height } }
  network { netType version hardFork blockHeight blockHash stakingRequirement nodeCounts { total running } rewardRate }
  serviceNodes(first: 2500) { totalCount nodes { contractId pubkey pubkeyBls state operator operatorFee totalContributed
    stakingRequirement registrationHeight lastUptimeProof earnedDowntimeBlocks swarmId serviceNodeVersion knownTo
    contributors { address beneficiary amount reserved isOperator } } } }"""


def uptime_proof(node: Any) -> str | None:
    seconds = node.get("last_uptime_proof")
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else None


async def test_the_recorded_network_is_shown_as_it_was(stage: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve()
    data = await service.until(NODES, lambda data: not data["meta"]["stale"])
    info, listed = stage.recorded("rpc.get_info"), stage.recorded("rpc.get_service_nodes")
    assert data["network"]["blockHeight"] == info["height"] - 1
    assert data["network"]["blockHash"] == info["top_block_hash"]
    assert data["network"]["netType"] == "LOCALDEV"
    shown = {node["pubkey"]: node for node in data["serviceNodes"]["nodes"]}
    told = {node["service_node_pubkey"]: node for node in listed["service_node_states"]}
    assert shown.keys() == told.keys()
    assert data["serviceNodes"]["totalCount"] == len(told)
    for pubkey, node in told.items():
        assert shown[pubkey] == {
            "contractId": None,
            "pubkey": pubkey,
            "pubkeyBls": node["pubkey_bls"],
            "state": "RUNNING" if node["active"] else "DECOMMISSIONED",
            "operator": node["operator_address"],
            "operatorFee": node["operator_fee"] // 100,
            "totalContributed": str(node["total_contributed"]),
            "stakingRequirement": str(node["staking_requirement"]),
            "registrationHeight": node["registration_height"],
            "lastUptimeProof": uptime_proof(node),
            "earnedDowntimeBlocks": node["earned_downtime_blocks"],
            "swarmId": f"{node['swarm_id']:016x}",
            "serviceNodeVersion": "11.0.6" if "service_node_version" in node else None,
            "knownTo": ["OXEND"],
            "contributors": [
                {
                    "address": contributor["address"],
                    "beneficiary": contributor["beneficiary"],
                    "amount": str(contributor["amount"]),
                    "reserved": str(contributor.get("reserved", contributor["amount"])),
                    "isOperator": position == 0,
                }
                for position, contributor in enumerate(node["contributors"])
            ],
        }


async def test_every_accrued_reward_is_shown_whatever_the_spelling_of_its_address(stage: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve()
    await service.until("{ meta { stale } }", lambda data: not data["meta"]["stale"])
    for address, amount in stage.recorded("rpc.get_accrued_rewards")["balances"].items():
        checksummed = to_checksum_address(address) if address.startswith("0x") else address
        for spelling in {address, checksummed}:
            data = await service.query(
                "query($a: Address!) { wallet(address: $a) { address rewards { accrued pending } } }", a=spelling
            )
            assert data["wallet"] == {
                "address": checksummed,
                "rewards": {"accrued": str(amount), "pending": str(amount)},
            }


async def test_a_pushed_block_is_shown_without_waiting_for_the_next_poll(stage: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve()
    await service.until("{ network { blockHeight } }", lambda data: data["network"]["blockHeight"] == 5313)
    await stage.oxend.move(height=5314)
    data = await service.until("{ network { blockHeight blockHash } }", lambda d: d["network"]["blockHeight"] == 5314)
    assert data["network"]["blockHash"] == f"{5314:064x}"


async def test_answers_from_an_oxend_that_is_not_synced_are_no_data(stage: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve()
    before = await service.until(NODES, lambda data: not data["meta"]["stale"])
    replies = ("rpc.get_info", "rpc.get_last_block_header", "rpc.get_service_nodes")
    await stage.oxend.order(
        set={command: json.dumps(stage.recorded(f"{command}.not-synced")) for command in replies}, push=[0, "00" * 32]
    )
    after = await service.until(NODES, lambda data: not data["meta"]["sources"][0]["healthy"])
    assert after["serviceNodes"] == before["serviceNodes"]
    assert after["network"]["blockHeight"] == before["network"]["blockHeight"]
    assert int(after["meta"]["version"]) > int(before["meta"]["version"])
