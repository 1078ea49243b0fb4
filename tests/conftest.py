"""Parts that many rooms' tests stand on: a real EVM with the contracts on it, and networks made by hand."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
import structlog
from graphql import validate
from sqlalchemy import URL, make_url

from sent_graphql.localdev.anvil import find_anvil, start_anvil
from sent_graphql.localdev.chain import Chain
from sent_graphql.localdev.deployment import Deployment, deploy
from sent_graphql.localdev.evm_process import start_evm
from sent_graphql.localdev.postgresql import (
    PostgresqlMissingError,
    emptied,
    listening_server,
    own_server,
    scratch_database,
)
from sent_graphql.localdev.server_process import ProcessStartError
from sent_graphql.models.contracts import (
    ContractAddresses,
    ContributionStatus,
    Recipient,
    ReservedPlace,
    ScanProgress,
)
from sent_graphql.models.global_id import global_id
from sent_graphql.models.keys import eth_address
from sent_graphql.models.network import (
    ClaimLimit,
    ContributionContract,
    Contributor,
    ExitKind,
    Network,
    NetworkType,
    NodeCounts,
    ServiceNode,
    ServiceNodeExit,
    ServiceNodeState,
    SourceName,
)
from sent_graphql.models.node_index import NO_NODES, NodeIndex
from sent_graphql.models.snapshot import NetworkState, Snapshot, SourceStatus
from sent_graphql.schema import checks
from sent_graphql.settings import DatabaseSettings
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.identity import Identity

GENESIS_AGE = 60 * 86_400
"""Seconds that the test chain's clock is behind the real one at first: room to travel in time."""


class RunningEvm(NamedTuple):
    """A node with a deployed network. Whoever changes it goes through the fixture `chain`, which undoes it."""

    url: str
    deployment: Deployment


class Held(NamedTuple):
    """Something that has begun in a thread, and waits there until it may end."""

    begun: asyncio.Event
    may_end: threading.Event


@pytest_asyncio.fixture
async def held_checks(monkeypatch: pytest.MonkeyPatch) -> Held:
    """The checks of documents wait."""
    held, loop = Held(asyncio.Event(), threading.Event()), asyncio.get_running_loop()

    def waiting(*arguments: Any, **options: Any) -> Any:
        loop.call_soon_threadsafe(held.begun.set)
        assert held.may_end.wait(30)
        return validate(*arguments, **options)

    monkeypatch.setattr(checks, "validate", waiting)
    return held


@pytest_asyncio.fixture
async def turns() -> AsyncIterator[Callable[[], int]]:
    """How many turns of the event loop others have had by now."""
    had = 0

    async def others() -> None:
        nonlocal had
        while True:
            had += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    yield lambda: had
    task.cancel()


async def _deployed(url: str) -> RunningEvm:
    async with Chain(url) as chain:
        return RunningEvm(url, await deploy(chain))


@pytest.fixture(scope="session")
def evm() -> Iterator[RunningEvm]:
    """One EVM of our own for each test process."""
    with start_evm(genesis_age=GENESIS_AGE) as process:
        yield asyncio.run(_deployed(process.url))


@pytest.fixture(scope="session")
def anvil() -> Iterator[RunningEvm]:
    """One anvil for each test process; tests that use it are marked `node`, and skipped where it is not installed."""
    program = find_anvil()
    if program is None:
        pytest.skip("anvil is not installed: install Node.js and run scripts/node")
    with start_anvil(program, genesis_age=GENESIS_AGE) as process:
        yield asyncio.run(_deployed(process.url))


@pytest_asyncio.fixture
async def chain(evm: RunningEvm) -> AsyncIterator[Chain]:
    """The EVM's client; all that a test does to the chain is undone after it."""
    async with Chain(evm.url) as client:
        snapshot = await client.snapshot()
        yield client
        await client.revert(snapshot)


@pytest.fixture
def deployment(evm: RunningEvm) -> Deployment:
    """Where the contracts are and whom they obey."""
    return evm.deployment


DATABASE_IDENTITY = Identity(chain_id=31337, service_node_rewards="0x5FbDB2315678afecb367f032d93F642f64180aa3")
"""Whose data the test databases hold."""


