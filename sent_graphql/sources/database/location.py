"""Where the database of a network is."""

from pathlib import Path
from typing import Final

from sqlalchemy import URL, make_url

from sent_graphql.settings import Settings
from sent_graphql.sources.database.engines import is_sqlite

DRIVER: Final = "sqlite+aiosqlite"


def database_url(settings: Settings, root: Path) -> URL:
    """The configured one, relative paths beginning at `root`; else a file in the state directory."""
    if settings.database.url is None:
        return _file(root / settings.cache.state_directory / f"{settings.network.name}.db")
    url = make_url(settings.database.url.get_secret_value())
    path = sqlite_path(url)
    return url if path is None else url.set(database=str(root / path))


def sqlite_path(url: URL) -> Path | None:
    """The file that `url` names by its path."""
    if not is_sqlite(url) or url.database is None or url.database.startswith("file:"):
        return None
    return Path(url.database)


def _file(path: Path) -> URL:
    return URL.create(DRIVER, database=str(path))
