"""What the machine can do to the running service: it goes on, says what it cannot do, and loses no answered write."""

import asyncio
import contextlib
import resource
import signal
import sqlite3
import struct
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from sent_graphql.localdev.chain import Chain
from sent_graphql.localdev.identities import Identities, NodeIdentity
from sent_graphql.localdev.service_nodes import NodeStake
from sent_graphql.localdev.staking_client import StakingClient

STORE = """mutation ($input: StoreRegistrationInput!) { storeRegistration(input: $input) {
  registration { contract storedAt } errors { code message } } }"""
WRITERS = 3
ANSWERS_BEFORE_THE_KILL = 30
HOUR = 3_600
ALL_TAKEN = 10
"""The service has all descriptors below this one in use: it gets no new one."""

UNLIMITED = {"SENT_RATE_LIMIT__ENABLED": "false"}
DEBUG = {**UNLIMITED, "SENT_LOG__LEVEL": "debug"}
LINES_TO_FILL_A_PIPE = 3_000


class Operator:
    """Whose node's signed keys are stored, each time for another contribution contract."""

    def __init__(self, identity: NodeIdentity, wallet: str, domain: Any) -> None:
        self.pubkey = identity.pubkey
        proof = identity.prove_possession(domain, wallet)
        self._keys = {
            "pubkey": identity.pubkey,
            "pubkeyBls": identity.pubkey_bls,
            "sigEd25519": identity.register((NodeStake(wallet, wallet, 0),), 0).signature,
            "sigBls": "".join(f"{word:064x}" for word in proof),
            "operator": wallet.lower(),
        }

    async def store(self, service: Any, number: int) -> Any:
        """The answer to storing it for contract `number`."""
        return await service.ask(STORE, input={**self._keys, "contract": f"0x{0xC0 << 152 | number:040x}"})

    async def kept(self, service: Any) -> int:
        """The number of the contract that it is kept for."""
        reply = await service.client.get(f"/registrations/{self.pubkey}")
        assert reply.status_code == 200, reply.text
        (one,) = reply.json()["registrations"]
        return int(one["contract"], 16) & 0xFFFFFFFF


@pytest.fixture
async def operators(stage: Any, l2: Any) -> list[Operator]:
    async with Chain(l2.url) as chain:
        domain = StakingClient(chain, stage.deployment).domain
    return [Operator(Identities(4_000)[place], stage.deployment.wallets[place], domain) for place in range(WRITERS)]


def stored(answer: Any) -> bool:
    """Whether a registration was stored; any fault but the database's fails the test."""
    if "errors" in answer:
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["DATABASE_UNAVAILABLE"], answer
        return False
    assert answer["data"]["storeRegistration"]["errors"] == [], answer
    return True


@contextlib.contextmanager
def limited(service: Any, which: int, most: int) -> Iterator[None]:
    """The running service's soft limit of a resource is `most`."""
    pid = service.process.pid
    soft, hard = resource.prlimit(pid, which)
    resource.prlimit(pid, which, (most, hard))
    yield
    resource.prlimit(pid, which, (soft, hard))


async def test_a_disk_that_takes_nothing_fails_writes_alone_and_loses_none(
    stage: Any, watch: Any, operators: list[Operator]
) -> None:
    await stage.oxend.start()
    service = await stage.serve()
    await watch.well(service)
    assert stored(await operators[0].store(service, 1))
    shown = await service.query(watch.shown)
    with limited(service, resource.RLIMIT_FSIZE, 0):
        assert not stored(await operators[0].store(service, 2))
        data = await watch.fails(service, "DATABASE", "disk of the database")
        assert (await service.client.get("/readyz")).status_code == 200
        assert not data["meta"]["stale"]
        assert await operators[0].kept(service) == 1
        await stage.oxend.move(height=5320)
        await service.until(watch.shown, lambda data: data["network"]["blockHeight"] == 5320)
        assert len(shown["serviceNodes"]["nodes"]) == shown["serviceNodes"]["totalCount"]
    await watch.well(service)
    assert stored(await operators[0].store(service, 3))
    watch.unharmed(service)
    assert await service.stop() == 0
    again = await stage.serve()
    await watch.well(again)
    assert await operators[0].kept(again) == 3