@pytest.fixture(scope="session")
def postgresql() -> Iterator[URL]:
    """A PostgreSQL database for each test process, on the server that listens here or on one of its own."""
    with ExitStack() as ends, asyncio.Runner() as runner:
        server = runner.run(listening_server())
        try:
            server = server or ends.enter_context(own_server())
        except (PostgresqlMissingError, ProcessStartError) as error:
            pytest.skip(f"PostgreSQL: {error}")
        scratch = AsyncExitStack()
        url = runner.run(scratch.enter_async_context(scratch_database(server)))
        yield make_url(url).set(drivername="postgresql+asyncpg")
        runner.run(scratch.aclose())


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """A database without a table: SQLite's in a file of its own, PostgreSQL's shared by one test after the other."""
    if request.param == "sqlite":
        return URL.create("sqlite+aiosqlite", database=str(tmp_path / "test.db"))
    url: URL = request.getfixturevalue("postgresql")
    asyncio.run(emptied(url.set(drivername="postgresql").render_as_string(hide_password=False)))
    return url


@pytest_asyncio.fixture
async def database(database_url: URL) -> AsyncIterator[Database]:
    """An open, migrated, empty database of `DATABASE_IDENTITY`: every test that uses it runs on both kinds."""
    opened = Database(database_url, DatabaseSettings(), DATABASE_IDENTITY)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture(autouse=True)
