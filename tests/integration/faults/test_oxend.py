"""What oxend can do to the running service: it goes on, tells what is wrong, keeps its measure and recovers."""

import json
import signal
from typing import Any

INFO, HEADER, NODES = "rpc.get_info", "rpc.get_last_block_header", "rpc.get_service_nodes"
MEGABYTE = 1024 * 1024
REPLY_BYTES = 60 * MEGABYTE
ALLOWANCE = 40 * MEGABYTE
"""What the memory may grow by while a reply of REPLY_BYTES is refused."""

FLOOD = 20_000
LONG = {"SENT_POLL_OXEND__INTERVAL": "600"}


async def test_errors_and_garbage_fail_the_poll_and_the_last_good_data_stay(stage: Any, watch: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve()
    before = await watch.well(service)
    shown = await service.query(watch.shown)
    version = int(before["meta"]["version"])
    for command, order, words in (
        (INFO, {"status": {INFO: "500"}}, "500"),
        (NODES, {"status": {NODES: "503"}}, "503"),
        (HEADER, {"status": {HEADER: "no number"}}, "status"),
        (INFO, {"bytes": {INFO: 1_000}}, INFO),
        (NODES, {"bytes": {NODES: MEGABYTE}}, NODES),
    ):
        await stage.oxend.order(**order, push=[5314, "ab" * 32])
        data = await watch.fails(service, "OXEND", words)
        assert not watch.source(data, "OXEND")["healthy"]
        assert watch.source(data, "CONTRACTS")["healthy"]
        assert int(data["meta"]["version"]) > version
        version = int(data["meta"]["version"])
        assert await service.query(watch.shown) == shown
        await stage.oxend.order(set={command: json.dumps(stage.recorded(command))}, push=[5314, "ab" * 32])
        await watch.well(service)
    watch.unharmed(service)


async def test_a_reply_of_60_megabytes_is_refused_before_it_takes_the_memory(stage: Any, watch: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve()
    await watch.well(service)
    shown = await service.query(watch.shown)
    before = watch.memory(service)
    for _ in range(2):
        await stage.oxend.order(bytes={NODES: REPLY_BYTES}, push=[5314, "ab" * 32])
        data = await watch.fails(service, "OXEND", "oxend.max_message_bytes")
        assert watch.memory(service, "VmHWM") < before + ALLOWANCE
        assert watch.source(data, "OXEND")["height"] == "5313"
        assert await service.query(watch.shown) == shown
        await stage.oxend.order(set={NODES: json.dumps(stage.recorded(NODES))})
        await watch.well(service)
    watch.unharmed(service)


async def test_an_oxend_that_freezes_leaves_stale_data_that_say_so_and_thaws(stage: Any, watch: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve(stale_after="1.5")
    await watch.well(service)
    shown = await service.query(watch.shown)
    stage.oxend.signal(signal.SIGSTOP)
    data = await watch.stale(service)
    assert watch.source(data, "CONTRACTS")["healthy"]
    data = await watch.fails(service, "OXEND", "oxend")
    assert await service.query(watch.shown) == shown
    stage.oxend.signal(signal.SIGCONT)
    await stage.oxend.move(height=5320)
    await service.until(watch.shown, lambda data: data["network"]["blockHeight"] == 5320)
    await watch.well(service)
    watch.unharmed(service)


async def test_a_restarted_oxend_is_subscribed_to_again(stage: Any, watch: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve(environ=LONG)
    await watch.well(service)
    for height in (5320, 5330):
        await stage.oxend.stop()
        await watch.fails(service, "OXEND", "")
        await stage.oxend.start()
        await watch.well(service)
        # Polls are ten minutes apart: only oxend's word can bring the block.
        await stage.oxend.move(height=height)
        await service.until(watch.shown, lambda data, height=height: data["network"]["blockHeight"] == height)
    watch.unharmed(service)


async def test_a_flood_of_blocks_is_a_few_polls_and_no_memory(stage: Any, watch: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve(environ={**LONG, "SENT_POLL_OXEND__MIN_INTERVAL": "0.5"})
    await watch.well(service)
    before = watch.memory(service)
    polls = (await stage.oxend.order())[NODES]
    began = await stage.oxend.order(push=[5314, "cd" * 32], times=FLOOD)
    await stage.oxend.move(height=5400)
    await service.until(watch.shown, lambda data: data["network"]["blockHeight"] == 5400)
    asked = (await stage.oxend.order())[NODES]
    assert asked - polls < FLOOD / 100, (polls, began, asked)
    assert watch.memory(service) < before + ALLOWANCE
    watch.unharmed(service)
