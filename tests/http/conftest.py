"""The real server on a loopback port, over a small schema and snapshots made by hand."""

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest
import strawberry
import structlog
import uvicorn
from graphql import GraphQLError
from starlette.applications import Starlette

from sent_graphql.http.live_connections import LiveConnections
from sent_graphql.http.server import create_app
from sent_graphql.live.subscriptions import Operation, Outlet, SubscriptionRefusedError
from sent_graphql.models.contracts import ContractAddresses, ContributionStatus
from sent_graphql.models.global_id import global_id
from sent_graphql.models.network import (
    ClaimLimit,
    ContributionContract,
    Contributor,
    Network,
    NetworkType,
    NodeCounts,
    ServiceNode,
    ServiceNodeState,
    SourceName,
)
from sent_graphql.models.snapshot import NetworkState, Snapshot, SourceStatus
from sent_graphql.schema.build import ServedSchema
from sent_graphql.schema.documents import Documents
from sent_graphql.schema.policy import ErrorLog
from sent_graphql.settings import HttpSettings, NetworkSettings, OxendSettings, Settings

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SENT = 10**9
STAKE = 20_000 * SENT


@strawberry.type
class Query:
    """What a resolver can do, as far as HTTP sees it."""

    @strawberry.field
    def version(self, info: strawberry.Info) -> int:
        """The version of the snapshot that answers."""
        snapshot = info.context
        assert isinstance(snapshot, Snapshot)
        return snapshot.version

    @strawberry.field
    def ready(self) -> bool:
        """Fails as resolvers do before the first snapshot."""
        raise GraphQLError("No data from oxend yet", extensions={"code": "NOT_READY"})

    @strawberry.field
    def half(self) -> int | None:
        """Fails, and may be null."""
        raise GraphQLError("Cannot tell")

    @strawberry.field
    def text(self, value: str = "") -> str:
        """Says it again."""
        return value

    @strawberry.field
    def number(self, value: int = 0) -> int:
        """Says it again."""
        return value


@strawberry.type
class Mutation:
    """Present so that GET can refuse it."""

    @strawberry.mutation
    def change(self) -> bool:
        """Never seen to run by GET."""
        return True


@strawberry.type
class Subscription:
    """Present so that plain HTTP can refuse it."""

    @strawberry.subscription
    async def ticks(self) -> AsyncIterator[int]:
        """One tick."""
        yield 1


@pytest.fixture(scope="session")
def small_schema() -> ServedSchema:
    """A schema with every kind of operation and outcome."""
    schema = ServedSchema(Query, Mutation, Subscription)
    schema.documents = Documents()
    schema.error_log = ErrorLog(structlog.get_logger())
    return schema


class HeldSnapshots:
    """Snapshots as a test sets them; counts how often it was asked."""

    snapshot: Snapshot
    asked = 0

    @property
    def newest(self) -> Snapshot:
        """What the test has set; not counted."""
        return self.snapshot

    async def current(self) -> Snapshot:
        """What the test has set."""
        self.asked += 1
        return self.snapshot


def network(**changes: Any) -> Network:
    """A network at block 836, in the words of the earlier service's documentation where they overlap."""
    fields: dict[str, Any] = {
        "id": global_id("Network", "stagenet"),
        "net_type": NetworkType.STAGENET,
        "version": "11.0.6",
        "hard_fork": 21,
        "block_height": 836,
        "block_hash": "aa32d153fa260a76bd31751bc3b3193565c8cc17ec7ce543585b96d206b37892",
        "block_timestamp": datetime(2024, 7, 11, 6, 27, 8, tzinfo=UTC),
        "target_block_seconds": 120,
        "staking_requirement": 120 * SENT,
        "min_operator_contribution": 30 * SENT,
        "max_contributors": 10,
        "unlock_duration_seconds": 86_400,
        "deregistration_lock_duration_seconds": 2 * 86_400,
        "chain_id": 421_614,
        "l2_height": 60_000_000,
        "contracts": ContractAddresses(service_node_rewards="0x" + "Aa" * 20),
        "reward_rate": 7 * SENT,
        "token_supply": 240_000_000 * SENT,
        "total_staked": 3 * STAKE,
        "paused": False,
        "claim_limit": ClaimLimit(per_cycle=10**15, cycle_seconds=43_200, remaining=10**15, resets_at=NOW),
        "node_counts": NodeCounts(
            total=3, registering=0, running=3, decommissioned=0, awaiting_exit=0, deregistered=0, leaving=0
        ),
        **changes,
    }
    return Network(**fields)


def contributor(address: str, amount: int, *, is_operator: bool = False) -> Contributor:
    """A stake of a wallet that is its own beneficiary."""
    return Contributor(address=address, beneficiary=address, amount=amount, reserved=amount, is_operator=is_operator)


