"""What the service stands on: Python, packages, a place for its state, the address that it listens on."""

import importlib.util
import os
import platform
import shlex
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sent_graphql.doctor.findings import Finding, fine, note, wrong
from sent_graphql.settings import Settings
from sent_graphql.sources.oxend.endpoints import MAX_IPC_PATH_BYTES

LOCAL_NETWORK_MODULES: Final = ("eth", "py_ecc")
OXEN_MODULES: Final = ("oxenmq", "oxenc")
OXEN_INSTALL: Final = (
    "they are on no Python registry: add the Oxen apt repository to a Debian or Ubuntu, then "
    "sudo apt install python3-oxenmq python3-oxenc, and make the virtual environment with --system-site-packages"
)


def examine_surroundings(settings: Settings) -> list[Finding]:
    """All of them; each stands alone."""
    findings = [_python(), *_oxen_packages(settings.oxend.transport)]
    if settings.local.embedded:
        findings += [_local_network(LOCAL_NETWORK_MODULES), _own_socket(settings.oxend.endpoints[0])]
    else:  # the local network is a new one each time, and keeps nothing
        findings.append(_state(Path(settings.cache.state_directory)))
    return [*findings, _listening(settings.http.host, settings.http.port)]


def _python() -> Finding:
    version = platform.python_version()
    if sys.version_info < (3, 11):  # noqa: UP036 - run from a checkout by any interpreter
        return wrong("Python", f"{version} is too old", "install Python 3.11 or newer, and name it in SENT_PYTHON")
    return fine("Python", version)


def _oxen_packages(transport: str) -> list[Finding]:
    missing = [name for name in OXEN_MODULES if importlib.util.find_spec(name) is None]
    subject = "oxenmq and oxenc"
    if not missing:
        return [fine(subject, "installed")]
    if transport == "oxenmq" and "oxenmq" in missing:
        return [
            wrong(
                subject,
                "oxend.transport is oxenmq, and that package is not installed",
                "use our own client: SENT_OXEND__TRANSPORT=auto",
                OXEN_INSTALL,
            )
        ]
    return [note(subject, f"not installed: {', '.join(missing)}; our own client does the same", OXEN_INSTALL)]


def _state(directory: Path) -> Finding:
    subject = f"state directory {directory}"
    remedies = (
        f"give it to this account: sudo install -d -o $(id -un) {_quoted(directory)}",
        "or name another: SENT_CACHE__STATE_DIRECTORY=/path",
    )
    if not directory.exists():
        parent = _nearest(directory)
        if _may_write_in(parent):
            return fine(subject, "will be made")
        return wrong(subject, f"not there, and cannot be made in {parent}", *remedies)
    if not directory.is_dir():
        return wrong(
            subject, "not a directory", f"put it away: mv {_quoted(directory)} {_quoted(directory)}.old", *remedies[1:]
        )
    try:
        with tempfile.TemporaryFile(dir=directory):
            return fine(subject, "writable")
    except OSError as error:
        return wrong(subject, f"not writable: {error.strerror}", *remedies)


def _local_network(modules: Sequence[str]) -> Finding:
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        return wrong(
            "local network", f"packages are missing: {', '.join(missing)}", "pip install 'sent-graphql[localdev]'"
        )
    return fine("local network", "its packages are installed")


def _own_socket(endpoint: str) -> Finding:
    """Where the simulated oxend would listen."""
    path = Path(endpoint.removeprefix("ipc://"))
    subject = f"socket of the local network {path}"
    elsewhere = "let it be elsewhere: SENT_OXEND__ENDPOINTS=ipc:///tmp/sent-graphql.sock"
    if not endpoint.startswith("ipc://"):
        return wrong(subject, "not an ipc:// endpoint", elsewhere)
    length = len(os.fsencode(path))
    if length > MAX_IPC_PATH_BYTES:
        return wrong(subject, f"the path has {length} bytes, and the system allows {MAX_IPC_PATH_BYTES}", elsewhere)
    directory = _nearest(path)
    if not _may_write_in(directory):
        return wrong(subject, f"cannot be made in {directory}", elsewhere)
    return fine(subject, "can be made")


def _nearest(path: Path) -> Path:
    """The first directory above `path` that is there."""
    return next(parent for parent in path.parents if parent.exists())


def _may_write_in(directory: Path) -> bool:
    return directory.is_dir() and os.access(
        directory, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids
    )


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


def _listening(host: str, port: int) -> Finding:
    subject = f"address {host}:{port}"
    if port == 0:
        return fine(subject, "a free port will be taken")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return note(
            subject,
            f"cannot be had now: {error.strerror}; perhaps this very service runs there",
            f"find out who has it: ss -ltnp 'sport = :{port}'",
            "or take another: --port 0, SENT_HTTP__PORT=…",
        )
    return fine(subject, "free")