def logging_stays_as_it_was() -> Iterator[None]:
    """What a test sets up for its own log is gone after it: others read theirs."""
    before = structlog.get_config() if structlog.is_configured() else None
    root = logging.getLogger()
    handlers, level = set(root.handlers), root.level
    yield
    for handler in root.handlers[:]:
        if handler not in handlers and not type(handler).__module__.startswith("_pytest"):
            root.removeHandler(handler)
    root.setLevel(level)
    if before is None:
        structlog.reset_defaults()
    else:
        structlog.configure(**before)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says loudly that half of the databases was not tested."""
    reasons = {report.longrepr[2] for report in terminalreporter.getreports("skipped") if report.longrepr}
    for reason in reasons:
        if "PostgreSQL:" in reason:
            terminalreporter.section("tests on PostgreSQL were SKIPPED", red=True, bold=True)
            terminalreporter.line(reason)


MOMENT = datetime(2025, 5, 21, 1, 0, tzinfo=UTC)
TOKEN = 10**9


class NetworkMaker:
    """Makes nodes, contracts, states and snapshots that are whole without being told anything."""

    moment = MOMENT

    def address(self, number: int) -> str:
        """The canonical address that ends in `number`."""
        return eth_address(f"{0xA0 << 152 | number:040x}")

    def pubkey(self, number: int) -> str:
        """The Ed25519 key of node `number`."""
        return f"{number:04x}".ljust(64, "e")

    def bls(self, number: int) -> str:
        """The BLS key of node `number`."""
        return f"{number:04x}".ljust(128, "b")

    def contributor(self, number: int, amount: int = 25_000 * TOKEN, **fields: Any) -> Contributor:
        """A stake of the wallet with that number."""
        defaults: dict[str, Any] = {
            "address": self.address(number),
            "beneficiary": self.address(number),
            "amount": amount,
            "reserved": amount,
            "is_operator": False,
        }
        return Contributor(**(defaults | fields))

    def node(self, number: int, **fields: Any) -> ServiceNode:
        """Running node `number`, whose contract id and keys follow from it; wallet 1 operates it alone."""
        contributors = fields.get("contributors", (self.contributor(1, is_operator=True),))
        defaults: dict[str, Any] = {
            "id": global_id("ServiceNode", f"node-{number}"),
            "contract_id": number,
            "pubkey": self.pubkey(number),
            "pubkey_bls": self.bls(number),
            "state": ServiceNodeState.RUNNING,
            "leaving": False,
            "operator": contributors[0].address,
            "operator_fee": 1000,
            "contributors": contributors,
            "staking_requirement": 25_000 * TOKEN,
            "total_contributed": sum(contributor.amount for contributor in contributors),
            "registration_height": 1000 + number,
            "requested_unlock_height": None,
            "requested_unlock_at": None,
            "deregistration_unlock_height": None,
            "liquidation_height": None,
            "liquidatable": False,
            "last_reward_block_height": 5000,
            "last_uptime_proof": MOMENT,
            "earned_downtime_blocks": 100,
            "decommission_count": 0,
            "decommission_reasons": (),
            "last_decommission_reasons": (),
            "state_height": 1000 + number,
            "payable": True,
            "swarm_id": "00000000000000ff",
            "service_node_version": "11.0.6",
            "storage_server_version": "2.8.0",
            "lokinet_version": "0.9.14",
            "public_ip": "203.0.113.7",
            "added_at": MOMENT,
            "leave_requested_at": None,
            "contribution_contract_address": None,
            "known_to": (SourceName.OXEND, SourceName.CONTRACTS),
        }
        return ServiceNode(**(defaults | fields))

    def contract(self, number: int, **fields: Any) -> ContributionContract:
        """Open contribution contract `number` for node 1000 + `number`; wallet 1 operates it."""
        address = self.address(0xC000 + number)
        defaults: dict[str, Any] = {
            "id": global_id("ContributionContract", address),
            "address": address,
            "status": ContributionStatus.OPEN_FOR_PUBLIC_CONTRIBUTION,
            "operator": self.address(1),
            "pubkey": self.pubkey(1000 + number),
            "pubkey_bls": self.bls(1000 + number),
            "fee": 500,
            "contributors": (self.contributor(1, 10_000 * TOKEN, is_operator=True),),
            "reservations": (ReservedPlace(self.address(2), 5_000 * TOKEN, received=False),),
            "total_contributed": 10_000 * TOKEN,
            "total_reserved": 5_000 * TOKEN,
            "staking_requirement": 25_000 * TOKEN,
            "max_contributors": 10,
            "minimum_contribution": 1_250 * TOKEN,
            "open_slots": 8,
            "manual_finalize": False,
            "viable": True,
            "created_at_block": 70 + number,
            "service_node_id": None,
            "sequence": number,
        }
        return ContributionContract(**(defaults | fields))

    def network(self, **fields: Any) -> Network:
        """A network in good order."""
        defaults: dict[str, Any] = {
            "id": global_id("Network", "mainnet"),
            "net_type": NetworkType.MAINNET,
            "version": "11.0.6",
            "hard_fork": 21,
            "block_height": 5313,
            "block_hash": "ab" * 32,
            "block_timestamp": MOMENT,
            "target_block_seconds": 120,
            "staking_requirement": 25_000 * TOKEN,
            "min_operator_contribution": 6_250 * TOKEN,
            "max_contributors": 10,
            "unlock_duration_seconds": 1_296_000,
            "deregistration_lock_duration_seconds": 2_592_000,
            "chain_id": 42161,
            "l2_height": 300_000_000,
            "contracts": ContractAddresses(service_node_rewards=self.address(0xE0)),
            "reward_rate": 5 * TOKEN,
            "token_supply": None,
            "total_staked": 2**70,
            "paused": False,
            "claim_limit": ClaimLimit(per_cycle=10, cycle_seconds=43_200, remaining=4, resets_at=MOMENT),
            "node_counts": NodeCounts(
                total=1, registering=0, running=1, decommissioned=0, awaiting_exit=0, deregistered=0, leaving=0
            ),
        }
        return Network(**(defaults | fields))

    def state(
        self,
        *nodes: ServiceNode,
        contracts: tuple[ContributionContract, ...] = (),
        accrued: dict[str, int] | None = None,
        recipients: dict[str, Recipient] | None = None,
        past: tuple[ServiceNode, ...] = (),
        **network: Any,
    ) -> NetworkState:
        """Both sides joined: these nodes and contracts in a network with these fields, and nodes of the past."""
        return NetworkState(
            network=self.network(**network),
            nodes=nodes,
            contribution_contracts=contracts,
            accrued=accrued or {},
            recipients=recipients or {},
            past=NodeIndex(past) if past else NO_NODES,
        )

    def ended(self, number: int, **fields: Any) -> ServiceNode:
        """Node `number` after it has left: in L2 block 900 + `number`."""
        end = ServiceNodeExit(
            kind=ExitKind.EXITED,
            height=5000 + number,
            block_number=900 + number,
            at=MOMENT,
            returned_amount=25_000 * TOKEN,
            transaction_hash=f"0x{number:064x}",
        )
        return self.node(number, **({"state": ServiceNodeState.EXITED, "known_to": (), "exit": end} | fields))

    def snapshot(self, state: NetworkState | None, **fields: Any) -> Snapshot:
        """A fresh snapshot of both sides, or one from before they spoke."""
        success = MOMENT if state is not None else None
        scan = ScanProgress(from_block=10, scanned_to=20, target=30, complete=False)
        defaults: dict[str, Any] = {
            "version": 2**60 if state is not None else 0,
            "created_at": success,
            "stale": state is None,
            "sources": (
                SourceStatus(name=SourceName.OXEND, healthy=True, last_success_at=success, height=5313),
                SourceStatus(name=SourceName.CONTRACTS, healthy=True, last_success_at=success, height=77, scan=scan),
            ),
            "state": state,
        }
        return Snapshot(**(defaults | fields))


@pytest.fixture(scope="session")
def make() -> NetworkMaker:
    """The maker of networks."""
    return NetworkMaker()
