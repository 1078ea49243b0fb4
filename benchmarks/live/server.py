"""A server in a process of its own, and what it is told."""

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class Server:
    """One of the contenders, in a process of its own."""

    process: asyncio.subprocess.Process
    port: int = 0

    @classmethod
    async def start(cls, name: str, **live: float) -> "Server":
        """Starts it with these settings of `live`, and waits until it listens."""
        program = [sys.executable, "-m", "live.contenders", name, json.dumps(live)]
        pipe = asyncio.subprocess.PIPE
        here = Path(__file__).parent.parent
        process = await asyncio.create_subprocess_exec(*program, cwd=here, stdin=pipe, stdout=pipe, limit=2**20)
        server = cls(process)
        server.port = await server.reply()
        return server

    def tell(self, *command: object) -> None:
        """Gives an order."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command).encode() + b"\n")

    async def reply(self) -> Any:  # noqa: ANN401 - JSON
        """What it says to the last order."""
        assert self.process.stdout is not None
        return json.loads(await self.process.stdout.readline())

    async def ask(self, *command: object) -> Any:  # noqa: ANN401 - JSON
        """An order and what comes of it."""
        self.tell(*command)
        return await self.reply()

    async def stop(self) -> None:
        """Ends it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        await self.process.wait()
