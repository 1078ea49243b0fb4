"""Where the database is, by the settings."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from sent_graphql.models.network import NetworkType
from sent_graphql.settings import CacheSettings, DatabaseSettings, NetworkSettings, OxendSettings, Settings
from sent_graphql.sources.database.location import database_url, sqlite_path

ROOT = Path("/srv/sent")


def configured(url: str | None = None) -> Settings:
    return Settings(
        network=NetworkSettings(
            name="stagenet",
            nettype=NetworkType.STAGENET,
            chain_id=421_614,
            unlock_seconds=1,
            deregistration_lock_seconds=1,
        ),
        oxend=OxendSettings(endpoints=("ipc://x",)),
        cache=CacheSettings(state_directory="kept"),
        database=DatabaseSettings(url=None if url is None else SecretStr(url)),
    )


def test_by_default_it_is_a_file_of_the_network_in_the_state_directory() -> None:
    assert sqlite_path(database_url(configured(), ROOT)) == ROOT / "kept" / "stagenet.db"


def test_a_relative_path_begins_at_the_root() -> None:
    assert sqlite_path(database_url(configured("sqlite+aiosqlite:///data/my.db"), ROOT)) == ROOT / "data" / "my.db"


def test_an_absolute_path_stays() -> None:
    assert sqlite_path(database_url(configured("sqlite+aiosqlite:////data/my.db"), ROOT)) == Path("/data/my.db")


def test_postgresql_has_no_path() -> None:
    url = database_url(configured("postgresql+asyncpg://joe:word@db.example/name"), ROOT)

    assert sqlite_path(url) is None
    assert url.password == "word"


@pytest.mark.parametrize(
    "url", ["sqlite+aiosqlite:///:memory:", "sqlite:///x.db", "postgresql://db/name", "mysql+aiomysql://db/name", "x"]
)
def test_what_is_no_lasting_database_is_refused_with_what_would_be_one(url: str) -> None:
    with pytest.raises(ValidationError):
        configured(url)
