"""anvil, a quicker EVM, where it is installed: on the PATH, or in node_modules by `scripts/node`."""

import contextlib
import shutil
import socket
import time
from pathlib import Path
from typing import Final

from sent_graphql.localdev.evm import BLOCK_GAS_LIMIT, CHAIN_ID
from sent_graphql.localdev.evm_process import DEFAULT_ACCOUNTS
from sent_graphql.localdev.server_process import ProcessStartError, ServerProcess

NODE_MODULES: Final = Path(__file__).parents[2] / "node_modules"
ACCOUNT_ETHER: Final = 1_000_000
PORT_TRIES: Final = 3
"""Times that another free port is tried, should somebody else be quicker to take one."""


def find_anvil() -> Path | None:
    """The program, if there is one. The npm package's own launcher is passed over: it would need Node.js."""
    installed = sorted(NODE_MODULES.glob("@foundry-rs/anvil-*/bin/anvil"))
    if installed:
        return installed[0]
    found = shutil.which("anvil")
    return None if found is None else Path(found)


def start_anvil(
    program: Path, *, accounts: int = DEFAULT_ACCOUNTS, genesis_age: int = 0, timeout: float = 60.0
) -> ServerProcess:
    """Starts anvil with the rules of our own EVM (chain id, gas limit, fork) and blocks until it answers."""
    for _ in range(PORT_TRIES - 1):
        with contextlib.suppress(ProcessStartError):
            return _start(program, accounts, genesis_age, timeout)
    return _start(program, accounts, genesis_age, timeout)


def _start(program: Path, accounts: int, genesis_age: int, timeout: float) -> ServerProcess:
    port, genesis_time = free_port(), int(time.time()) - genesis_age
    command: list[str | Path] = [program, "--silent", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--chain-id", str(CHAIN_ID), "--hardfork", "prague", "--gas-limit", str(BLOCK_GAS_LIMIT)]
    command += ["--accounts", str(accounts), "--balance", str(ACCOUNT_ETHER), "--timestamp", str(genesis_time)]
    return ServerProcess.start(command, timeout=timeout, url=f"http://127.0.0.1:{port}")


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
