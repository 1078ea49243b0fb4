"""A round of answers is taken when it is true, and not otherwise."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from sent_graphql.localdev.omq_server import Handler, OmqServer, Reply
from sent_graphql.models.network import NetworkType
from sent_graphql.models.oxend import OxendView
from sent_graphql.settings import NetworkSettings, OxendSettings
from sent_graphql.sources.errors import SourceMisconfiguredError
from sent_graphql.sources.oxend import calls, source
from sent_graphql.sources.oxend.acceptance import MAX_REORGANISATION_BLOCKS, SYNC_SLACK_BLOCKS
from sent_graphql.sources.oxend.errors import (
    OxendError,
    OxendMalformedReplyError,
    OxendNotReadyError,
    OxendUnreachableError,
    OxendUpstreamError,
)
from sent_graphql.sources.oxend.source import OxendSource
from sent_graphql.sources.oxend.transport import make_transport

Serve = Callable[..., Awaitable[OmqServer]]
Recorded = Callable[[str], bytes]
Open = Callable[..., Awaitable[OxendSource]]


@pytest.fixture
async def open_source(
    serve: Serve,
    handlers: dict[str, Handler],
    oxend_settings: Callable[..., OxendSettings],
    network: NetworkSettings,
) -> AsyncIterator[Open]:
    """Starts a source over a server with `handlers`, settings as keywords; closes it at the end."""
    sources: list[OxendSource] = []

    async def start(network: NetworkSettings = network, **options: Any) -> OxendSource:
        server = await serve(handlers)
        settings = oxend_settings(server.endpoint, **options)
        opened = OxendSource(settings, network, make_transport(settings))
        sources.append(opened)
        await opened.start()
        return opened

    yield start
    for opened in sources:
        await opened.close()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds are repeated at once."""
    monkeypatch.setattr(source, "ROUND_PAUSE", 0.0)


class Chain:
    """Handlers for a chain whose top block can be set, made of the recorded replies."""

    def __init__(self, recorded: Recorded) -> None:
        self.height = 5313
        self.branch = 0
        self.target_height = 0
        self.asked: list[str] = []
        self.after: dict[str, Callable[[], None]] = {}
        """Called after a command has been answered."""
        self._info = json.loads(recorded("rpc.get_info"))
        self._header = json.loads(recorded("rpc.get_last_block_header"))
        self.nodes = json.loads(recorded("rpc.get_service_nodes"))

    @property
    def hash(self) -> str:
        return f"{self.height:032x}{self.branch:032x}"

    def info(self) -> dict[str, Any]:
        changed = {"height": self.height + 1, "top_block_hash": self.hash, "target_height": self.target_height}
        return {**self._info, **changed}

    def header(self) -> dict[str, Any]:
        return {**self._header, "block_header": {"height": self.height, "hash": self.hash, "timestamp": 1_795_353_159}}

    def service_nodes(self) -> dict[str, Any]:
        return {**self.nodes, "height": self.height, "block_hash": self.hash}

    def grow(self) -> None:
        self.height += 1

    def handler(self, command: str, reply: Callable[[], dict[str, Any]]) -> Handler:
        async def answer(_: bytes | None) -> Reply:
            self.asked.append(command)
            body = json.dumps(reply()).encode()
            self.after.get(command, lambda: None)()
            return b"200", body

        return answer


@pytest.fixture
def chain(recorded: Recorded, handlers: dict[str, Handler]) -> Chain:
    chain = Chain(recorded)
    handlers["rpc.get_info"] = chain.handler("rpc.get_info", chain.info)
    handlers["rpc.get_last_block_header"] = chain.handler("rpc.get_last_block_header", chain.header)
    handlers["rpc.get_service_nodes"] = chain.handler("rpc.get_service_nodes", chain.service_nodes)
    return chain


