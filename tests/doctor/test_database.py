"""What is said of databases of all conditions, none of which is changed by looking at it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sent_graphql.doctor.database import examine_database
from sent_graphql.doctor.findings import Verdict
from sent_graphql.settings import (
    CacheSettings,
    ContractsSettings,
    DatabaseSettings,
    NetworkSettings,
    OxendSettings,
    Settings,
)
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.identity import Identity
from sent_graphql.sources.database.location import database_url

REWARDS = "0x4abfFB7f922767f22c7aa6524823d93FDDaB54b1"
OTHER = "0x" + "11" * 20

Configured = Callable[..., Settings]


@pytest.fixture
def configured(network: NetworkSettings) -> Configured:
    """Settings with a database in the root directory."""

    def make(rewards: str | None = REWARDS, *, migrate: bool = True) -> Settings:
        return Settings(
            network=network,
            oxend=OxendSettings(endpoints=("ipc://oxend.sock",)),
            cache=CacheSettings(state_directory="."),
            contracts=ContractsSettings(service_node_rewards=rewards),
            database=DatabaseSettings(migrate=migrate),
        )

    return make


def files_in(directory: Path) -> list[Path]:
    return list(directory.iterdir())


async def used(settings: Settings, root: Path) -> None:
    """A service has been running on it."""
    contract = settings.contracts.service_node_rewards or ""
    url = database_url(settings, root)
    database = Database(url, settings.database, Identity(settings.network.chain_id, contract))
    await database.open()
    await database.close()


async def test_none_is_fine_and_not_made(configured: Configured, tmp_path: Path) -> None:
    finding = await examine_database(configured(), tmp_path)

    assert (finding.verdict, finding.detail) == (Verdict.FINE, "will be made")
    assert not files_in(tmp_path)


async def test_one_that_was_used_is_fine(configured: Configured, tmp_path: Path) -> None:
    await used(configured(), tmp_path)
    for rewards in (REWARDS, REWARDS.lower(), None):
        finding = await examine_database(configured(rewards), tmp_path)
        assert finding.verdict is Verdict.FINE
        assert "up to date" in finding.detail


async def test_one_of_another_contract_is_wrong(configured: Configured, tmp_path: Path) -> None:
    await used(configured(OTHER), tmp_path)
    finding = await examine_database(configured(), tmp_path)
    assert finding.verdict is Verdict.WRONG
    assert OTHER in finding.detail


@pytest.mark.parametrize(("migrate", "verdict"), [(True, Verdict.NOTE), (False, Verdict.WRONG)])
async def test_one_without_tables_matters_where_they_are_not_made_at_the_start(
    configured: Configured, tmp_path: Path, migrate: bool, verdict: Verdict
) -> None:
    (tmp_path / "stagenet.db").touch()
    finding = await examine_database(configured(migrate=migrate), tmp_path)
    assert finding.verdict is verdict
    assert "behind" in finding.detail


async def test_a_file_that_is_no_database_is_wrong(configured: Configured, tmp_path: Path) -> None:
    (tmp_path / "stagenet.db").write_text("none " * 100)
    finding = await examine_database(configured(), tmp_path)
    assert (finding.verdict, finding.detail) == (Verdict.WRONG, "the file of the database is none")
