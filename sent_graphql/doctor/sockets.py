"""The file of a Unix socket: is it there, is it one, may we connect, does somebody listen?"""

import errno
import grp
import os
import pwd
import shlex
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sent_graphql.doctor.findings import Finding, fine, wrong
from sent_graphql.sources.oxend.endpoints import MAX_IPC_PATH_BYTES

CONNECT_SECONDS: Final = 5.0

_KINDS: Final = {
    stat.S_IFREG: "an ordinary file",
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def examine_socket(path: str) -> Iterator[Finding]:
    """The steps from a path to a connection, in order; the first fault ends them. May block for CONNECT_SECONDS."""
    subject = f"socket {path}"
    if path.startswith("@"):
        yield _connection(subject, "\0" + path[1:], path)
        return
    length = len(os.fsencode(path))
    if length > MAX_IPC_PATH_BYTES:
        yield _too_long(subject, path, length)
        return
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - as the system sees the very path, symlinks followed
    except FileNotFoundError:
        yield _missing(subject, Path(path))
        return
    except PermissionError:
        yield _forbidden(subject, Path(path))
        return
    except OSError as error:
        yield wrong(subject, f"cannot be looked at: {error.strerror}", f"look at it yourself: ls -lL {_quoted(path)}")
        return
    if not stat.S_ISSOCK(mode):
        yield _not_a_socket(subject, path, mode)
        return
    yield _connection(subject, path, path)


def _connection(subject: str, address: str, path: str) -> Finding:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(CONNECT_SECONDS)
        try:
            probe.connect(address)
        except PermissionError:
            return _forbidden(subject, Path(path))
        except (TimeoutError, BlockingIOError):
            return wrong(
                subject,
                "somebody listens and takes no more connections",
                "look at oxend's log; restart oxend if it hangs",
            )
        except OSError as error:
            return _unanswered(subject, error)
    return fine(subject, "somebody listens" + ("" if path.startswith("@") else f" ({_described(Path(path))})"))


def _unanswered(subject: str, error: OSError) -> Finding:
    if error.errno == errno.ECONNREFUSED:
        return wrong(
            subject,
            "nobody listens: oxend does not run, or has left the file behind",
            "start oxend, and look whether it says that it listens: systemctl status 'oxen*'",
            "if oxend runs with another socket, link to that one (oxend/README.md)",
        )
    return wrong(
        subject, f"cannot be connected to: {error.strerror}", "is it a socket of an oxend? See oxend/README.md"
    )


def _too_long(subject: str, path: str, length: int) -> Finding:
    return wrong(
        subject,
        f"the path has {length} bytes, and the system allows {MAX_IPC_PATH_BYTES}",
        f"link to it from a shorter path: ln -s {_quoted(path)} /run/oxend.sock, "
        "and set SENT_OXEND__ENDPOINTS=ipc:///run/oxend.sock",
    )


def _missing(subject: str, path: Path) -> Finding:
    if path.is_symlink():
        return wrong(
            subject,
            f"a dangling symlink: its target {path.readlink()} is not there",
            "start oxend if that is its socket",
            f"link to the right one: ln -sfn DATA-DIRECTORY/oxend.sock {_quoted(path)}",
        )
    absent = next((parent for parent in reversed(path.parents) if not parent.exists()), None)
    return wrong(
        subject,
        f"not there, nor is the directory {absent}" if absent else "not there",
        f"link to oxend's own socket: ln -s DATA-DIRECTORY/oxend.sock {_quoted(path)}",
        f"or let oxend make it, with this line in oxend.conf: lmq-public=ipc://{path}",
        "or name another endpoint: SENT_OXEND__ENDPOINTS=ipc://PATH (oxend/README.md)",
    )


def _not_a_socket(subject: str, path: str, mode: int) -> Finding:
    return wrong(
        subject,
        f"not a socket but {_KINDS.get(stat.S_IFMT(mode), 'something else')}",
        f"put it away and link to oxend's socket: mv {_quoted(path)} {_quoted(path + '.old')} && "
        f"ln -s DATA-DIRECTORY/oxend.sock {_quoted(path)}",
    )


def _forbidden(subject: str, path: Path) -> Finding:
    """No permission: at a directory on the way, or at the socket itself."""
    target = _resolved(path)
    barred = next((parent for parent in reversed(target.parents) if not _may(parent, os.X_OK)), None)
    at = barred or target
    user = _user_name(os.geteuid())
    group = _group_of(at)
    what = f"the directory {barred} may not be entered" if barred else "no permission to connect"
    needed, bits = (stat.S_IXGRP, "g+x") if barred else (stat.S_IWGRP, "g+rw")
    # Joining a group that has no access itself would mend nothing.
    first = "" if _mode(at) & needed else f"sudo chmod {bits} {_quoted(at)} && "
    after = f", after {first.removesuffix(' && ')}" if first else ""
    return wrong(
        subject,
        f"{what} as {user}: {_described(at)}",
        f"join its group, then log in anew: {first}sudo usermod -aG {group} {user}",
        f"or under systemd, in the [Service] section of the unit: SupplementaryGroups={group}{after}",
        "or let oxend make its socket in a directory that we may enter: lmq-public=ipc://PATH in oxend.conf"
        if barred
        else "or let oxend open its sockets, the admin one too (oxend/README.md), to all: lmq-umask=0000 in oxend.conf",
    )


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except OSError:
        return path


def _may(path: Path, access: int) -> bool:
    return os.access(path, access, effective_ids=os.access in os.supports_effective_ids)


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def _described(path: Path) -> str:
    """Owner, group and mode, as `ls -l` shows them."""
    try:
        status = path.stat()
    except OSError:
        return "owner, group and mode cannot be read"
    return (
        f"owner {_user_name(status.st_uid)}, group {_group_name(status.st_gid)}, mode {stat.filemode(status.st_mode)}"
    )


def _group_of(path: Path) -> str:
    try:
        return _group_name(path.stat().st_gid)
    except OSError:
        return "GROUP"


def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _quoted(path: str | Path) -> str:
    return shlex.quote(str(path))
