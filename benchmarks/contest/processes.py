"""A server in a process of its own, and what the system has counted of it."""

import asyncio
import http.client
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contest.questions import HEADERS, Question

HERE: Final = Path(__file__).parents[1]
PEERS: Final = HERE / "peers"
TICK: Final = os.sysconf("SC_CLK_TCK")


@dataclass
class Server:
    """One that listens on `port`."""

    name: str
    process: asyncio.subprocess.Process
    port: int

    @classmethod
    async def of_python(cls, name: str, argument: object) -> "Server":
        """One of contest.servers."""
        return await cls._start(name, [sys.executable, "-m", "contest.servers", name, str(argument)], HERE)

    @classmethod
    async def of_node(cls, name: str, schema: Path, data: Path) -> "Server":
        """One of peers/peer.mjs."""
        return await cls._start(name, ["node", "peer.mjs", name, str(schema), str(data)], PEERS)

    @classmethod
    async def _start(cls, name: str, program: list[str], directory: Path) -> "Server":
        process = await asyncio.create_subprocess_exec(
            *program,
            cwd=directory,
            env={**os.environ, "NODE_ENV": "production"},
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        line = await process.stdout.readline()
        if not line:
            await process.wait()
            raise RuntimeError(f"{name} did not start: see above")
        return cls(name, process, int(line))

    def answer(self, question: Question) -> tuple[bytes, bytes]:
        """Head and body of the answer to one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("POST", "/graphql", question.body(), HEADERS)
        response = connection.getresponse()
        lines = [f"HTTP/1.1 {response.status}", *(f"{name}: {value}" for name, value in response.getheaders())]
        body = response.read()
        connection.close()
        return "\r\n".join([*lines, "", ""]).encode(), body

    def cpu(self) -> float:
        """Seconds of CPU so far, of user and system, on all of its threads."""
        fields = self._told("stat").rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def resident(self) -> int:
        """Bytes of memory that it holds."""
        line = next(line for line in self._told("status").splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def _told(self, file: str) -> str:
        return Path(f"/proc/{self.process.pid}/{file}").read_text()

    async def stop(self) -> None:
        """Ends it."""
        self.process.kill()
        await self.process.wait()
