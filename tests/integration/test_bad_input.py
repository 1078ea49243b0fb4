"""What oxend may say and is no data: a failed poll with a clear message, the last good data stays, then it recovers."""

import json
from typing import Any

import pytest

META = "{ meta { version stale sources { name healthy height lastError } } }"
HEIGHT = "{ network { blockHeight } serviceNodes { totalCount nodes { id } } }"

NODES, INFO, HEADER = "rpc.get_service_nodes", "rpc.get_info", "rpc.get_last_block_header"
EXITS, PENDING, ACCRUED = "rpc.bls_exit_liquidation_list", "rpc.get_pending_events", "rpc.get_accrued_rewards"


def oxend_of(data: Any) -> Any:
    return next(source for source in data["meta"]["sources"] if source["name"] == "OXEND")


def first_node(stage: Any, **changes: Any) -> str:
    reply = stage.recorded(NODES)
    reply["service_node_states"][0] |= changes
    return json.dumps(reply)


def bad_replies(stage: Any) -> list[tuple[str, str, str]]:
    """Command, its reply, and what the message must name."""
    header, nodes, info = (stage.recorded(command) for command in (HEADER, NODES, INFO))
    pending = stage.recorded(PENDING)
    pending["registrations"][0]["contributors"] = []
    header["block_header"]["timestamp"] = 10**30
    twice = nodes | {"service_node_states": nodes["service_node_states"] * 2}
    without = [{name: value for name, value in nodes["service_node_states"][0].items() if name != "active"}]
    return [
        (NODES, '{"status":"BUSY"}', "busy"),
        (HEADER, '{"status":"BUSY"}', "busy"),
        (INFO, json.dumps(info | {"status": "Failed to query the chain"}), "Failed to query"),
        (INFO, json.dumps(info | {"target_height": 10_000}), "syncing"),
        (INFO, json.dumps(info | {"height": 2**40}), "height"),
        (INFO, json.dumps(info | {"height": -1}), "height"),
        (INFO, json.dumps(info | {"nettype": "mainnet"}), "mainnet"),
        (HEADER, json.dumps(header), "timestamp"),
        (NODES, json.dumps(nodes)[:5_000], NODES),
        (NODES, "", NODES),
        (NODES, json.dumps(nodes | {"service_node_states": []}), "empty"),
        (NODES, json.dumps(nodes | {"service_node_states": without}), "active"),
        (NODES, json.dumps(twice), "listed twice"),
        (NODES, first_node(stage, staking_requirement=2**300), "staking_requirement"),
        (NODES, first_node(stage, last_uptime_proof=10**30), "last_uptime_proof"),
        (NODES, first_node(stage, registration_height=2**31), "registration_height"),
        (NODES, first_node(stage, pubkey_bls="xyz"), "BLS"),
        (NODES, first_node(stage, service_node_pubkey="00"), "Ed25519"),
        (EXITS, '{"status":"OK"}', EXITS),
        (EXITS, '[{"height": 1}]', EXITS),
        (PENDING, json.dumps(pending), "contributors"),
        (PENDING, "null", PENDING),
        (ACCRUED, '{"balances":{"0x01":-1},"status":"OK"}', ACCRUED),
        (ACCRUED, '{"balances":{"0x01":NaN},"status":"OK"}', ACCRUED),
        (ACCRUED, "[" * 100_000, ACCRUED),
    ]


async def test_what_is_no_data_is_a_failed_poll_that_leaves_the_last_good_data(stage: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve()
    await service.until(META, lambda data: not data["meta"]["stale"] and oxend_of(data)["healthy"])
    shown = await service.query(HEIGHT)
    good = {command: json.dumps(stage.recorded(command)) for command in (INFO, HEADER, NODES, ACCRUED)}
    good |= {EXITS: "[]", PENDING: '{"exits":[],"registrations":[],"status":"OK","unlocks":[]}'}
    version = 0
    for command, reply, named in bad_replies(stage):
        await stage.oxend.order(set={command: reply}, push=[5314, "ab" * 32])
        data = await service.until(META, lambda data: not oxend_of(data)["healthy"])
        assert named in oxend_of(data)["lastError"], (command, reply[:200])
        assert "internal error" not in oxend_of(data)["lastError"]
        assert int(data["meta"]["version"]) > version
        version = int(data["meta"]["version"])
        assert oxend_of(data)["height"] == "5313"
        assert await service.query(HEIGHT) == shown
        await stage.oxend.order(set={command: good[command]}, push=[5314, "ab" * 32])
        await service.until(META, lambda data: oxend_of(data)["healthy"])
    assert await service.stop() == 0
    assert "Traceback" not in "".join(service.log)


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_height_that_goes_backwards_is_a_failed_poll(stage: Any, restarted: bool) -> None:
    await stage.oxend.start()
    service = await stage.serve()
    await service.until(HEIGHT, lambda data: data["network"]["blockHeight"] == 5313)
    for height in (5314, 5316):
        await stage.oxend.move(height=height)
        await service.until(HEIGHT, lambda data, height=height: data["network"]["blockHeight"] == height)
    if restarted:
        assert await service.stop() == 0
        service = await stage.serve()
        await service.until(META, lambda data: not data["meta"]["stale"])
    for height in (5314, 5200):
        await stage.oxend.move(height=height)
        data = await service.until(META, lambda data: not oxend_of(data)["healthy"])
        assert "backwards" in oxend_of(data)["lastError"]
        assert (await service.query(HEIGHT))["network"]["blockHeight"] == 5316
        await stage.oxend.move(height=5316)
        await service.until(META, lambda data: oxend_of(data)["healthy"])
    # A lower height with a block of its own on top is another branch that has won.
    other = {"height": 5315, "hash": "b" * 64}
    info, header, nodes = (stage.recorded(command) for command in (INFO, HEADER, NODES))
    header["block_header"] |= other
    bodies = {
        INFO: info | {"height": 5316, "top_block_hash": other["hash"]},
        HEADER: header,
        NODES: nodes | {"height": 5315, "block_hash": other["hash"]},
    }
    await stage.oxend.order(
        set={command: json.dumps(body) for command, body in bodies.items()}, push=[5315, other["hash"]]
    )
    await service.until(HEIGHT, lambda data: data["network"]["blockHeight"] == 5315)