def node(number: int) -> ServiceNode:
    """A running node with two contributors."""
    operator = f"0x{number:040x}"
    return ServiceNode(
        id=global_id("ServiceNode", str(number)),
        contract_id=number,
        pubkey=f"{number:064x}",
        pubkey_bls=f"{number:0128x}",
        state=ServiceNodeState.RUNNING,
        leaving=False,
        operator=operator,
        operator_fee=1_000,
        contributors=(
            contributor(operator, STAKE // 4, is_operator=True),
            contributor("0x" + "bb" * 20, STAKE * 3 // 4),
        ),
        staking_requirement=STAKE,
        total_contributed=STAKE,
        registration_height=100,
        requested_unlock_height=None,
        requested_unlock_at=None,
        deregistration_unlock_height=None,
        liquidation_height=None,
        liquidatable=False,
        last_reward_block_height=830,
        last_uptime_proof=NOW,
        earned_downtime_blocks=1_440,
        decommission_count=0,
        decommission_reasons=(),
        last_decommission_reasons=(),
        state_height=100,
        payable=True,
        swarm_id="00000000000000a1",
        service_node_version="11.0.6",
        storage_server_version="2.8.0",
        lokinet_version="0.9.14",
        public_ip="192.0.2.7",
        added_at=NOW,
        leave_requested_at=None,
        contribution_contract_address=None,
        known_to=(SourceName.OXEND, SourceName.CONTRACTS),
    )


@pytest.fixture
def snapshot() -> Snapshot:
    """Three nodes and an open contribution contract, version 7."""
    contract = ContributionContract(
        id=global_id("ContributionContract", "1"),
        address="0x" + "cc" * 20,
        status=ContributionStatus.OPEN_FOR_PUBLIC_CONTRIBUTION,
        operator=f"0x{9:040x}",
        pubkey=f"{9:064x}",
        pubkey_bls=f"{9:0128x}",
        fee=500,
        contributors=(),
        reservations=(),
        total_contributed=0,
        total_reserved=0,
        staking_requirement=STAKE,
        max_contributors=10,
        minimum_contribution=STAKE // 4,
        open_slots=10,
        manual_finalize=False,
        viable=True,
        created_at_block=1,
        service_node_id=None,
        sequence=1,
    )
    state = NetworkState(
        network=network(),
        nodes=[node(number) for number in (1, 2, 3)],
        contribution_contracts=[contract],
        accrued={},
        recipients={},
    )
    sources = tuple(
        SourceStatus(name=name, healthy=True, last_success_at=NOW, height=height)
        for name, height in ((SourceName.OXEND, 836), (SourceName.CONTRACTS, 60_000_000))
    )
    return Snapshot(version=7, created_at=NOW, stale=False, sources=sources, state=state)


@pytest.fixture
def before_first() -> Snapshot:
    """What is there before the contracts have spoken."""
    sources = (
        SourceStatus(name=SourceName.OXEND, healthy=True, last_success_at=NOW, height=836),
        SourceStatus(name=SourceName.CONTRACTS, healthy=False, last_error="no answer within 20 s"),
    )
    return Snapshot(version=0, created_at=None, stale=True, sources=sources, state=None)


@pytest.fixture(scope="session")
def held() -> HeldSnapshots:
    """The reader that the applications are given."""
    return HeldSnapshots()


@pytest.fixture
def snapshots(held: HeldSnapshots, snapshot: Snapshot) -> HeldSnapshots:
    """The reader as each test finds it: with the snapshot of above, not asked yet."""
    held.snapshot = snapshot
    held.asked = 0
    return held


@pytest.fixture
def hold_snapshot(snapshots: HeldSnapshots) -> Callable[[Snapshot], None]:
    """Makes a snapshot the current one."""

    def hold(snapshot: Snapshot) -> None:
        snapshots.snapshot = snapshot

    return hold


@pytest.fixture
def times_asked(snapshots: HeldSnapshots) -> Callable[[], int]:
    """How often a snapshot was asked for."""
    return lambda: snapshots.asked


class NoLiveQueries:
    """Refuses all subscriptions; those that are answered are tried in live/."""

    async def subscribe(self, operation: Operation, outlet: Outlet) -> NoReturn:
        """Refuses."""
        raise SubscriptionRefusedError([GraphQLError("There are none here")])

    async def close(self) -> None:
        """Nothing to end."""


@contextmanager
def running(app: Starlette) -> Iterator[str]:
    """Serves `app` on a free loopback port, in a thread with its own loop; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, log_config=None, access_log=False, ws="none", lifespan="on")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="session")
def start(held: HeldSnapshots, small_schema: ServedSchema) -> Iterator[Callable[..., str]]:
    """Starts servers, each with its HTTP settings; gives their addresses."""
    with ExitStack() as servers:

        def start(
            *,
            schema: ServedSchema = small_schema,
            make_context: Callable[[Snapshot], object] = lambda taken: taken,
            **http: Any,
        ) -> str:
            settings = Settings(
                network=NetworkSettings(
                    name="stagenet",
                    nettype=NetworkType.STAGENET,
                    chain_id=421_614,
                    unlock_seconds=86_400,
                    deregistration_lock_seconds=172_800,
                ),
                oxend=OxendSettings(endpoints=("ipc://oxend/stagenet.sock",)),
                http=HttpSettings(**{"max_delay": 60, **http}),  # the machine may be busy with other tests
            )
            app = create_app(
                settings=settings,
                schema=schema,
                snapshots=held,
                make_context=make_context,
                live=NoLiveQueries(),
                connections=LiveConnections(settings.live),
                clock=lambda: 1_720_677_228.877856,
            )
            return servers.enter_context(running(app))

        yield start


@pytest.fixture(scope="session")
def default_address(start: Callable[..., str]) -> str:
    """The address of a server with the default settings, shared by all tests that need no other."""
    return start()


@pytest.fixture
async def client_of(snapshots: HeldSnapshots) -> AsyncIterator[Callable[[str], httpx.AsyncClient]]:
    """Makes clients of servers."""
    async with AsyncExitStack() as clients:

        def client_of(address: str) -> httpx.AsyncClient:
            client = httpx.AsyncClient(base_url=address, timeout=30)
            clients.push_async_callback(client.aclose)
            return client

        yield client_of


@pytest.fixture
async def client(client_of: Callable[[str], httpx.AsyncClient], default_address: str) -> httpx.AsyncClient:
    """A client of the server as it is by default."""
    return client_of(default_address)


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,1000",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
PATIENCE_MS = 30_000

WAIT = """
const [done, deadline] = [arguments[0], performance.now() + 30000];
const look = () => {
  const found = (() => { %s })();
  if (found || performance.now() > deadline) done(found || null); else setTimeout(look, 50);
};
look();
"""


class Page:
    """One tab."""

    def __init__(self, driver: httpx.Client, session: str) -> None:
        self._driver = driver
        self._session = session

    def call(self, command: str, **body: Any) -> Any:
        """A command of the protocol."""
        response = self._driver.post(f"/session/{self._session}/{command}", json=body)
        value = response.json()["value"]
        assert response.status_code == 200, value
        return value

    def close(self) -> None:
        """Ends the browser."""
        assert self._driver.delete(f"/session/{self._session}").status_code == 200

    def until(self, expression: str) -> Any:
        """The value of a JavaScript expression once it is true."""
        value = self.call("execute/async", script=WAIT % f"return {expression};", args=[])
        assert value, f"never came true: {expression}"
        return value

    def click(self, selector: str) -> None:
        """Clicks an element once it is there."""
        self.until(f"document.querySelector({selector!r})")
        self.call("execute/sync", script=f"document.querySelector({selector!r}).click()", args=[])

    def log(self, kind: str) -> list[dict[str, Any]]:
        """What the browser noted since it was last asked: `browser` its console, `performance` its requests."""
        entries: list[dict[str, Any]] = self.call("se/log", type=kind)
        return entries

    def requests(self) -> list[str]:
        """The addresses that were asked over a network."""
        messages = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        sent = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        opened = [m["params"]["url"] for m in messages if m["method"] == "Network.webSocketCreated"]
        return [*(url for params in sent if (url := params["request"]["url"]).startswith("http")), *opened]


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """A fresh browser, which can reach nothing but this machine."""
    if not (CHROMIUM and DRIVER):
        pytest.skip("needs chromium and chromedriver (Debian: apt install chromium chromium-driver)")
    with subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            said = next(line for line in process.stdout if "started successfully on port" in line)
            port = said.rstrip().rstrip(".").split()[-1]
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=2 * PATIENCE_MS / 1000) as driver:
                page = open_page(driver, tmp_path)
                yield page
                page.close()
        finally:
            process.terminate()


def open_page(driver: httpx.Client, profile: Path) -> Page:
    """A session of the driver, with an empty profile."""
    wanted = {
        "browserName": "chrome",
        "goog:chromeOptions": {"binary": CHROMIUM, "args": [*ARGUMENTS, f"--user-data-dir={profile}"]},
        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        "timeouts": {"script": PATIENCE_MS + 5_000, "pageLoad": PATIENCE_MS},
    }
    response = driver.post("/session", json={"capabilities": {"alwaysMatch": wanted}})
    assert response.status_code == 200, response.text
    return Page(driver, response.json()["value"]["sessionId"])
