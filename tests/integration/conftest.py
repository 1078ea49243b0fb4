"""The whole service in a process of its own, between a replayed oxend, a real EVM and a real HTTP client."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from sent_graphql.localdev.chain import Chain, Contract
from sent_graphql.localdev.deployment import Deployment
from sent_graphql.localdev.network import LocalNetwork
from sent_graphql.localdev.staking_client import StakingClient
from sent_graphql.settings import LocalSettings, OxendSettings
from sent_graphql.sources.oxend.transport import make_transport

PATIENCE = 60
"""Seconds that an expected event may take on a busy machine."""

RECORDED = Path(__file__).parents[1] / "sources" / "oxend" / "recorded"


class Oxend:
    """The replayed oxend: start and stop it, change what it answers, push blocks."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self._process: Process | None = None

    async def start(self) -> Self:
        """Begins to listen."""
        script = Path(__file__).with_name("recorded_oxend.py")
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, str(script), f"ipc://{self.socket}", str(RECORDED), stdin=PIPE, stdout=PIPE
        )
        await self._line()
        return self

    async def order(self, **order: Any) -> Any:
        """Has it change something, and waits until it has; gives how often each command was asked so far."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        return json.loads(await self._line())

    def signal(self, number: signal.Signals) -> None:
        """Freezes it, or has it go on."""
        assert self._process is not None
        self._process.send_signal(number)

    async def stop(self) -> None:
        """Kills it and removes its socket."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        self.socket.unlink(missing_ok=True)

    async def move(self, **info: Any) -> None:
        """Goes on to another block: `height` is the top block's."""
        height, block_hash = info["height"], f"{info['height']:064x}"
        changes = {
            "rpc.get_info": {"height": height + 1, "top_block_hash": block_hash, **info.get("info", {})},
            "rpc.get_service_nodes": {"height": height, "block_hash": block_hash},
        }
        bodies = {command: json.dumps({**recorded(command), **change}) for command, change in changes.items()}
        header = recorded("rpc.get_last_block_header")
        header["block_header"] |= {"height": height, "hash": block_hash}
        bodies["rpc.get_last_block_header"] = json.dumps(header)
        await self.order(set=bodies, push=[height, block_hash])

    async def _line(self) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            line = await self._process.stdout.readline()
        assert line, "the replayed oxend has ended"
        return line


class Gate:
    """A TCP door in front of the RPC that a test can shut and open again."""

    def __init__(self, target: str) -> None:
        url = httpx.URL(target)
        self._target = (url.host, url.port)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    @property
    def url(self) -> str:
        """Where the service finds the RPC."""
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> Self:
        """Lets traffic through, on the same port every time."""
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def shut(self) -> None:
        """Cuts every connection and accepts no more."""
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._open |= {writer, far_writer}
        try:
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        finally:
            self._open -= {writer, far_writer}
            for side in (writer, far_writer):
                side.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()


