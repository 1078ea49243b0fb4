"""`db upgrade` and `db status`: the database of a network, while the service may or may not be running."""

import asyncio

from sqlalchemy import URL

from sent_graphql.configuration import ConfigurationError, LoadedSettings, environment_name
from sent_graphql.errors import UnavailableError
from sent_graphql.logs import configure_logging
from sent_graphql.models.keys import eth_address
from sent_graphql.sources.database.database import Condition, Database
from sent_graphql.sources.database.errors import DatabaseUnavailableError
from sent_graphql.sources.database.identity import Identity, refuse_other
from sent_graphql.sources.database.location import database_url, sqlite_path
from sent_graphql.sources.database.migration import UPGRADE_COMMAND


def upgrade(loaded: LoadedSettings) -> str:
    """Brings the tables up to date, makes them where there are none, and says so.

    Raises UnavailableError, ConfigurationError, SourceMisconfiguredError.
    """
    return asyncio.run(_upgrade(loaded))


def status(loaded: LoadedSettings) -> tuple[str, bool]:
    """What the database is like, in a few lines, and whether it can be used as it is. Changes nothing.

    Raises as `upgrade` does.
    """
    return asyncio.run(_status(loaded))


async def _upgrade(loaded: LoadedSettings) -> str:
    configure_logging(loaded.settings.log)
    url, settings, identity = _place(loaded), loaded.settings.database, _identity(loaded)
    database = Database(url, settings.model_copy(update={"migrate": True}), identity)
    try:
        await database.open()
        condition = await database.inspect()
    except DatabaseUnavailableError as error:
        raise _unavailable(error, url) from error
    finally:
        await database.close()
    return _described(url, condition)


async def _status(loaded: LoadedSettings) -> tuple[str, bool]:
    configure_logging(loaded.settings.log)
    url, identity = _place(loaded), _identity(loaded)
    path = sqlite_path(url)
    if path is not None and not path.exists():
        raise UnavailableError(f"there is no database at {path} yet: the first start or `{UPGRADE_COMMAND}` makes it")
    database = Database(url, loaded.settings.database, identity)
    try:
        condition = await database.inspect()
    except DatabaseUnavailableError as error:
        raise _unavailable(error, url) from error
    finally:
        await database.close()
    refuse_other(condition.identity, identity)
    return _described(url, condition), not condition.behind


def _place(loaded: LoadedSettings) -> URL:
    if loaded.settings.local.embedded:
        raise ConfigurationError(
            ["the embedded local network is another one at each start, with tables of its own: name another one"]
        )
    return database_url(loaded.settings, loaded.root)


def _identity(loaded: LoadedSettings) -> Identity:
    rewards, key = loaded.settings.contracts.service_node_rewards, "contracts.service_node_rewards"
    if rewards is None:
        name = environment_name(key)
        raise ConfigurationError(
            [f"{key} is not set: give the rewards contract's address, in a file for --config or as {name}"]
        )
    return Identity(loaded.settings.network.chain_id, eth_address(rewards))


def _unavailable(error: DatabaseUnavailableError, url: URL) -> UnavailableError:
    return UnavailableError(f"{error} ({_shown(url)})")


def _described(url: URL, condition: Condition) -> str:
    tables = f"step {condition.step}" if condition.step else "none"
    advice = f", behind step {condition.newest}: `{UPGRADE_COMMAND}`" if condition.behind else ", up to date"
    return f"database  {_shown(url)}\ntables    {tables}{advice}\ndata      {condition.identity or 'none yet'}"


def _shown(url: URL) -> str:
    """Without what may be secret."""
    return url.set(query={}).render_as_string(hide_password=True)