async def test_the_recorded_set_is_one_view(open_source: Open) -> None:
    opened = await open_source()
    view = await opened.fetch(None)
    assert (view.block_height, view.chain_height, view.nettype) == (5313, 5314, "localdev")
    assert view.block_hash == "26a5b86a452ab4da4d963031189ffd733ac8a1f0146d7b66e127790389cf5eb2"
    assert (view.hard_fork, view.version, view.target_block_seconds) == (21, "11", 5)
    assert view.block_timestamp == 1_795_353_159
    assert (view.staking_requirement, view.min_operator_contribution) == (120_000_000_000, 30_000_000_000)
    assert len(view.nodes) == 11
    assert [node.pubkey for node in view.nodes] == sorted(node.pubkey for node in view.nodes)
    assert view.accrued["0x15151515151515151515151515151515151515B5"] == 18_804_483_187
    assert len(view.accrued) == 14
    assert (view.exit_list, view.pending_registrations, view.pending_unlocks) == ((), (), frozenset())
    assert await opened.fetch(view) == view


async def test_large_replies_are_decoded_aside(open_source: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "DECODE_ASIDE_BYTES", 0)
    assert len((await (await open_source()).fetch(None)).nodes) == 11


async def test_only_the_fields_that_are_read_are_asked_for(open_source: Open, handlers: dict[str, Handler]) -> None:
    bodies: list[bytes | None] = []
    recorded_nodes = handlers["rpc.get_service_nodes"]

    async def spy(body: bytes | None) -> Reply | None:
        bodies.append(body)
        return await recorded_nodes(body)

    handlers["rpc.get_service_nodes"] = spy
    await (await open_source()).fetch(None)
    (body,) = bodies
    assert body is not None
    fields = json.loads(body)["fields"]
    assert {"block_hash", "height", "service_node_pubkey", "contributors", "swarm_id"} <= set(fields)
    assert "locked_contributions" not in fields


@pytest.mark.parametrize(
    "command", ["rpc.get_info", "rpc.get_last_block_header", "rpc.get_service_nodes", "rpc.get_accrued_rewards"]
)
async def test_a_block_in_the_midst_of_a_round_repeats_it(
    open_source: Open, chain: Chain, handlers: dict[str, Handler], command: str
) -> None:
    def once() -> None:
        chain.grow()
        chain.after.clear()

    if command == "rpc.get_accrued_rewards":
        handlers[command] = chain.handler(command, lambda: {"balances": {}, "status": "OK"})
    chain.after[command] = once
    view = await (await open_source()).fetch(None)
    assert (view.block_height, view.block_hash) == (5314, chain.hash)
    assert chain.asked.count("rpc.get_info") == 4


async def test_another_branch_at_the_same_height_repeats_the_round(open_source: Open, chain: Chain) -> None:
    def reorganise() -> None:
        chain.branch += 1
        chain.after.clear()

    chain.after["rpc.get_service_nodes"] = reorganise
    view = await (await open_source()).fetch(None)
    assert view.block_hash == chain.hash
    assert chain.asked.count("rpc.get_info") == 4


async def test_blocks_faster_than_rounds_end_in_an_error(open_source: Open, chain: Chain) -> None:
    chain.after["rpc.get_last_block_header"] = chain.grow
    opened = await open_source(round_attempts=3)
    with pytest.raises(OxendNotReadyError, match="3 times in a row"):
        await opened.fetch(None)
    assert chain.asked.count("rpc.get_last_block_header") == 3


@pytest.mark.parametrize("command", ["rpc.get_last_block_header", "rpc.get_service_nodes"])
async def test_an_oxend_that_is_not_synced_gives_no_view(
    open_source: Open,
    handlers: dict[str, Handler],
    recorded: Recorded,
    answering: Callable[[bytes], Handler],
    command: str,
) -> None:
    handlers["rpc.get_info"] = answering(recorded("rpc.get_info.not-synced"))
    handlers[command] = answering(recorded(f"{command}.not-synced"))
    with pytest.raises(OxendNotReadyError):
        await (await open_source()).fetch(None)


