"""The package `oxenmq` behind the same interface.

No registry carries it, so a stand-in with its documented traps takes its place: callbacks and replies come from other
threads, `timeout=` of a request is ignored, the blocking connect holds the GIL, a future can be read once.
"""

import asyncio
import queue
import sys
import threading
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from sent_graphql.settings import OxendSettings
from sent_graphql.sources.errors import SourceMisconfiguredError
from sent_graphql.sources.oxend.errors import OxendRefusedError, OxendTimeoutError, OxendUnreachableError
from sent_graphql.sources.oxend.oxenmq_connection import OxenmqConnector
from sent_graphql.sources.oxend.transport import OxendTransport, make_transport

KEY = bytes(range(32))


class FakeFuture:
    """Blocks in `get` until there is a reply or the time given by `request_timeout` is over."""

    def __init__(self, replies: "queue.Queue[list[bytes] | RuntimeError]", seconds: float) -> None:
        self._replies = replies
        self._seconds = seconds
        self._read = False

    def get(self) -> list[bytes]:
        assert not self._read
        assert threading.current_thread() is not threading.main_thread(), "would block the event loop"
        self._read = True
        try:
            reply = self._replies.get(timeout=self._seconds)
        except queue.Empty:
            raise TimeoutError("Request timed out") from None
        if isinstance(reply, RuntimeError):
            raise reply
        return reply


class FakeCategory:
    def __init__(self, name: str, commands: dict[str, Callable[[Any], None]]) -> None:
        self._name = name
        self._commands = commands

    def add_command(self, name: str, callback: Callable[[Any], None]) -> None:
        self._commands[f"{self._name}.{name}"] = callback


class FakeMessage:
    def __init__(self, parts: list[bytes]) -> None:
        self._parts = parts

    def data(self) -> list[bytes]:
        return self._parts


class FakeOxenMQ:
    """Replies of a command come from its queue; what happened is written down."""

    def __init__(self) -> None:
        self.max_message_size = 1024 * 1024
        self.ephemeral_routing_id = False
        self.started = False
        self.reachable = True
        self.commands: dict[str, Callable[[Any], None]] = {}
        self.replies: dict[str, queue.Queue[list[bytes] | RuntimeError]] = {}
        self.requests: list[tuple[str, tuple[bytes, ...]]] = []
        self.asked = threading.Event()
        self.connected: list[str] = []
        self.disconnected: list[int] = []

    def add_category(self, name: str, level: str) -> FakeCategory:
        assert not self.started
        assert level == "none", "a real connection has no level unless asked for"
        return FakeCategory(name, self.commands)

    def start(self) -> None:
        self.started = True

    def connect_remote(
        self,
        remote: str,
        on_success: Callable[[int], None] | None = None,
        on_failure: Callable[[int, str], None] | None = None,
        *,
        timeout: timedelta | None = None,
    ) -> int:
        assert on_success is not None, "the blocking form holds the GIL"
        assert on_failure is not None
        assert timeout is not None
        self.connected.append(remote)
        number = len(self.connected)
        succeed, fail = on_success, on_failure
        call = (lambda: succeed(number)) if self.reachable else (lambda: fail(number, "connection attempt timed out"))
        threading.Thread(target=call).start()
        return number

    def disconnect(self, connection: int) -> None:
        self.disconnected.append(connection)

    def request_future(self, connection: int, command: str, *parts: bytes, **options: Any) -> FakeFuture:
        assert connection not in self.disconnected
        wait = options.get("request_timeout", timedelta(seconds=15))
        self.requests.append((command, parts))
        self.asked.set()
        return FakeFuture(self.replies.setdefault(command, queue.Queue()), wait.total_seconds())


class FakeModule(ModuleType):
    """The package; `made` is the object that the last `OxenMQ()` gave."""

    def __init__(self) -> None:
        super().__init__("oxenmq")
        self.made = FakeOxenMQ()
        self.Address: Callable[[str], str] = str
        self.AuthLevel = type("AuthLevel", (), {"none": "none"})

    def OxenMQ(self) -> FakeOxenMQ:  # noqa: N802
        return self.made


@pytest.fixture
def oxenmq(monkeypatch: pytest.MonkeyPatch) -> FakeModule:
    module = FakeModule()
    monkeypatch.setitem(sys.modules, "oxenmq", module)
    return module


@pytest.fixture
async def transport(oxenmq: FakeModule, oxend_settings: Callable[..., OxendSettings]) -> AsyncIterator[OxendTransport]:
    assert oxenmq
    endpoint = f"curve://127.0.0.1:1/{KEY.hex()}"
    transport = make_transport(oxend_settings(endpoint, transport="auto", max_message_bytes=5_000_000))
    await transport.start()
    yield transport
    await transport.close()


async def test_auto_prefers_the_package_and_sets_it_up(oxenmq: FakeModule, transport: OxendTransport) -> None:
    oxenmq.made.replies["rpc.x"] = queue.Queue()
    oxenmq.made.replies["rpc.x"].put([b"200", b"{}"])
    assert await transport.request("rpc.x", b"{}") == [b"200", b"{}"]
    assert oxenmq.made.requests == [("rpc.x", (b"{}",))]
    assert oxenmq.made.max_message_size == 5_000_000
    assert oxenmq.made.ephemeral_routing_id is True
    assert oxenmq.made.connected == [f"curve://127.0.0.1:1/{KEY.hex()}"]


