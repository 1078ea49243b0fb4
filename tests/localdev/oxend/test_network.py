"""The local network as the service starts it: two child processes, a socket, a chain that agrees with it."""

import asyncio
import os
import select
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
import zmq
import zmq.asyncio

from sent_graphql.localdev.chain import Chain, Contract
from sent_graphql.localdev.network import LocalNetwork, LocalNetworkError
from sent_graphql.models.keys import bls_from_ints
from sent_graphql.settings import LocalSettings

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("local network")]

SETTINGS = LocalSettings(nodes=10, seed=5, start_timeout=120.0)
GONE_SECONDS = 30.0


class OxendClient:
    """A DEALER that tells replies from block pushes."""

    def __init__(self, endpoint: str) -> None:
        self._context = zmq.asyncio.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.linger = 0
        self._socket.connect(endpoint)
        self.pushes: list[tuple[int, str]] = []

    async def ask(self, command: str, body: bytes | None = None) -> list[bytes]:
        """The reply's frames after REPLY and tag."""
        await self._socket.send_multipart([command.encode(), b"tag", *([] if body is None else [body])])
        async with asyncio.timeout(30):
            while True:
                frames = await self._socket.recv_multipart()
                if frames[0] == b"REPLY":
                    return list(frames[2:])
                self.pushes.append((int(frames[1]), frames[2].hex()))

    async def json(self, command: str, **body: Any) -> Any:
        """The parsed body of a good answer."""
        status, answer = await self.ask(command, orjson.dumps(body) if body else None)
        assert status == b"200", answer
        return orjson.loads(answer)

    async def move(self, command: str, word: str = "") -> int:
        """A `sim.*` command; gives the top height."""
        status, answer = await self.ask(command, word.encode())
        assert status == b"200", answer
        return int(answer)

    def close(self) -> None:
        self._context.destroy(linger=0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalNetwork]:
    path = tmp_path_factory.mktemp("oxend") / "o.sock"
    async with LocalNetwork(SETTINGS, socket_path=path, control=True, still=True) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def oxend(network: LocalNetwork) -> AsyncIterator[OxendClient]:
    client = OxendClient(network.oxend_endpoint)
    yield client
    client.close()


@pytest_asyncio.fixture(loop_scope="module")
async def chain(network: LocalNetwork) -> AsyncIterator[Chain]:
    async with Chain(network.rpc_url) as client:
        yield client


def rewards_contract(network: LocalNetwork) -> Contract:
    return Contract.at(network.addresses.service_node_rewards, "ServiceNodeRewards")