async def test_an_oxend_that_lost_its_chain_gives_no_view(
    open_source: Open, handlers: dict[str, Handler], recorded: Recorded, answering: Callable[[bytes], Handler]
) -> None:
    opened = await open_source()
    view = await opened.fetch(None)
    for command in ("rpc.get_info", "rpc.get_last_block_header", "rpc.get_service_nodes"):
        handlers[command] = answering(recorded(f"{command}.not-synced"))
    with pytest.raises(OxendNotReadyError, match="backwards"):
        await opened.fetch(view)


async def test_an_oxend_that_is_syncing_says_how_far_it_is(open_source: Open, chain: Chain) -> None:
    opened = await open_source()
    chain.target_height = 5314 + SYNC_SLACK_BLOCKS
    assert await opened.fetch(None)
    chain.target_height += 1
    with pytest.raises(OxendNotReadyError, match=r"still syncing \(5314 of 5320\)"):
        await opened.fetch(None)


async def test_another_network_is_a_misconfiguration(open_source: Open, network: NetworkSettings) -> None:
    opened = await open_source(network.model_copy(update={"nettype": NetworkType.MAINNET}))
    with pytest.raises(SourceMisconfiguredError, match="oxend serves localdev, the settings name mainnet"):
        await opened.fetch(None)


async def test_an_empty_list_after_a_full_one_is_no_data(open_source: Open, chain: Chain) -> None:
    opened = await open_source()
    view = await opened.fetch(None)
    chain.nodes["service_node_states"] = []
    chain.grow()
    with pytest.raises(OxendNotReadyError, match="empty; it had 11"):
        await opened.fetch(view)


async def test_an_empty_list_of_a_young_chain_is_data(open_source: Open, chain: Chain) -> None:
    chain.nodes["service_node_states"] = []
    opened = await open_source()
    view = await opened.fetch(None)
    assert view.nodes == ()
    assert await opened.fetch(view) == view


async def test_a_list_without_its_block_is_malformed(
    open_source: Open, handlers: dict[str, Handler], chain: Chain
) -> None:
    def without() -> dict[str, Any]:
        return {name: value for name, value in chain.service_nodes().items() if name != "block_hash"}

    handlers["rpc.get_service_nodes"] = chain.handler("rpc.get_service_nodes", without)
    with pytest.raises(OxendMalformedReplyError, match="block_hash"):
        await (await open_source()).fetch(None)


async def test_a_small_fall_onto_another_branch_is_a_reorganisation(open_source: Open, chain: Chain) -> None:
    opened = await open_source()
    view: OxendView | None = None
    for _ in range(3):
        view = await opened.fetch(view)
        chain.grow()
    chain.height, chain.branch = 5314, 1
    fallen = await opened.fetch(view)
    assert (fallen.block_height, fallen.block_hash) == (5314, chain.hash)


async def test_a_fall_along_the_same_branch_is_no_data(open_source: Open, chain: Chain) -> None:
    opened = await open_source()
    view: OxendView | None = None
    for _ in range(3):
        view = await opened.fetch(view)
        chain.grow()
    chain.height = 5314
    with pytest.raises(OxendNotReadyError, match="from height 5316 to 5315"):
        await opened.fetch(view)
    chain.height = 5316
    assert (await opened.fetch(view)).block_height == 5316


async def test_a_fall_to_a_block_that_was_only_announced_is_no_data(
    serve: Serve,
    handlers: dict[str, Handler],
    chain: Chain,
    oxend_settings: Callable[..., OxendSettings],
    network: NetworkSettings,
) -> None:
    server = await serve(handlers)
    settings = oxend_settings(server.endpoint)
    heard: asyncio.Queue[int] = asyncio.Queue()
    subscribed = asyncio.Event()
    opened = OxendSource(settings, network, make_transport(settings), on_interruption=subscribed.set)
    opened.on_block(lambda height, _: heard.put_nowait(height))
    await opened.start()
    try:
        async with asyncio.timeout(10):
            await subscribed.wait()
            for _ in range(3):
                chain.grow()
                await server.push_block(chain.height, bytes.fromhex(chain.hash))
                await heard.get()
        view = await opened.fetch(None)
        chain.height = 5314
        with pytest.raises(OxendNotReadyError, match="from height 5317 to 5315"):
            await opened.fetch(view)
    finally:
        await opened.close()


