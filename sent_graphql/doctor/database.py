"""The database of registrations and history: whether it answers, is up to date, and holds this network's data."""

from pathlib import Path
from typing import Final

from sqlalchemy import URL

from sent_graphql.doctor.findings import Finding, fine, note, wrong
from sent_graphql.models.keys import InvalidKeyError, eth_address
from sent_graphql.settings import Settings
from sent_graphql.sources.database.database import Condition, Database
from sent_graphql.sources.database.errors import DatabaseUnavailableError
from sent_graphql.sources.database.identity import Identity
from sent_graphql.sources.database.location import database_url, sqlite_path
from sent_graphql.sources.database.migration import UPGRADE_COMMAND
from sent_graphql.sources.errors import SourceMisconfiguredError

NO_CONTRACT: Final = "0x" + "00" * 20
"""Stands for a rewards contract that is not set, or not to be read; nothing is compared with it."""


async def examine_database(settings: Settings, root: Path) -> Finding:
    """Looks at it without changing anything. Relative paths begin at `root`."""
    url = database_url(settings, root)
    subject = f"database {url.set(query={}).render_as_string(hide_password=True)}"
    path = sqlite_path(url)
    if path is not None and not path.exists():
        return fine(subject, "will be made")
    identity = Identity(settings.network.chain_id, _rewards_contract(settings))
    database = Database(url, settings.database, identity)
    try:
        condition = await database.inspect()
    except DatabaseUnavailableError as error:
        return wrong(subject, str(error), *_remedies(url))
    except SourceMisconfiguredError as error:
        return wrong(subject, str(error))
    finally:
        await database.close()
    return _judged(subject, condition, identity, migrate=settings.database.migrate)


def _judged(subject: str, condition: Condition, wanted: Identity, *, migrate: bool) -> Finding:
    if wanted.service_node_rewards != NO_CONTRACT and condition.identity not in (None, wanted):
        return wrong(
            subject,
            f"holds the data of {condition.identity}, but {wanted} are configured",
            "name another database: SENT_DATABASE__URL=…",
            "or another directory for it: SENT_CACHE__STATE_DIRECTORY=/path",
        )
    if not condition.behind:
        return fine(subject, f"at step {condition.step}, up to date")
    at = f"at step {condition.step or 'none'}, behind step {condition.newest}"
    return note(subject, f"{at}; the next start mends it") if migrate else wrong(subject, at, UPGRADE_COMMAND)


def _rewards_contract(settings: Settings) -> str:
    try:
        return eth_address(settings.contracts.service_node_rewards or NO_CONTRACT)
    except InvalidKeyError:
        return NO_CONTRACT


def _remedies(url: URL) -> tuple[str, ...]:
    if sqlite_path(url) is not None:
        return ("see to its file and who may write it", "or name another: SENT_DATABASE__URL=…")
    return (f"see whether it answers: pg_isready -h {url.host} -p {url.port or 5432}", "or mend SENT_DATABASE__URL")
