"""Every request is answered from one snapshot, and its version says which."""

import asyncio
import json
from typing import Any

EVERYTHING = """{ a: network { blockHeight l2Height nodeCounts { total } } meta { version stale createdAt
  sources { name healthy height lastError lastSuccessAt } } serviceNodes { totalCount nodes { id state } }
  b: network { blockHeight blockHash l2Height } }"""


async def test_one_request_is_one_snapshot_and_equal_versions_are_equal_data(stage: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve()
    await service.until(EVERYTHING, lambda data: not data["meta"]["stale"])
    seen: dict[int, str] = {}
    done = asyncio.Event()

    async def watch() -> None:
        last = 0
        while not done.is_set():
            data = await service.query(EVERYTHING)
            version, height = int(data["meta"]["version"]), data["a"]["blockHeight"]
            assert version >= last
            last = version
            assert seen.setdefault(version, json.dumps(data)) == json.dumps(data)
            assert data["b"]["blockHeight"] == height
            assert data["b"]["blockHash"] == f"{height:064x}" or height == 5313
            assert data["meta"]["sources"][0]["height"] == str(height)
            assert data["meta"]["sources"][1]["height"] == data["a"]["l2Height"] == data["b"]["l2Height"]
            assert data["a"]["nodeCounts"]["total"] == data["serviceNodes"]["totalCount"]

    async def disturb() -> None:
        for height in range(5314, 5334):
            await stage.oxend.move(height=height)
            await service.until(EVERYTHING, lambda data, height=height: data["a"]["blockHeight"] == height)
            if height % 5 == 0:
                await stage.gate.shut()
                await service.until(EVERYTHING, lambda data: not data["meta"]["sources"][1]["healthy"])
                await stage.gate.open()
                await service.until(EVERYTHING, lambda data: data["meta"]["sources"][1]["healthy"])
        done.set()

    async with asyncio.TaskGroup() as tasks:
        for run in (watch, watch, watch, disturb):
            tasks.create_task(run())
    assert len(seen) > 20