async def test_after_a_restart_a_fall_along_the_kept_branch_is_no_data(open_source: Open, chain: Chain) -> None:
    opened = await open_source()
    view: OxendView | None = None
    for _ in range(3):
        view = await opened.fetch(view)
        chain.grow()
    kept = msgspec.json.decode(msgspec.json.encode(view), type=OxendView)
    chain.height = 5314
    with pytest.raises(OxendNotReadyError, match="backwards"):
        await (await open_source()).fetch(kept)


async def test_a_fall_deeper_than_a_reorganisation_is_no_data(open_source: Open, chain: Chain) -> None:
    opened = await open_source()
    view = await opened.fetch(None)
    seen = replace(view, chain_height=view.chain_height + MAX_REORGANISATION_BLOCKS)
    chain.branch = 1
    assert await opened.fetch(seen)
    with pytest.raises(OxendNotReadyError, match="backwards"):
        await opened.fetch(replace(seen, chain_height=seen.chain_height + 1))


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ((b"500", b"RPC error -9: core is busy"), OxendUpstreamError),
        ((b"400", b"Unable to parse request: \xff"), OxendUpstreamError),
        ((b"200", b"{"), OxendMalformedReplyError),
        ((b"abc", b"{}"), OxendMalformedReplyError),
        ((b"", b""), OxendMalformedReplyError),
        ((b"9" * 5000, b""), OxendMalformedReplyError),
        ((b"200", b'{"exits":[],"registrations":{},"unlocks":[],"status":"OK"}'), OxendMalformedReplyError),
    ],
)
async def test_one_bad_answer_fails_the_whole_round(
    open_source: Open, handlers: dict[str, Handler], reply: Reply, error: type[OxendError]
) -> None:
    async def bad(_: bytes | None) -> Reply:
        return reply

    handlers["rpc.get_pending_events"] = bad
    with pytest.raises(error, match=r"rpc\.get_pending_events"):
        await (await open_source()).fetch(None)


async def test_a_recorded_rpc_error_is_an_upstream_error_with_its_text(
    open_source: Open, handlers: dict[str, Handler], recorded: Recorded
) -> None:
    async def fail(_: bytes | None) -> Reply:
        return b"500", recorded("rpc.bls_exit_liquidation_request.not-exited.err")

    handlers["rpc.bls_exit_liquidation_list"] = fail
    with pytest.raises(OxendUpstreamError, match="not in the list of recently exited nodes") as failure:
        await (await open_source()).fetch(None)
    assert failure.value.status == 500


async def test_an_oxend_that_is_not_there_is_an_error_of_the_poll_alone(
    oxend_settings: Callable[..., OxendSettings],
    network: NetworkSettings,
    dead_endpoint: str,
    serve: Serve,
    handlers: dict[str, Handler],
) -> None:
    settings = oxend_settings(dead_endpoint)
    interrupted = asyncio.Event()
    opened = OxendSource(settings, network, make_transport(settings), on_interruption=interrupted.set)
    await opened.start()
    with pytest.raises(OxendUnreachableError):
        await opened.fetch(None)
    await serve(handlers, dead_endpoint)
    await interrupted.wait()
    assert (await opened.fetch(None)).block_height == 5313
    await opened.close()


async def test_new_blocks_are_heard_by_every_listener(
    oxend_settings: Callable[..., OxendSettings], network: NetworkSettings, serve: Serve
) -> None:
    server = await serve({})
    settings = oxend_settings(server.endpoint)
    heard: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
    subscribed = asyncio.Event()
    opened = OxendSource(settings, network, make_transport(settings), on_block=lambda *block: heard.put_nowait(block))
    opened.on_block(lambda *block: heard.put_nowait(block))
    opened.on_interruption(subscribed.set)
    await opened.start()
    await subscribed.wait()
    await server.push_block(5314, b"\xab" * 32)
    assert [await heard.get(), await heard.get()] == [(5314, "ab" * 32)] * 2
    await opened.close()
