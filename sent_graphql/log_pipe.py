"""Writing lines without ever waiting for who reads them.

A log goes into a pipe as a rule. Where its reader hangs, a full pipe would hold up the event loop for as long; where it
has gone, every write fails. Neither is a reason to answer nobody.
"""

import os
import queue
import threading
from types import TracebackType
from typing import Final, Self, TextIO

import structlog

LINES_WAITING: Final = 1_000
"""Lines that wait to be written; beyond, they are dropped and counted."""

FAREWELL: Final = 1.0
"""Seconds at the end in which what waits may still be written."""


class LogPipe:
    """Takes what handlers write to a stream, and writes it from a thread: in order, whole lines or nothing."""

    def __init__(self, stream: TextIO) -> None:
        """Writes past `stream`'s own buffer, which nobody else may be using by the end of the process."""
        self._stream = stream
        self._descriptor = stream.fileno()
        self._lines: queue.Queue[str | None] = queue.Queue(LINES_WAITING)
        self._dropped = 0
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Gives what waits a moment to be written."""
        try:
            self._lines.put(None, timeout=FAREWELL)
        except queue.Full:
            return
        self._thread.join(FAREWELL)

    def write(self, text: str) -> int:
        """Has `text` written before long."""
        try:
            self._lines.put_nowait(text)
        except queue.Full:
            self._dropped += 1
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        """Whether somebody reads in a terminal."""
        return self._stream.isatty()

    def _run(self) -> None:
        while (text := self._lines.get()) is not None:
            self._put(text.encode("utf-8", "backslashreplace"))
            dropped, self._dropped = self._dropped, 0
            if dropped:
                structlog.get_logger(__name__).warning("log lines were dropped", count=dropped)

    def _put(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:
            return  # nobody reads any more
