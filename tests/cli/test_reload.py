"""--reload: one child at a time, started anew when a file changes, gone with its parent."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sent_graphql.cli.reload import Reloader

Started = Callable[..., "subprocess.Popen[str]"]

PARENT = """
    import sys
    from pathlib import Path
    from sent_graphql.cli.reload import Reloader

    sys.exit(Reloader([sys.executable, *sys.argv[2:]], [Path(sys.argv[1])], poll_seconds=0.02).run())
"""
CHILD = """
import os, signal, sys
print(os.getpid(), flush=True)
if "--end" not in sys.argv:
    signal.pause()
"""


@pytest.fixture
def watched(tmp_path: Path) -> Path:
    """A directory with one source file, and others that do not count."""
    directory = tmp_path / "watched"
    (directory / "deep").mkdir(parents=True)
    (directory / "deep" / "source.py").write_text("1")
    (directory / "notes.txt").write_text("1")
    return directory


@pytest.fixture
def child(tmp_path: Path) -> Path:
    path = tmp_path / "child.py"
    path.write_text(CHILD)
    return path


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_change_starts_it_anew_and_a_signal_ends_both(
    started: Started, watched: Path, child: Path, number: signal.Signals
) -> None:
    process = started(PARENT, str(watched), str(child))
    assert process.stdout is not None
    first = int(process.stdout.readline())
    (watched / "deep" / "source.py").write_text("1 + 1")
    second = int(process.stdout.readline())
    assert gone(first)

    process.send_signal(number)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 0
    assert gone(second)
    assert "source.py changed, starting anew" in err
    assert "Traceback" not in err


def test_a_child_that_ends_is_started_anew_by_the_next_change(started: Started, watched: Path, child: Path) -> None:
    process = started(PARENT, str(watched), str(child), "--end")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    assert "ended with code 0; waiting for a change" in process.stderr.readline()

    (watched / "new.toml").write_text("")

    assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0


def test_only_sources_and_configuration_count(watched: Path, tmp_path: Path) -> None:
    reloader = Reloader([], [watched, tmp_path / "absent.toml"])
    before = reloader.stamps()

    (watched / "notes.txt").write_text("other")

    assert list(before) == [watched / "deep" / "source.py"]
    assert reloader.stamps() == before


def test_the_child_gets_this_command_line_without_the_flag(tmp_path: Path) -> None:
    reloader = Reloader.of_this_command(["serve", "--reload", "--port", "0"], tmp_path / "own.toml")

    assert reloader._command[1:] == ["-m", "sent_graphql", "serve", "--port", "0"]
    assert tmp_path / "own.toml" in reloader._watched
