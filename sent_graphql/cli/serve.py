"""Runs the service in this process until it is told to stop."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable

import structlog

from sent_graphql.configuration import LoadedSettings
from sent_graphql.log_pipe import LogPipe
from sent_graphql.logs import configure_logging
from sent_graphql.models.network import NetworkType

if sys.platform == "win32":
    from asyncio import new_event_loop
else:
    from uvloop import new_event_loop

PRETEND_NETWORKS = frozenset({NetworkType.LOCALDEV, NetworkType.FAKECHAIN})
"""Networks with nothing to lose, which root may serve with a warning."""


class RootRefusedError(Exception):
    """A real network is not served as root."""


def serve_until_stopped(loaded: LoadedSettings, announce: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM, then returns; `announce` is told the address when it answers.

    RootRefusedError, UnavailableError and SourceMisconfiguredError are for the user to mend.
    """
    with LogPipe(sys.stderr) as log:
        configure_logging(loaded.settings.log, log)
        _serve_until_stopped(loaded, announce)


def _serve_until_stopped(loaded: LoadedSettings, announce: Callable[[str], None]) -> None:
    _mind_root(loaded, os.geteuid() if hasattr(os, "geteuid") else None)
    # A shell has its background jobs ignore SIGINT, and what it ignores could not stand in for SIGTERM.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda _number, _frame: signal.raise_signal(signal.SIGINT))
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(_serve(loaded, announce))
    except KeyboardInterrupt:  # the runner cancelled the service, which has put everything away by now
        return


async def _serve(loaded: LoadedSettings, announce: Callable[[str], None]) -> None:
    from sent_graphql.app import serve  # noqa: PLC0415 - costs a second that --help and config save

    await serve(loaded.settings, loaded.root, announce=announce)


def _mind_root(loaded: LoadedSettings, user: int | None) -> None:
    if user != 0:
        return
    network = loaded.settings.network
    if network.nettype in PRETEND_NETWORKS:
        structlog.get_logger().warning("serving as root", network=network.name, advice="use an account of its own")
    elif not loaded.settings.allow_root:
        raise RootRefusedError(
            f"refusing to serve {network.name} as root: run it from an account of its own, which needs no more than "
            "access to oxend's socket (oxend/README.md). allow_root = true in a file for --config, or "
            "SENT_ALLOW_ROOT=true, serves all the same."
        )