class RunningService:
    """`sent-graphql serve` in a process of its own."""

    def __init__(self, process: Process, log: list[str]) -> None:
        self.process = process
        self.log = log
        self.client = httpx.AsyncClient(timeout=20)
        self._reading = asyncio.create_task(self._read_log())

    @classmethod
    async def start(cls, *arguments: str, environ: Mapping[str, str] | None = None) -> Self:
        """Starts it and waits until it says its address."""
        service = await cls.launch(*arguments, environ=environ)
        assert service.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while line := (await service.process.stdout.readline()).decode():
                service.log.append(line)
                if "http://" in line:
                    service.client.base_url = httpx.URL(
                        line[line.index("http://") :].split()[0].removesuffix("/graphql")
                    )
                    return service
        raise AssertionError("the service did not start:\n" + "".join(service.log))

    @classmethod
    async def launch(cls, *arguments: str, environ: Mapping[str, str] | None = None) -> Self:
        """Starts it without waiting. `environ` comes on top of ours."""
        command = (sys.executable, "-X", "faulthandler", "-m", "sent_graphql", "serve", *arguments)
        process = await asyncio.create_subprocess_exec(
            *command, stdout=PIPE, stderr=PIPE, env={**os.environ, **(environ or {})}
        )
        return cls(process, [])

    async def _read_log(self) -> None:
        assert self.process.stderr is not None
        while line := await self.process.stderr.readline():
            self.log.append(line.decode())

    def close_log(self) -> None:
        """Nobody reads the log any more: what is written to it fails."""
        self._reading.cancel()
        self._log_pipe().close()

    def pause_log(self) -> None:
        """Nobody takes anything out of the log's pipe for now."""
        self._log_pipe().pause_reading()

    def resume_log(self) -> None:
        """The log is read on."""
        self._log_pipe().resume_reading()

    def _log_pipe(self) -> asyncio.ReadTransport:
        process: Any = self.process
        transport = process._transport.get_pipe_transport(2)
        assert isinstance(transport, asyncio.ReadTransport)
        return transport

    async def query(self, document: str, **variables: Any) -> Any:
        """`data` of the answer; any error fails the test."""
        answer = await self.ask(document, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    async def ask(self, document: str, **variables: Any) -> Any:
        """The whole answer."""
        response = await self.client.post("/graphql", json={"query": document, "variables": variables})
        return response.json()

    async def until(self, document: str, condition: Callable[[Any], bool]) -> Any:
        """Asks until `condition` holds for the data, and gives them."""
        answer: Any = None
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    answer = await self.ask(document)
                    if "errors" not in answer and condition(answer["data"]):
                        return answer["data"]
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"still {answer}\n" + "".join(self.log[-30:])) from None

    async def stop(self) -> int:
        """Ctrl-C; gives the exit code."""
        await self.client.aclose()
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGINT)
        return await self.ended()

    async def ended(self) -> int:
        """The exit code, once it has ended. If it does not, it is aborted and its stacks fail the test."""
        try:
            async with asyncio.timeout(PATIENCE):
                code = await self.process.wait()
        except TimeoutError:
            self.process.send_signal(signal.SIGABRT)
            await self._reading
            raise AssertionError("the service did not end:\n" + "".join(self.log[-120:])) from None
        await asyncio.wait([self._reading])
        return code


def recorded(command: str) -> Any:
    """A recorded reply's body."""
    return json.loads((RECORDED / f"{command}.json").read_bytes())


def write_config(directory: Path, socket: Path, rpc_url: str, deployment: Deployment, **more: str) -> Path:
    """A file for --config: the replayed oxend, the EVM, quick polls and a state directory of the test's own."""
    file = directory / "test.toml"
    file.write_text(
        f"""
[local]
embedded = false
[oxend]
endpoints = ["ipc://{socket}"]
request_timeout = 2
reconnect_max = 0.5
[contracts]
rpc_urls = ["{rpc_url}"]
service_node_rewards = "{more.get("rewards", deployment.rewards.address)}"
contribution_factory = "{deployment.factory.address}"
reward_rate_pool = "{deployment.pool.address}"
token = "{deployment.token.address}"
multicall = "{deployment.multicall.address}"
retries = 0
[poll_oxend]
interval = 1
min_interval = 0.05
backoff_max = 1
stale_after = {more.get("stale_after", "60")}
[poll_contracts]
interval = 1
min_interval = 0.05
backoff_max = 1
stale_after = {more.get("stale_after", "60")}
[database]
url = "{more.get("database", "")}"
retry_max = 0.5
[cache]
state_directory = "{directory / "state"}"
keep_interval = 0.1
"""
    )
    return file


