"""Becomes a program that may make only the system calls that a systemd unit leaves it: UNIT PROGRAM ARGUMENTS…

The sets' members are systemd's own, from systemd-analyze; the filter is libseccomp's, as systemd's is.
"""

import ctypes
import errno
import os
import re
import subprocess
import sys
from pathlib import Path

ALLOW = 0x7FFF0000
REFUSE = 0x00050000 | errno.EPERM


def members(name: str) -> set[str]:
    """The calls of a set, which may have sets in it."""
    if not name.startswith("@"):
        return {name}
    told = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True)
    listed = [line.strip() for line in told.stdout.splitlines()[1:]]
    return {call for name in listed if name and not name.startswith("#") for call in members(name)}


def allowed(unit: str) -> set[str]:
    """What the unit's lines leave, one after the other; the first is a list of what is allowed."""
    calls = members("@default")
    for line in re.findall(r"^SystemCallFilter=(.*)$", unit, re.MULTILINE):
        named = {call for name in line.removeprefix("~").split() for call in members(name)}
        calls = calls - named if line.startswith("~") else calls | named
    return calls


def confine(calls: set[str]) -> None:
    """Refuses this process, and what it starts, all other calls."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    made = ctypes.c_void_p(library.seccomp_init(REFUSE))
    for call in calls:
        number = library.seccomp_syscall_resolve_name(call.encode())
        if number >= 0:
            assert library.seccomp_rule_add(made, ALLOW, number, 0) == 0, call
    assert library.seccomp_load(made) == 0


confine(allowed(Path(sys.argv[1]).read_text()))
os.execv(sys.argv[2], sys.argv[2:])
