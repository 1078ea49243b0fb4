"""The EVM in a process of its own: `python -m sent_graphql.localdev.evm_process`, and how to start and stop one.

The child prints its URL on one line when it answers, and ends on SIGTERM or, with --watch-stdin, when its
standard input closes, hence also when its parent dies however it dies.
"""

import argparse
import asyncio
import contextlib
import socket
import sys
from typing import Final

import uvicorn

from sent_graphql.localdev.clock import ChainClock
from sent_graphql.localdev.evm import Evm
from sent_graphql.localdev.evm_http import MAX_BODY_BYTES, build_app
from sent_graphql.localdev.jsonrpc import JsonRpc
from sent_graphql.localdev.server_process import ServerProcess

DEFAULT_ACCOUNTS: Final = 100
MAX_ACCOUNTS: Final = 10_000
KEEP_ALIVE_SECONDS: Final = 75
"""Longer than clients keep idle connections, so that none is closed under a request that is being sent."""


def start_evm(
    *,
    accounts: int = DEFAULT_ACCOUNTS,
    genesis_age: int = 0,
    block_time: float | None = None,
    timeout: float = 60.0,
) -> ServerProcess:
    """Starts an EVM on a free port of 127.0.0.1 and waits, blocking, until it answers.

    `genesis_age`: seconds that its first block lies in the past; its clock runs on from there.
    `block_time`: seconds between empty blocks, beside the block that every transaction makes at once.
    """
    command = [sys.executable, "-m", __name__, "--watch-stdin"]
    command += ["--accounts", str(accounts), "--genesis-age", str(genesis_age)]
    if block_time is not None:
        command += ["--block-time", str(block_time)]
    return ServerProcess.start(command, timeout=timeout)


# What the child does


def main() -> None:
    """Serves an EVM until it is told to stop."""
    options = _options()
    clock = ChainClock(offset=-options.genesis_age)
    rpc = JsonRpc(Evm(clock, accounts=options.accounts))
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(rpc, options))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="evm_process", description="A local EVM that speaks JSON-RPC.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0, the default, takes a free one")
    parser.add_argument(
        "--accounts", type=int, default=DEFAULT_ACCOUNTS, help="unlocked accounts (default: %(default)s)"
    )
    parser.add_argument("--genesis-age", type=int, default=0, help="seconds that the first block lies in the past")
    parser.add_argument("--block-time", type=float, help="seconds between empty blocks (default: none are made)")
    parser.add_argument("--watch-stdin", action="store_true", help="end when standard input closes")
    options = parser.parse_args()
    if not 1 <= options.accounts <= MAX_ACCOUNTS:
        parser.error(f"--accounts: 1 to {MAX_ACCOUNTS}")
    if options.genesis_age < 0:
        parser.error("--genesis-age: not negative")
    if options.block_time is not None and options.block_time <= 0:
        parser.error("--block-time: more than 0")
    return options


class _AnnouncingServer(uvicorn.Server):
    """Prints the URL as soon as it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        sys.stdout.write(f"http://{host}:{port}\n")
        sys.stdout.flush()


async def _serve(rpc: JsonRpc, options: argparse.Namespace) -> None:
    config = uvicorn.Config(
        build_app(rpc),
        host=options.host,
        port=options.port,
        lifespan="off",
        log_level="warning",
        timeout_graceful_shutdown=2,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        ws="websockets-sansio",
        ws_max_size=MAX_BODY_BYTES,
    )
    server = _AnnouncingServer(config)
    tasks: list[asyncio.Task[None]] = []
    if options.watch_stdin:
        tasks.append(asyncio.create_task(_stop_when_stdin_closes(server)))
    if options.block_time is not None:
        tasks.append(asyncio.create_task(_mine_regularly(rpc, options.block_time)))
    try:
        await server.serve()
    finally:
        for task in tasks:
            task.cancel()


async def _stop_when_stdin_closes(server: uvicorn.Server) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(1024):
        pass
    server.should_exit = True


async def _mine_regularly(rpc: JsonRpc, block_time: float) -> None:
    while True:
        await asyncio.sleep(block_time)
        await asyncio.to_thread(rpc.mine)


if __name__ == "__main__":
    main()
