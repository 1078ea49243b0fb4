"""Lines are written in order while somebody reads, and hold nobody up when nobody does."""

import os
import threading
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from sent_graphql.log_pipe import LINES_WAITING, LogPipe

LINE = "x" * 1_000 + "\n"
PATIENCE = 30


@pytest.fixture
def pipe() -> Iterator[tuple[int, LogPipe]]:
    """The reading end, and a log that writes to the other."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        yield reading, LogPipe(stream)


def test_lines_are_written_in_their_order_and_all_by_the_end(pipe: tuple[int, LogPipe]) -> None:
    reading, log = pipe
    with log:
        for number in range(100):
            log.write(f"{number} \udcff\n")
    lines = os.read(reading, 1 << 16).decode().splitlines()
    assert lines == [f"{number} \\udcff" for number in range(100)]
    os.close(reading)


def test_a_reader_that_hangs_holds_nobody_up_and_hears_how_much_it_missed(pipe: tuple[int, LogPipe]) -> None:
    reading, log = pipe
    heard = bytearray()
    with capture_logs() as told, log:
        for _ in range(LINES_WAITING * 2):
            assert log.write(LINE) == len(LINE)
        log.flush()
        reader = threading.Thread(target=_read_all, args=(reading, heard))
        reader.start()
    log._stream.close()
    reader.join(PATIENCE)
    dropped = sum(line["count"] for line in told if line["event"] == "log lines were dropped")
    assert dropped > 0
    assert len(heard) == (LINES_WAITING * 2 - dropped) * len(LINE)


def test_a_reader_that_has_gone_ends_nothing(pipe: tuple[int, LogPipe]) -> None:
    reading, log = pipe
    os.close(reading)
    with log:
        for _ in range(10):
            log.write(LINE)
    assert not log._thread.is_alive()


def _read_all(descriptor: int, heard: bytearray) -> None:
    while data := os.read(descriptor, 1 << 16):
        heard.extend(data)
    os.close(descriptor)
