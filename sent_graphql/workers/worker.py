"""One worker process as its parent sees it."""

import asyncio
import contextlib
import sys
from typing import Final, Self

from sent_graphql.workers.child import LENGTH_BYTES

_MODULE: Final = "sent_graphql.workers.child"


class Worker:
    """A running process that does one thing at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls) -> Self:
        """A fresh interpreter in a session of its own, so that Ctrl-C in the terminal is not for it. Raises OSError."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            _MODULE,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not been seen to end."""
        return self._process.returncode is None

    async def ask(self, request: bytes) -> bytes:
        """Its answer. Raises OSError or EOFError where it has ended.

        Whoever cancels this has to end the worker, which would answer the next request with this one's answer.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(len(request).to_bytes(LENGTH_BYTES, "big") + request)
        await stdin.drain()
        head = await stdout.readexactly(LENGTH_BYTES)
        return await stdout.readexactly(int.from_bytes(head, "big"))

    async def end(self) -> None:
        """Kills it, whatever it is doing, and returns when it is gone."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