class Stage:
    """Everything that a test of the whole service needs."""

    def __init__(self, directory: Path, deployment: Deployment, oxend: Oxend, gate: Gate) -> None:
        self.directory = directory
        self.deployment = deployment
        self.oxend = oxend
        self.gate = gate
        self.recorded = recorded
        self._services: list[RunningService] = []

    async def serve(self, *, environ: Mapping[str, str] | None = None, **settings: str) -> RunningService:
        """Starts the service with `settings` changed, and waits for its address."""
        service = await RunningService.start(*self._arguments(settings), environ=environ)
        self._services.append(service)
        return service

    async def launch(self, **settings: str) -> RunningService:
        """Starts the service without waiting for its address."""
        service = await RunningService.launch(*self._arguments(settings))
        self._services.append(service)
        return service

    async def close(self) -> None:
        """Stops all."""
        for service in self._services:
            await service.stop()
        await self.oxend.stop()
        await self.gate.shut()

    def _arguments(self, settings: dict[str, str]) -> tuple[str, ...]:
        config = write_config(self.directory, self.oxend.socket, self.gate.url, self.deployment, **settings)
        return ("--network", "localdev", "--config", str(config), "--port", "0")


@pytest.fixture(params=["evm", pytest.param("anvil", marks=pytest.mark.node)])
def l2(request: pytest.FixtureRequest) -> Any:
    """The L2: our own EVM, and anvil where it is."""
    return request.getfixturevalue(request.param)


@pytest.fixture
async def stage(l2: Any, tmp_path: Path) -> AsyncIterator[Stage]:
    """A replayed oxend that is not started yet, and an open gate to the L2."""
    stage = Stage(tmp_path, l2.deployment, Oxend(tmp_path / "oxend.sock"), await Gate(l2.url).open())
    yield stage
    await stage.close()


@pytest.fixture
async def stage_on_anvil(anvil: Any, tmp_path: Path) -> AsyncIterator[Stage]:
    """As `stage`, on anvil alone, whose chain can be reorganised."""
    stage = Stage(tmp_path, anvil.deployment, Oxend(tmp_path / "oxend.sock"), await Gate(anvil.url).open())
    yield stage
    await stage.close()


class LocalStage(Stage):
    """The local network, which moves only as the test says, in place of the replayed oxend."""

    def __init__(
        self, directory: Path, network: LocalNetwork, chain: Chain, deployment: Deployment, gate: Gate
    ) -> None:
        super().__init__(directory, deployment, Oxend(directory / "o.sock"), gate)
        self.network = network
        self.chain = chain
        self.client = StakingClient(chain, deployment)
        self.transport = make_transport(OxendSettings(endpoints=(network.oxend_endpoint,), transport="zmq"))

    async def mine(self, blocks: int) -> None:
        """Has oxend go on."""
        await self.transport.request("sim.mine", str(blocks).encode())

    async def close(self) -> None:
        """Stops the service; the network is the fixture's."""
        for service in self._services:
            await service.stop()
        await self.transport.close()
        await self.gate.shut()


@pytest.fixture
async def local_stage(tmp_path: Path) -> AsyncIterator[LocalStage]:
    """A local network of 20 nodes."""
    settings = LocalSettings(nodes=20, seed=9, start_timeout=170.0)
    network = LocalNetwork(settings, socket_path=tmp_path / "o.sock", control=True, still=True)
    async with network, Chain(network.rpc_url) as chain:
        addresses = network.addresses
        assert addresses.contribution_factory
        assert addresses.reward_rate_pool
        assert addresses.token
        owner, *wallets = await chain.accounts()
        deployment = Deployment(
            rewards=Contract.at(addresses.service_node_rewards, "ServiceNodeRewards"),
            factory=Contract.at(addresses.contribution_factory, "ServiceNodeContributionFactory"),
            pool=Contract.at(addresses.reward_rate_pool, "RewardRatePool"),
            token=Contract.at(addresses.token, "Token"),
            multicall=Contract.at(network.multicall, "Multicall3"),
            owner=owner,
            wallets=tuple(wallets),
            block_number=network.deployment_block,
        )
        stage = LocalStage(tmp_path, network, chain, deployment, await Gate(network.rpc_url).open())
        await stage.transport.start()
        yield stage
        await stage.close()
