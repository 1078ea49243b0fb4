"""For development: runs the service in a child process and starts it anew when a source or configuration changes."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import typer

from sent_graphql.places import config_directory

POLL_SECONDS: Final = 0.5
STOP_SECONDS: Final = 20.0
"""How long the child may take to stop before it is killed."""
MAX_FILES: Final = 10_000
"""Most files that are watched."""
SUFFIXES: Final = frozenset({".py", ".toml"})

Stamp = tuple[int, int]


class Reloader:
    """Keeps one child process running `command`, restarted whenever a watched file changes."""

    def __init__(self, command: Sequence[str], watched: Iterable[Path], poll_seconds: float = POLL_SECONDS) -> None:
        self._command = list(command)
        self._watched = tuple(watched)
        self._poll_seconds = poll_seconds

    @classmethod
    def of_this_command(cls, arguments: Sequence[str], config_file: Path | None) -> "Reloader":
        """A reloader of the present command line, without its --reload."""
        command = [sys.executable, "-m", "sent_graphql", *(part for part in arguments if part != "--reload")]
        watched = [Path(__file__).resolve().parent.parent, config_directory()]
        return cls(command, [*watched, config_file] if config_file else watched)

    def run(self) -> int:
        """Returns 0 when interrupted (Ctrl-C or SIGTERM); a child that ends by itself waits for the next change."""
        child = None
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            while True:
                before = self.stamps()
                # A group of its own, so that Ctrl-C reaches the child once: through us.
                child = subprocess.Popen(self._command, process_group=0)  # noqa: S603 - our own interpreter
                changed = self._wait_for_change(before, child)
                typer.echo(f"{_listed(changed)} changed, starting anew", err=True)
                self._stop(child)
        except KeyboardInterrupt:
            return 0
        finally:
            if child is not None:
                self._stop(child)

    def stamps(self) -> dict[Path, Stamp]:
        """Time and size of every watched file that is there."""
        found = {}
        for path in self._files():
            try:
                status = path.stat()
            except OSError:  # gone since it was listed
                continue
            found[path] = (status.st_mtime_ns, status.st_size)
            if len(found) >= MAX_FILES:
                break
        return found

    def _files(self) -> Iterator[Path]:
        for path in self._watched:
            if path.is_dir():
                yield from (file for file in path.rglob("*") if file.suffix in SUFFIXES)
            else:
                yield path

    def _wait_for_change(self, before: dict[Path, Stamp], child: "subprocess.Popen[bytes]") -> list[Path]:
        told = False
        while True:
            time.sleep(self._poll_seconds)
            now = self.stamps()
            if now != before:
                return sorted(path for path in {*before, *now} if before.get(path) != now.get(path))
            if child.poll() is not None and not told:
                told = True
                typer.echo(f"the service ended with code {child.returncode}; waiting for a change", err=True)

    def _stop(self, child: "subprocess.Popen[bytes]") -> None:
        if child.poll() is not None:
            return
        child.terminate()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _listed(paths: Sequence[Path]) -> str:
    return paths[0].name + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")
