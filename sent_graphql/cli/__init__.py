"""The command line: `sent-graphql serve`, `doctor`, `schema`, `config` and `make-registration`."""

import sys

from sent_graphql.cli import exits

__all__ = ["main"]


def main() -> None:
    """Entry point of the console script; Ctrl-C ends it without a traceback, also while it is still importing."""
    try:
        from sent_graphql.cli.commands import run  # noqa: PLC0415 - takes a third of a second

        run()
    except KeyboardInterrupt:
        sys.exit(exits.INTERRUPTED)
