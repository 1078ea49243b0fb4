"""The embedded local network: an L2 and an oxend as child processes of the service."""

import asyncio
import contextlib
import fcntl
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TextIO

import orjson
from msgspec import Struct

from sent_graphql.localdev.constants import ACCOUNTS, GENESIS_AGE
from sent_graphql.localdev.processes import ChildProcess
from sent_graphql.models.contracts import ContractAddresses
from sent_graphql.settings import LocalSettings

MAX_SOCKET_PATH: Final = 107
"""Characters that the system allows for the path of an ipc socket."""

L2_BLOCK_SECONDS: Final = 15.0
"""Between two blocks of the L2 in which nothing happens; every transaction has a block of its own at once."""


class LocalNetworkError(Exception):
    """The local network did not start, or is no more. The message says why, with the last output of the child."""


class Whereabouts(Struct, frozen=True, kw_only=True):
    """Where the founded network's contracts are."""

    rewards: str
    factory: str
    pool: str
    token: str
    multicall: str
    deployment_block: int


class LocalNetwork:
    """Starts on entering, ends on leaving; needs a watcher in between (`watch`).

    `on_progress` hears what the founding is at. `control` serves the `sim.*` commands to tests, and a network that is
    `still` moves only by them.
    """

    def __init__(
        self,
        settings: LocalSettings,
        *,
        socket_path: Path,
        on_progress: Callable[[str], None] | None = None,
        control: bool = False,
        still: bool = False,
    ) -> None:
        self._settings = settings
        self._socket_path = socket_path
        self._on_progress = on_progress or (lambda _text: None)
        self._options = [*(["--control"] if control else []), *(["--still"] if still else [])]
        self._exits = contextlib.AsyncExitStack()
        self._children: list[ChildProcess] = []
        self._rpc_url: str | None = None
        self._whereabouts: Whereabouts | None = None

    @property
    def oxend_endpoint(self) -> str:
        """Where the simulated oxend listens."""
        return f"ipc://{self._socket_path}"

    @property
    def rpc_url(self) -> str:
        """The L2's JSON-RPC."""
        assert self._rpc_url is not None
        return self._rpc_url

    @property
    def addresses(self) -> ContractAddresses:
        """The contracts."""
        return ContractAddresses(
            service_node_rewards=self._known.rewards,
            contribution_factory=self._known.factory,
            reward_rate_pool=self._known.pool,
            token=self._known.token,
        )

    @property
    def multicall(self) -> str:
        """The Multicall3 contract."""
        return self._known.multicall

    @property
    def deployment_block(self) -> int:
        """The L2 block from which events are to be scanned."""
        return self._known.deployment_block

    @property
    def pids(self) -> tuple[int, ...]:
        """The children's process ids."""
        return tuple(child.pid for child in self._children)

    async def __aenter__(self) -> Self:
        try:
            self._exits.enter_context(self._reserve_socket())
            async with asyncio.timeout(self._settings.start_timeout):
                self._rpc_url = await self._start_l2()
                self._whereabouts = await self._start_oxend()
        except TimeoutError:
            await self._exits.aclose()
            raise LocalNetworkError(
                f"the local network was not up after {self._settings.start_timeout:.0f} s (local.start_timeout)"
                + "".join(_quote(child) for child in self._children)
            ) from None
        except BaseException:
            await self._exits.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._exits.aclose()

    async def watch(self) -> None:
        """Returns never: raises LocalNetworkError when a child ends, since its half of the network is lost then."""
        async with asyncio.TaskGroup() as tasks:
            ends = [tasks.create_task(child.wait()) for child in self._children]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                end.cancel()
        ended = next(child for child, end in zip(self._children, ends, strict=True) if not end.cancelled())
        raise LocalNetworkError(f"the local network's {ended.name} has ended{_quote(ended)}")

    @contextlib.contextmanager
    def _reserve_socket(self) -> Iterator[None]:
        """Two networks on one socket would both seem to work; the lock beside it lets one in."""
        path = str(self._socket_path)
        if len(path.encode()) > MAX_SOCKET_PATH:
            raise LocalNetworkError(
                f"{path} is too long for a socket: {MAX_SOCKET_PATH} bytes are allowed. Work in a shorter directory, "
                "or name another socket: SENT_OXEND__ENDPOINTS=ipc:///tmp/localdev.sock"
            )
        with self._open_lock() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
                raise LocalNetworkError(
                    f"a local network is running on {path} already (process {holder}): stop it first"
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            try:
                yield
            finally:
                self._socket_path.unlink(missing_ok=True)

    def _open_lock(self) -> TextIO:
        lock_path = self._socket_path.with_name(self._socket_path.name + ".lock")
        try:
            lock_path.parent.mkdir(parents=True, exist_ok=True)
            return lock_path.open("a+")
        except OSError as error:
            raise LocalNetworkError(
                f"cannot write {lock_path}: {error.strerror}. The local network's socket lies there: work where this "
                "user may write, or name another socket: SENT_OXEND__ENDPOINTS=ipc:///tmp/localdev.sock"
            ) from error

    async def _start_l2(self) -> str:
        child = await self._start(
            "L2",
            "sent_graphql.localdev.evm_process",
            *("--watch-stdin", "--accounts", str(ACCOUNTS), "--genesis-age", str(GENESIS_AGE)),
            *("--block-time", str(L2_BLOCK_SECONDS)),
        )
        async for line in child.lines():
            return line
        raise await _stillborn(child)

    async def _start_oxend(self) -> Whereabouts:
        child = await self._start(
            "oxend",
            "sent_graphql.localdev.simulator_process",
            *("--endpoint", self.oxend_endpoint, "--rpc-url", self.rpc_url),
            *("--nodes", str(self._settings.nodes), "--seed", str(self._settings.seed)),
            *("--block-seconds", str(self._settings.block_seconds)),
            *self._options,
        )
        async for line in child.lines():
            said = orjson.loads(line)
            if "ready" in said:
                return Whereabouts(**said["ready"])
            self._on_progress(said["progress"])
        raise await _stillborn(child)

    async def _start(self, name: str, module: str, *arguments: str) -> ChildProcess:
        child = await ChildProcess.start(name, [sys.executable, "-m", module, *arguments])
        self._exits.push_async_callback(child.stop)
        self._children.append(child)
        return child

    @property
    def _known(self) -> Whereabouts:
        assert self._whereabouts is not None
        return self._whereabouts


async def _stillborn(child: ChildProcess) -> LocalNetworkError:
    status = await child.wait()
    return LocalNetworkError(f"the local network's {child.name} ended with status {status} at its start{_quote(child)}")


def _quote(child: ChildProcess) -> str:
    return f"; the last that {child.name} said:\n{child.last_words}" if child.last_words else ""
