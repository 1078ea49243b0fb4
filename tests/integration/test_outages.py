"""oxend or the RPC away, at the start and later: answers go on, `meta` tells the truth, everything recovers."""

import json
from typing import Any

META = "{ meta { version stale createdAt sources { name healthy lastSuccessAt height lastError } } }"
HEIGHT = "{ network { blockHeight l2Height } }"


def health(data: Any) -> dict[str, bool]:
    return {source["name"]: source["healthy"] for source in data["meta"]["sources"]}


async def test_with_both_sides_away_at_the_start_the_service_is_up_and_says_what_is_missing(stage: Any) -> None:
    await stage.gate.shut()
    service = await stage.serve()
    assert (await service.client.get("/healthz")).status_code == 200
    data = await service.until(META, lambda data: all(source["lastError"] for source in data["meta"]["sources"][:2]))
    assert (data["meta"]["version"], data["meta"]["stale"], data["meta"]["createdAt"]) == ("0", True, None)
    ready = await service.client.get("/readyz")
    assert ready.status_code == 503
    answer = await service.ask(HEIGHT)
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "NOT_READY"
    assert set(error["extensions"]["missing"]) == {"OXEND", "CONTRACTS"}

    await stage.oxend.start()
    data = await service.until(META, lambda data: health(data)["OXEND"])
    (error,) = (await service.ask(HEIGHT))["errors"]
    assert error["extensions"]["missing"] == ["CONTRACTS"]

    await stage.gate.open()
    data = await service.until(HEIGHT, lambda data: True)
    assert data["network"]["blockHeight"] == 5313
    assert (await service.client.get("/readyz")).status_code == 200


async def test_oxends_socket_removed_and_brought_back(stage: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve()
    await service.until(HEIGHT, lambda data: True)
    await stage.oxend.stop()
    data = await service.until(META, lambda data: not health(data)["OXEND"])
    assert health(data)["CONTRACTS"]
    assert data["meta"]["sources"][0]["lastSuccessAt"] is not None
    assert (await service.query(HEIGHT))["network"]["blockHeight"] == 5313
    await stage.oxend.start()
    await stage.oxend.move(height=5320)
    await service.until(HEIGHT, lambda data: data["network"]["blockHeight"] == 5320)
    assert health(await service.query(META))["OXEND"]


async def test_the_rpc_down_and_up_again(stage: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve(stale_after="1.5")
    await service.until(META, lambda data: not data["meta"]["stale"])
    await stage.gate.shut()
    data = await service.until(META, lambda data: data["meta"]["stale"])
    assert not health(data)["CONTRACTS"]
    error = next(source["lastError"] for source in data["meta"]["sources"] if source["name"] == "CONTRACTS")
    assert "Traceback" not in error
    assert (await service.query(HEIGHT))["network"]["blockHeight"] == 5313
    await stage.gate.open()
    data = await service.until(META, lambda data: not data["meta"]["stale"])
    assert health(data) == {"OXEND": True, "CONTRACTS": True, "DATABASE": True}


async def test_a_database_that_is_away_at_the_start_keeps_nobody_from_answers_and_comes_back(stage: Any) -> None:
    obstacle = stage.directory / "obstacle"
    obstacle.touch()
    await stage.oxend.start()
    service = await stage.serve(database=f"sqlite+aiosqlite:///{obstacle}/test.db")
    data = await service.until(META, lambda data: not data["meta"]["stale"])
    assert health(data) == {"OXEND": True, "CONTRACTS": True, "DATABASE": False}
    assert data["meta"]["sources"][2]["lastError"] == "the directory of the database cannot be made"
    assert (await service.client.get("/readyz")).status_code == 200
    assert (await service.query(HEIGHT))["network"]["blockHeight"] == 5313

    obstacle.unlink()
    data = await service.until(META, lambda data: health(data)["DATABASE"])
    assert data["meta"]["sources"][2]["lastSuccessAt"] is not None


async def test_a_database_of_another_network_refuses_the_start(stage: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve()
    await service.until(META, lambda data: health(data)["DATABASE"])
    assert await service.stop() == 0

    again = await stage.launch(rewards="0x00000000000000000000000000000000000000aa")
    assert await again.ended() == 78
    log = "".join(again.log)
    assert "the database holds the data of chain 31337 and rewards contract 0x" in log
    assert "Traceback" not in log


async def test_an_oxend_that_never_replies_is_a_failed_poll(stage: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve()
    await service.until(HEIGHT, lambda data: True)
    await stage.oxend.order(set={"rpc.get_service_nodes": None})
    await service.until(META, lambda data: not health(data)["OXEND"])
    assert (await service.query(HEIGHT))["network"]["blockHeight"] == 5313


async def test_a_restart_answers_at_once_from_the_kept_snapshot_flagged_stale(stage: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve()
    before = await service.until(META, lambda data: not data["meta"]["stale"])
    nodes = "{ serviceNodes { nodes { id pubkey state } } }"
    shown = await service.query(nodes)
    assert await service.stop() == 0
    await stage.oxend.stop()
    await stage.gate.shut()

    again = await stage.serve()
    data = await again.query(META)
    assert data["meta"]["stale"]
    assert int(data["meta"]["version"]) > int(before["meta"]["version"])
    assert await again.query(nodes) == shown
    assert (await again.client.get("/readyz")).status_code == 200
    await stage.oxend.start()
    await stage.gate.open()
    fresh = await again.until(META, lambda data: not data["meta"]["stale"])
    assert int(fresh["meta"]["version"]) > int(data["meta"]["version"])
    assert await again.query(nodes) == shown


async def test_no_contract_at_the_address_refuses_the_start(stage: Any) -> None:
    await stage.oxend.start()
    service = await stage.launch(rewards="0x00000000000000000000000000000000000000aa")
    assert await service.ended() == 78
    assert "contracts.service_node_rewards" in "".join(service.log)


async def test_an_oxend_of_another_network_refuses_the_start(stage: Any) -> None:
    await stage.oxend.start()
    info = {**stage.recorded("rpc.get_info"), "nettype": "mainnet"}
    await stage.oxend.order(set={"rpc.get_info": json.dumps(info)})
    service = await stage.launch()
    assert await service.ended() == 78
    assert "mainnet" in "".join(service.log)


async def test_a_stop_ends_cleanly(stage: Any) -> None:
    service = await stage.serve()
    assert await service.stop() == 0
    assert "Traceback" not in "".join(service.log)