@pytest.fixture
def state_disk(tmp_path: Path) -> Iterator[Any]:
    """A file system of the state directory's own: gives what remounts it."""
    directory = tmp_path / "state"
    directory.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", directory], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a disk is not permitted here")
    yield lambda options: subprocess.run(["mount", "-o", f"remount,{options}", directory], check=True)
    subprocess.run(["umount", "--lazy", directory], check=True)


async def test_a_read_only_disk_fails_the_database_alone_until_it_may_be_written_to(
    stage: Any, watch: Any, operators: list[Operator], state_disk: Any
) -> None:
    await stage.oxend.start()
    service = await stage.serve()
    await watch.well(service)
    assert stored(await operators[0].store(service, 1))
    assert await service.stop() == 0
    state_disk("ro")
    again = await stage.serve()
    await again.until(
        watch.meta, lambda data: not data["meta"]["stale"] and not watch.source(data, "DATABASE")["healthy"]
    )
    await again.query(watch.shown)
    assert not stored(await operators[0].store(again, 2))
    state_disk("rw")
    await watch.well(again)
    assert await operators[0].kept(again) == 1
    assert stored(await operators[0].store(again, 3))
    watch.unharmed(again)


async def test_a_database_that_somebody_locks_fails_writes_alone(
    stage: Any, watch: Any, operators: list[Operator]
) -> None:
    await stage.oxend.start()
    service = await stage.serve(environ={"SENT_DATABASE__TIMEOUT": "0.5"})
    await watch.well(service)
    assert stored(await operators[0].store(service, 1))
    with contextlib.closing(sqlite3.connect(stage.directory / "state" / "localdev.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        assert not stored(await operators[0].store(service, 2))
        await watch.fails(service, "DATABASE", "")
        data = await service.until(watch.meta, lambda data: not watch.source(data, "DATABASE")["healthy"])
        assert not data["meta"]["stale"]
        assert await operators[0].kept(service) == 1
        other.rollback()
    await watch.well(service)
    assert stored(await operators[0].store(service, 3))
    assert await operators[0].kept(service) == 3
    watch.unharmed(service)


async def test_without_file_descriptors_it_goes_on_with_those_it_has(stage: Any, watch: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve(environ={"SENT_HTTP__IDLE_TIMEOUT": "600"})
    address = service.client.base_url
    await service.client.aclose()
    service.client = httpx.AsyncClient(base_url=address, timeout=20, limits=httpx.Limits(keepalive_expiry=None))
    await watch.well(service)
    shown = await service.query(watch.shown)
    lines = len(service.log)
    with limited(service, resource.RLIMIT_NOFILE, ALL_TAKEN):
        # What is lost cannot be had anew: neither oxend, nor the L2, nor more clients.
        await stage.oxend.stop()
        await stage.oxend.start()
        await stage.gate.shut()
        await stage.gate.open()
        outcomes = await asyncio.gather(*(turned_away(service) for _ in range(50)))
        await service.until(watch.meta, lambda data: not watch.source(data, "OXEND")["healthy"])
        assert await service.query(watch.shown) == shown
        assert sum(outcomes) > 0
    await stage.oxend.move(height=5320)
    await service.until(watch.shown, lambda data: data["network"]["blockHeight"] == 5320)
    await watch.well(service)
    assert not await turned_away(service)
    assert len(service.log) - lines < 500
    watch.unharmed(service)


async def turned_away(service: Any) -> bool:
    """Whether a new connection is closed without an answer."""
    async with httpx.AsyncClient(base_url=service.client.base_url, timeout=5) as client:
        try:
            return (await client.get("/healthz")).status_code != 200
        except httpx.TransportError:
            return True


class WallClock:
    """The wall clock of the processes that are started with `environ`."""

    def __init__(self, library: Path, file: Path) -> None:
        self._file = file
        self.environ = {"LD_PRELOAD": str(library), "CLOCK_OFFSET_FILE": str(file)}
        self.step(0)

    def step(self, seconds: int) -> None:
        """Sets it wrong by as much."""
        self._file.touch()
        with self._file.open("r+b") as file:
            file.write(struct.pack("q", seconds))


@pytest.fixture
def wall_clock(tmp_path: Path) -> WallClock:
    library = tmp_path / "clock.so"
    source = Path(__file__).with_name("clock.c")
    try:
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no C compiler")
    return WallClock(library, tmp_path / "offset")


async def test_versions_grow_while_the_clock_steps_backwards_and_over_a_kill(
    stage: Any, watch: Any, wall_clock: WallClock
) -> None:
    await stage.oxend.start()
    service = await stage.serve(environ=wall_clock.environ)
    data = await watch.well(service)
    version = int(data["meta"]["version"])
    assert abs(version - time.time() * 1000) < HOUR * 1000
    for hours, height in ((-1, 5320), (-30, 5321), (2, 5322), (-24, 5323)):
        wall_clock.step(hours * HOUR)
        await stage.oxend.move(height=height)
        data = await service.until(watch.shown, lambda data, height=height: data["network"]["blockHeight"] == height)
        data = await watch.well(service)
        assert int(data["meta"]["version"]) > version
        version = int(data["meta"]["version"])
        seen = datetime.fromisoformat(watch.source(data, "OXEND")["lastSuccessAt"]).timestamp()
        assert abs(seen - time.time() - hours * HOUR) < HOUR / 2, "the service's clock has not been set"
    service.process.kill()
    await service.ended()
    again = await stage.serve(environ=wall_clock.environ)
    data = await again.query(watch.meta)
    assert int(data["meta"]["version"]) > version
    assert data["meta"]["stale"]
    await watch.well(again)
    watch.unharmed(again)


async def test_no_answered_write_is_lost_by_a_kill_under_load(
    stage: Any, watch: Any, operators: list[Operator]
) -> None:
    await stage.oxend.start()
    service = await stage.serve(environ=UNLIMITED)
    await watch.well(service)
    answered = dict.fromkeys(operators, 1)
    for operator in operators:
        assert stored(await operator.store(service, 1))

    async def write(operator: Operator) -> None:
        for number in range(2, 10_000):
            try:
                assert stored(await operator.store(service, number))
            except httpx.TransportError:
                return
            answered[operator] = number
            if sum(answered.values()) == ANSWERS_BEFORE_THE_KILL:
                service.process.send_signal(signal.SIGKILL)

    await asyncio.gather(*(write(operator) for operator in operators))
    assert await service.ended() == -signal.SIGKILL
    again = await stage.serve(environ=UNLIMITED)
    await watch.well(again)
    for operator in operators:
        assert await operator.kept(again) >= answered[operator]
    watch.unharmed(again)


async def test_a_log_that_nobody_reads_any_more_ends_nothing(stage: Any, watch: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve(environ=DEBUG)
    await watch.well(service)
    service.close_log()
    await stage.gate.shut()
    await service.until(watch.meta, lambda data: not watch.source(data, "CONTRACTS")["healthy"])
    await stage.gate.open()
    await watch.well(service)
    assert await service.stop() == 0


async def test_a_log_whose_reader_hangs_holds_nobody_up(stage: Any, watch: Any) -> None:
    await stage.oxend.start()
    service = await stage.serve(environ=DEBUG)
    await watch.well(service)
    service.pause_log()
    shown = await service.query(watch.shown)
    for _ in range(LINES_TO_FILL_A_PIPE):
        assert await service.query(watch.shown) == shown
    await stage.oxend.move(height=5320)
    await service.until(watch.shown, lambda data: data["network"]["blockHeight"] == 5320)
    assert (await service.client.get("/healthz")).status_code == 200
    service.resume_log()
    assert await service.stop() == 0
    assert any("log lines were dropped" in line for line in service.log)
