"""Brings the tables up to date, and tells a database that is older or newer than this program.

Each step is a module in migrations/versions, written by hand; a test holds that all of them together make tables.py.
"""

import asyncio
from typing import Final

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from msgspec import Struct
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from sent_graphql.sources.errors import SourceMisconfiguredError

SCRIPTS: Final = "sent_graphql.sources.database:migrations"
UPGRADE_COMMAND: Final = "sent-graphql db upgrade"


class Steps(Struct, frozen=True):
    """The steps that this program knows; `newest` is the one that its tables.py describes."""

    newest: str
    all: frozenset[str]


async def known_steps() -> Steps:
    """Reads them from the package."""
    return await asyncio.to_thread(_known_steps)


async def step_of(connection: AsyncConnection, steps: Steps) -> str | None:
    """The step that the database is at; nothing where it has no tables yet.

    Raises SourceMisconfiguredError for one that a newer program has made.
    """
    heads = await connection.run_sync(lambda inner: MigrationContext.configure(inner).get_current_heads())
    for head in heads:
        if head not in steps.all:
            raise SourceMisconfiguredError(
                f"the database is of a newer version of this program: it is at step {head}, and this version knows "
                f"steps up to {steps.newest}. Install the newer version, or restore a copy of before."
            )
    return heads[0] if heads else None


def refuse_old(step: str | None, newest: str) -> SourceMisconfiguredError:
    """The error for a database that is behind and may not be brought up to date now."""
    return SourceMisconfiguredError(
        f"the database is at step {step or 'none'} and step {newest} is needed: "
        f"run `{UPGRADE_COMMAND}`, or set database.migrate to true"
    )


async def upgrade(connection: AsyncConnection, steps: Steps) -> None:
    """Makes the missing steps, in the transaction of `connection`: all of them or, after an error, none.

    Another process may have been quicker, so where the database is, is looked at again. Raises as `step_of`.
    """
    before = await step_of(connection, steps)
    if before == steps.newest:
        return
    await connection.run_sync(_upgrade)
    structlog.get_logger().info("the database was brought up to date", before=before, step=steps.newest)


def _known_steps() -> Steps:
    scripts = ScriptDirectory.from_config(_config())
    newest = scripts.get_current_head()
    assert newest is not None, "the package has migrations"
    return Steps(newest, frozenset(script.revision for script in scripts.walk_revisions()))


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    config.set_main_option("path_separator", "os")
    return config
