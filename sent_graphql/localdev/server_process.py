"""A node in a child process, for a program that may block while it starts and stops (tests, scripts)."""

import os
import selectors
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

STOP_TIMEOUT: Final = 10.0
"""Seconds that a process may take to end before it is killed."""

LISTENER_PAUSE: Final = 0.02
"""Seconds between two tries to connect."""


class ProcessStartError(Exception):
    """A child process ended, or was not ready in time."""


class ServerProcess:
    """A running child and the URL it answers on. A context manager: it is stopped at the end."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self.url = url
        self._process = process

    @classmethod
    def start(
        cls, command: Sequence[str | Path], *, timeout: float, url: str | None = None, user: str | None = None
    ) -> Self:
        """Starts `command` (as `user`, who may only be another one for root) and blocks until it is ready.

        Raises ProcessStartError. It is ready when it has printed its URL on a line or, if `url` is known, when somebody
        listens there.
        """
        output = subprocess.PIPE if url is None else subprocess.DEVNULL
        process = subprocess.Popen(  # noqa: S603  # our own words
            command, stdin=subprocess.PIPE, stdout=output, start_new_session=True, user=user
        )
        deadline = time.monotonic() + timeout
        try:
            if url is None:
                return cls(process, _first_line(process, deadline))
            _wait_for_listener(process, url, deadline)
            return cls(process, url)
        except BaseException:
            _end(process)
            raise

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def stop(self) -> int:
        """Ends it with SIGTERM, waits until it is gone, and returns its exit status."""
        return _end(self._process)

    def close_stdin(self) -> int:
        """Closes its standard input, as the death of its parent does; waits until it is gone."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._process.wait(STOP_TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def _first_line(process: subprocess.Popen[bytes], deadline: float) -> str:
    assert process.stdout is not None
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise ProcessStartError("not ready in time")
            chunk = os.read(process.stdout.fileno(), 1024)
            if not chunk:
                raise ProcessStartError(f"ended with status {process.wait()} before it was ready")
            line += chunk
    return line.decode().strip()


def _wait_for_listener(process: subprocess.Popen[bytes], url: str, deadline: float) -> None:
    place = urlsplit(url)
    assert place.hostname is not None
    assert place.port is not None
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ProcessStartError(f"ended with status {process.returncode} before it was ready")
        try:
            socket.create_connection((place.hostname, place.port), timeout=1.0).close()
        except OSError:
            time.sleep(LISTENER_PAUSE)
        else:
            return
    raise ProcessStartError("not ready in time")


def _end(process: subprocess.Popen[bytes]) -> int:
    process.terminate()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    try:
        return process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
