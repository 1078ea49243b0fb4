"""Child processes of the service: started without blocking the loop, heard line by line, and never left behind.

A child gets a session of its own, so that Ctrl-C in the terminal reaches the service alone, and a pipe as standard
input: it ends when that closes, which happens also when the service dies without a word.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Final, Self

import structlog

STOP_SECONDS: Final = 5.0
"""How long a child may take to end after its pipe has closed, and again after SIGTERM."""

MAX_LINE_BYTES: Final = 1024 * 1024
TAIL_LINES: Final = 15
"""Lines of standard error that are kept for an error message."""


class ChildProcess:
    """A running child. `name` is what messages call it."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self._process = process
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._log = structlog.get_logger()
        self._listener = asyncio.create_task(self._listen(), name=f"{name} stderr")

    @classmethod
    async def start(cls, name: str, command: Sequence[str]) -> Self:
        """Starts `command` with pipes on all three ends."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            limit=MAX_LINE_BYTES,
        )
        return cls(name, process)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def last_words(self) -> str:
        """The end of what it wrote to standard error."""
        return "\n".join(self._tail)

    async def lines(self) -> AsyncIterator[str]:
        """What it writes to standard output, until that ends."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            yield line.decode(errors="replace").rstrip("\n")

    async def wait(self) -> int:
        """Its exit status, once it has ended and all of its standard error has been heard."""
        status = await self._process.wait()
        await asyncio.wait([self._listener])
        return status

    async def stop(self) -> None:
        """Ends it: by its pipe, by SIGTERM, at last by SIGKILL; returns when it is gone."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        for insist in (self._process.terminate, self._process.kill):
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await self._process.wait()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    insist()
        await self._process.wait()
        self._listener.cancel()
        await asyncio.gather(self._listener, return_exceptions=True)

    async def _listen(self) -> None:
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            text = line.decode(errors="replace").rstrip("\n")
            self._tail.append(text)
            self._log.warning("local network says", process=self.name, line=text)