async def test_the_event_loop_goes_on_while_a_request_waits(oxenmq: FakeModule, transport: OxendTransport) -> None:
    replies = oxenmq.made.replies.setdefault("rpc.slow", queue.Queue())
    request = asyncio.create_task(transport.request("rpc.slow"))
    await asyncio.to_thread(oxenmq.made.asked.wait)
    replies.put([b"200", b"at last"])
    assert await request == [b"200", b"at last"]


async def test_a_close_does_not_wait_for_requests_under_way(oxenmq: FakeModule, transport: OxendTransport) -> None:
    request = asyncio.create_task(transport.request("rpc.never", timeout=5))
    await asyncio.to_thread(oxenmq.made.asked.wait)
    await transport.close()
    with pytest.raises(OxendUnreachableError):
        await request
    oxenmq.made.replies["rpc.never"].put(RuntimeError("nobody waits for this any more"))


async def test_no_body_and_an_empty_body_are_no_part(oxenmq: FakeModule, transport: OxendTransport) -> None:
    replies = oxenmq.made.replies.setdefault("rpc.x", queue.Queue())
    for body in (None, b""):
        replies.put([b"200", b""])
        await transport.request("rpc.x", body)
    assert oxenmq.made.requests == [("rpc.x", ()), ("rpc.x", ())]


async def test_a_timeout_is_ours_and_makes_a_new_connection(oxenmq: FakeModule, transport: OxendTransport) -> None:
    connected: asyncio.Queue[None] = asyncio.Queue()
    transport.on_connected(lambda: connected.put_nowait(None))
    await connected.get()
    with pytest.raises(OxendTimeoutError):
        await transport.request("rpc.x", timeout=0.05)
    await connected.get()
    assert len(oxenmq.made.connected) == 2
    assert oxenmq.made.disconnected == [1]


async def test_a_refusal_is_told_by_its_code_and_keeps_the_connection(
    oxenmq: FakeModule, transport: OxendTransport
) -> None:
    replies = oxenmq.made.replies.setdefault("admin.x", queue.Queue())
    for code in ("FORBIDDEN", "FORBIDDEN_SN", "NOT_A_SERVICE_NODE"):
        replies.put(RuntimeError(f"Request failed: b'{code}'"))
        with pytest.raises(OxendRefusedError) as refusal:
            await transport.request("admin.x")
        assert refusal.value.code == code
    assert oxenmq.made.disconnected == []


async def test_another_failure_is_a_lost_connection(oxenmq: FakeModule, transport: OxendTransport) -> None:
    oxenmq.made.replies.setdefault("rpc.x", queue.Queue()).put(RuntimeError("Request failed: "))
    with pytest.raises(OxendUnreachableError):
        await transport.request("rpc.x")


async def test_pushes_come_into_the_loop_with_their_name(oxenmq: FakeModule, transport: OxendTransport) -> None:
    heard: asyncio.Queue[list[bytes]] = asyncio.Queue()
    transport.on_push(heard.put_nowait)
    oxenmq.made.replies.setdefault("sub.block", queue.Queue()).put([b"OK"])
    await transport.request("sub.block")
    push = oxenmq.made.commands["notify.block"]
    threading.Thread(target=push, args=(FakeMessage([b"12", bytes(32)]),)).start()
    assert await heard.get() == [b"notify.block", b"12", bytes(32)]


async def test_a_connection_that_fails_is_unreachable(
    oxenmq: FakeModule, oxend_settings: Callable[..., OxendSettings]
) -> None:
    oxenmq.made.reachable = False
    transport = make_transport(oxend_settings("tcp://127.0.0.1:1", transport="oxenmq"))
    await transport.start()
    with pytest.raises(OxendUnreachableError, match="connection attempt timed out"):
        await transport.request("rpc.x")
    await transport.close()


async def test_a_connection_that_the_library_refuses_is_unreachable(
    oxenmq: FakeModule, oxend_settings: Callable[..., OxendSettings]
) -> None:
    def refuse(_: str) -> str:
        raise ValueError("Invalid address")

    oxenmq.Address = refuse
    transport = make_transport(oxend_settings("tcp://127.0.0.1:1", transport="oxenmq"))
    await transport.start()
    with pytest.raises(OxendUnreachableError, match="Invalid address"):
        await transport.request("rpc.x")
    await transport.close()


async def test_a_callback_after_the_loop_has_ended_is_harmless(oxenmq: FakeModule) -> None:
    loop = asyncio.new_event_loop()
    connector = OxenmqConnector(oxenmq, connect_timeout=1, max_message_bytes=1024, threads=1)
    push = connector._listener(loop, "notify.block")
    loop.close()
    push(FakeMessage([b"1", bytes(32)]))
    await connector.close()


def test_without_the_package_auto_takes_our_own_client_and_oxenmq_says_so(
    oxend_settings: Callable[..., OxendSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "oxenmq", None)
    assert make_transport(oxend_settings("tcp://127.0.0.1:1", transport="auto"))
    with pytest.raises(SourceMisconfiguredError, match="oxenmq does not import"):
        make_transport(oxend_settings("tcp://127.0.0.1:1", transport="oxenmq"))