async def until_gone(pid: int) -> None:
    """Waits until a process, ours or a stranger's, has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        ended, _, _ = await asyncio.to_thread(select.select, [handle], [], [], GONE_SECONDS)
    finally:
        os.close(handle)
    assert ended, f"process {pid} goes on"


async def test_both_sides_hold_the_same_nodes(network: LocalNetwork, oxend: OxendClient, chain: Chain) -> None:
    ids, keys = await chain.call(rewards_contract(network), "allServiceNodeIDs")
    nodes = (await oxend.json("rpc.get_service_nodes"))["service_node_states"]
    removed = await oxend.json("rpc.bls_exit_liquidation_list")
    known = {node["pubkey_bls"] for node in nodes} | {entry["info"]["bls_public_key"] for entry in removed}
    assert {bls_from_ints(*key) for key in keys} == known
    assert len(ids) == SETTINGS.nodes


async def test_still_network_moves_only_when_told_and_pushes_each_block(oxend: OxendClient) -> None:
    await oxend.ask("sub.block")
    before = (await oxend.json("rpc.get_info"))["height"]
    top = await oxend.move("sim.mine", "3")
    info = await oxend.json("rpc.get_info")
    assert info["height"] == before + 3 == top + 1
    assert [height for height, _ in oxend.pushes] == [top - 2, top - 1, top]
    assert oxend.pushes[-1][1] == info["top_block_hash"]


async def test_exit_request_on_the_chain_comes_to_oxend(
    network: LocalNetwork, oxend: OxendClient, chain: Chain
) -> None:
    nodes = (await oxend.json("rpc.get_service_nodes"))["service_node_states"]
    node = next(node for node in nodes if node["active"] and not node["requested_unlock_height"])
    rewards = rewards_contract(network)
    number = await chain.call(rewards, "serviceNodeIDs", bytes.fromhex(node["pubkey_bls"]))
    await chain.send(rewards, "initiateExitBLSPublicKey", number, sender=node["operator_address"])
    await oxend.move("sim.mine")
    pending = await oxend.json("rpc.get_pending_events")
    assert [unlock["bls_pubkey"] for unlock in pending["unlocks"]] == [node["pubkey_bls"]]
    top = await oxend.move("sim.mine", "5")
    reply = await oxend.json("rpc.get_service_nodes", service_node_pubkeys=[node["service_node_pubkey"]])
    (seen,) = reply["service_node_states"]
    assert seen["requested_unlock_height"] > top


async def test_quorums_verdicts_are_obeyed(oxend: OxendClient) -> None:
    nodes = (await oxend.json("rpc.get_service_nodes", active_only=True))["service_node_states"]
    key = nodes[0]["service_node_pubkey"]

    async def after(command: str) -> Any:
        await oxend.move(command, key)
        await oxend.move("sim.mine")
        return (await oxend.json("rpc.get_service_nodes", service_node_pubkeys=[key]))["service_node_states"]

    assert [node["active"] for node in await after("sim.decommission")] == [False]
    assert [node["active"] for node in await after("sim.recommission")] == [True]
    assert await after("sim.deregister") == []
    removed = await oxend.json("rpc.bls_exit_liquidation_list")
    assert (key, "deregister") in {(entry["service_node_pubkey"], entry["type"]) for entry in removed}


async def test_reorganisation_pushes_the_new_branch(oxend: OxendClient) -> None:
    await oxend.ask("sub.block")
    top = await oxend.move("sim.mine", "2")
    old = (await oxend.json("rpc.get_info"))["top_block_hash"]
    assert await oxend.move("sim.reorg", "2") == top + 1
    await oxend.json("rpc.get_info")
    assert [height for height, _ in oxend.pushes[-3:]] == [top - 1, top, top + 1]
    assert old not in {block_hash for _, block_hash in oxend.pushes[-3:]}


async def test_busy_daemon_and_bad_commands(oxend: OxendClient) -> None:
    await oxend.move("sim.busy", "on")
    assert await oxend.json("rpc.get_last_block_header") == {"status": "BUSY"}
    await oxend.move("sim.busy", "off")
    for command, word in (("sim.busy", "perhaps"), ("sim.reorg", "0"), ("sim.mine", "many")):
        assert (await oxend.ask(command, word.encode()))[0] == b"400"


async def test_second_network_on_one_socket_is_refused(network: LocalNetwork) -> None:
    path = Path(network.oxend_endpoint.removeprefix("ipc://"))
    with pytest.raises(LocalNetworkError, match=f"is running on .* already .process {os.getpid()}"):
        async with LocalNetwork(SETTINGS, socket_path=path):
            pytest.fail("it was let in")
    assert path.is_socket()  # noqa: ASYNC240


async def test_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalNetworkError, match="too long for a socket"):
        async with LocalNetwork(SETTINGS, socket_path=tmp_path / ("x" * 108)):
            pytest.fail("it was let in")


async def test_a_place_that_cannot_be_written_is_refused_with_a_message(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalNetworkError, match="SENT_OXEND__ENDPOINTS"):
        async with LocalNetwork(LocalSettings(), socket_path=tmp_path / "file" / "oxend.sock"):
            pass


async def test_start_that_takes_too_long_fails_and_leaves_nothing_behind(tmp_path: Path) -> None:
    network = LocalNetwork(LocalSettings(nodes=10, start_timeout=0.3), socket_path=tmp_path / "o.sock")
    with pytest.raises(LocalNetworkError, match=r"local\.start_timeout"):
        async with network:
            pytest.fail("it was up in no time")
    for pid in network.pids:
        await until_gone(pid)


async def test_leaving_ends_the_children_and_a_dead_child_is_told(tmp_path: Path) -> None:
    path = tmp_path / "o.sock"
    async with LocalNetwork(LocalSettings(nodes=1), socket_path=path, still=True) as network:
        l2, oxend = network.pids
        watching = asyncio.create_task(network.watch())
        os.kill(oxend, signal.SIGKILL)
        with pytest.raises(LocalNetworkError, match="the local network's oxend has ended"):
            await watching
    for pid in (l2, oxend):
        await until_gone(pid)
    assert not path.exists()


async def test_children_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "import asyncio, pathlib, sys\n"
        "from sent_graphql.localdev.network import LocalNetwork\n"
        "from sent_graphql.settings import LocalSettings\n"
        "async def main():\n"
        "    path = pathlib.Path(sys.argv[1])\n"
        "    network = LocalNetwork(LocalSettings(nodes=500), socket_path=path,\n"
        "        on_progress=lambda _: print(*network.pids, flush=True))\n"
        "    async with network:\n"
        "        pass\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(tmp_path / "o.sock"), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    pids = [int(word) for word in (await parent.stdout.readline()).split()]
    assert len(pids) == 2
    parent.kill()
    await parent.wait()
    for pid in pids:
        await until_gone(pid)
