"""The command line: `sent-graphql serve`, `doctor`, `schema` and `config`."""

from sent_graphql.cli.commands import main

__all__ = ["main"]
