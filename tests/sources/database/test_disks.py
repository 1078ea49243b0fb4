"""Disks that are full or read-only: told, outlived, and nothing that was answered is lost."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, text

from sent_graphql.sources.database.errors import DatabaseUnavailableError

FULL = {"the disk of the database is full", "the disk of the database fails"}
"""SQLite says the one or the other, by which of its files finds no room."""


def take_away(path: Path) -> None:
    """Moves a database and what SQLite has put beside it."""
    for file in path.parent.glob(f"{path.name}*"):
        file.rename(path.with_name(f"old-{file.name}"))


class SmallDisk:
    """A file system of a few hundred kilobytes in memory, for one SQLite database."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.url = URL.create("sqlite+aiosqlite", database=str(directory / "small.db"))

    def remount(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", self._directory], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    directory = tmp_path / "disk"
    directory.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", directory], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a small disk is not permitted here")
    yield SmallDisk(directory)
    subprocess.run(["umount", "--lazy", directory], check=True)


async def test_a_read_only_disk_is_told_and_recovers_when_it_may_be_written_to(
    small_disk: SmallDisk, opened: Any, numbers: Any, recovered: Callable[..., Any]
) -> None:
    async with opened(small_disk.url) as database:
        await numbers.write(database, 1)
        await database.close()
        small_disk.remount("ro")
        with pytest.raises(DatabaseUnavailableError, match=r"read-only|cannot be opened|disk of the database fails"):
            await numbers.write(database, 2)

        small_disk.remount("rw")
        await recovered(database)
        assert await numbers.read(database) == [1]


async def test_a_full_disk_is_told_loses_nothing_and_recovers(
    small_disk: SmallDisk, opened: Any, numbers: Any, recovered: Callable[..., Any]
) -> None:
    async with opened(small_disk.url) as database:
        kept, words = await numbers.write_until_it_fails(database)

        assert words in FULL
        assert await numbers.read(database) == list(range(kept))

        small_disk.remount("size=8m")
        await recovered(database)
        await numbers.write(database, kept)
        assert await numbers.read(database) == list(range(kept + 1))


async def test_a_file_that_may_not_grow_is_told_and_loses_nothing(tmp_path: Path, opened: Any, numbers: Any) -> None:
    """Proves a full disk also where none can be mounted."""
    url = URL.create("sqlite+aiosqlite", database=str(tmp_path / "small.db"))
    async with opened(url, connections=1) as database:
        async with database.reading() as connection:
            await connection.execute(text("PRAGMA max_page_count = 60"))

        kept, words = await numbers.write_until_it_fails(database)

        assert words in FULL
        assert await numbers.read(database) == list(range(kept))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_postgresql_that_is_read_only_is_told_and_recovers(
    database_url: URL, opened: Any, numbers: Any, recovered: Callable[..., Any], administer: Any
) -> None:
    name = database_url.database
    async with opened(database_url) as database:
        await administer(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        await database.close()
        with pytest.raises(DatabaseUnavailableError, match="read-only"):
            await numbers.write(database, 1)

        assert await numbers.read(database) == []

        await administer(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        await recovered(database)
        await numbers.write(database, 1)
        assert await numbers.read(database) == [1]


@pytest.mark.parametrize("successor", ["nothing", "another file"])
async def test_a_file_that_is_taken_away_is_told_and_made_anew_before_anything_more_is_kept(
    successor: str, tmp_path: Path, opened: Any, numbers: Any, recovered: Callable[..., Any]
) -> None:
    """To a file without a name one could write on for ever, and all of it would be gone with the process."""
    path = tmp_path / "taken.db"
    url = URL.create("sqlite+aiosqlite", database=str(path))
    async with opened(url) as database:
        await numbers.write(database, 1)
        take_away(path)
        if successor == "another file":
            path.touch()
        with pytest.raises(DatabaseUnavailableError, match="deleted, moved or replaced"):
            await numbers.write(database, 2)

        await recovered(database)
        await numbers.write(database, 3)
    async with opened(url) as database:
        assert await numbers.read(database) == [3]
