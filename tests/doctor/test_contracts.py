"""From an RPC's URL to the contracts' code, against a real server on loopback."""

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sent_graphql.doctor.contracts import RpcExamination, examine_settings
from sent_graphql.doctor.findings import Finding, Verdict
from sent_graphql.models.network import NetworkType
from sent_graphql.settings import ContractsSettings, NetworkSettings

REWARDS = "0x4abfFB7f922767f22c7aa6524823d93FDDaB54b1"
POOL = "0x38cD8D3F93d591C18cf26B3Be4CB2c872aC37953"
NOW = 100.0 + 30

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
def settings() -> ContractsSettings:
    return ContractsSettings(service_node_rewards=REWARDS, reward_rate_pool=POOL, request_timeout=30)


@pytest.fixture
def unvouched(tmp_path: Path) -> ssl.SSLContext:
    """A server's TLS with a certificate that nobody vouches for."""
    if shutil.which("openssl") is None:
        pytest.skip("makes its certificate with openssl")
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem")
    options = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run(
        ["openssl", "req", "-x509", *options, "-keyout", key, "-out", certificate], check=True, capture_output=True
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@asynccontextmanager
async def answering(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a server that treats each connection as `handler` does; it ends when all are closed."""
    accepted: list[asyncio.StreamWriter] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.append(writer)
        await handler(reader, writer)

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await asyncio.gather(*(writer.wait_closed() for writer in accepted), return_exceptions=True)


async def examined(url: str, settings: ContractsSettings, network: NetworkSettings, now: float = NOW) -> list[Finding]:
    rpc = RpcExamination(url, settings, network, stale_after=60, now=lambda: now)
    findings = [finding async for finding in rpc.findings()]
    assert all(
        "KEY" not in text for finding in findings for text in (finding.subject, finding.detail, *finding.remedies)
    )
    return findings


def fault(findings: list[Finding]) -> str:
    (wrong,) = (finding for finding in findings if finding.verdict is Verdict.WRONG)
    assert wrong.remedies
    return "\n".join([wrong.detail, *wrong.remedies])


def details(findings: list[Finding], verdict: Verdict) -> list[str]:
    return [finding.detail for finding in findings if finding.verdict is verdict]


class TestFine:
    @pytest.mark.parametrize("scheme", ["http", "ws"])
    async def test_every_step_is_told(
        self, rpc: Any, settings: ContractsSettings, network: NetworkSettings, scheme: str
    ) -> None:
        findings = await examined(rpc.url.replace("http", scheme), settings, network)

        assert details(findings, Verdict.FINE) == [
            "serves chain 421614",
            f"has the rewards contract at {REWARDS}",
            f"has the reward rate pool at {POOL}",
            "newest block 16, 30 s old",
            "takes batches",
            "has Multicall3",
        ]
        assert len(findings) == 6
        assert findings[0].subject.endswith("/…")

    async def test_without_batches_or_multicall_it_works_and_that_is_noted(
        self, rpc: Any, settings: ContractsSettings, network: NetworkSettings
    ) -> None:
        rpc.batches = False
        rpc.code = {settings.multicall: "0x"}

        notes = details(await examined(rpc.url, settings, network), Verdict.NOTE)

        assert "takes no batches" in notes[0]
        assert "no Multicall3" in notes[1]


class TestSettings:
    def test_no_url_and_no_rewards_contract_are_faults_and_the_others_a_note(self) -> None:
        findings = examine_settings(ContractsSettings())

        assert [finding.verdict for finding in findings] == [Verdict.WRONG, Verdict.WRONG, Verdict.NOTE]
        assert "SENT_CONTRACTS__RPC_URLS" in findings[0].remedies[0]
        assert "SENT_CONTRACTS__SERVICE_NODE_REWARDS" in findings[1].remedies[0]
        assert "the contribution factory, the reward rate pool, the token" in findings[2].detail

    async def test_a_scheme_that_is_none(self, settings: ContractsSettings, network: NetworkSettings) -> None:
        assert "does not begin with http://" in fault(await examined("ftp://host/KEY", settings, network))


class TestUnreachable:
    async def test_nobody_listens(self, settings: ContractsSettings, network: NetworkSettings) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]

        for scheme in ("http", "ws"):
            told = fault(await examined(f"{scheme}://127.0.0.1:{port}/KEY", settings, network))
            assert "refused: nobody listens there" in told

    async def test_a_name_that_is_not_found(self, settings: ContractsSettings, network: NetworkSettings) -> None:
        told = fault(await examined("https://no-such-host.invalid/KEY", settings, network))

        assert "the name of its host is not found" in told

    @pytest.mark.parametrize("scheme", ["http", "ws"])
    async def test_no_answer(self, network: NetworkSettings, scheme: str) -> None:
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(-1)
            writer.close()

        hasty = ContractsSettings(service_node_rewards=REWARDS, request_timeout=0.2)
        async with answering(silent) as port:
            told = fault(await examined(f"{scheme}://127.0.0.1:{port}/KEY", hasty, network))

        assert "no answer within 0.2 s" in told

    @pytest.mark.parametrize("scheme", ["http", "ws"])
    async def test_a_server_that_hangs_up(
        self, settings: ContractsSettings, network: NetworkSettings, scheme: str
    ) -> None:
        async with answering(hang_up) as port:
            told = fault(await examined(f"{scheme}://127.0.0.1:{port}/KEY", settings, network))

        assert "the connection broke" in told

    async def test_a_server_without_tls(self, rpc: Any, settings: ContractsSettings, network: NetworkSettings) -> None:
        told = fault(await examined(rpc.url.replace("http", "https"), settings, network))

        assert "no trusted TLS connection" in told
        assert "http://" in told

    async def test_a_certificate_that_nobody_vouches_for(
        self, settings: ContractsSettings, network: NetworkSettings, unvouched: ssl.SSLContext
    ) -> None:
        async with answering(hang_up, unvouched) as port:
            told = fault(await examined(f"https://127.0.0.1:{port}/KEY", settings, network))

        assert "self-signed certificate" in told
        assert "SSL_CERT_FILE" in told


class TestHttpStatus:
    @pytest.mark.parametrize("scheme", ["http", "ws"])
    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (401, "check the key in the URL"),
            (403, "check the key in the URL"),
            (404, "check the path of the URL"),
            (429, "SENT_POLL_CONTRACTS__INTERVAL"),
            (500, "wait, or add another RPC"),
            (503, "wait, or add another RPC"),
            (301, "HTTP 301 in place of 200"),
        ],
    )
    async def test_each_has_its_remedy(
        self, rpc: Any, settings: ContractsSettings, network: NetworkSettings, scheme: str, status: int, expected: str
    ) -> None:
        rpc.status = status
        told = fault(await examined(rpc.url.replace("http", scheme), settings, network))

        assert str(status) in told
        assert expected in told


class TestWhatItSays:
    async def test_a_web_page(self, rpc: Any, settings: ContractsSettings, network: NetworkSettings) -> None:
        rpc.raw = b"<html>welcome</html>"

        assert "the answer is not JSON" in fault(await examined(rpc.url, settings, network))

    @pytest.mark.parametrize("raw", [b"{}", b"[]", b"7", b'{"jsonrpc":"2.0","id":1,"result":"chain"}'])
    async def test_json_that_is_no_answer(
        self, rpc: Any, settings: ContractsSettings, network: NetworkSettings, raw: bytes
    ) -> None:
        rpc.raw = raw

        assert fault(await examined(rpc.url, settings, network))

    async def test_another_chain(self, rpc: Any, settings: ContractsSettings, network: NetworkSettings) -> None:
        rpc.results["eth_chainId"] = hex(42161)
        findings = await examined(rpc.url, settings, network)

        assert "serves chain 42161, and stagenet is on chain 421614" in fault(findings)
        assert len(findings) == 1

    async def test_no_code_at_an_address_names_the_setting(
        self, rpc: Any, settings: ContractsSettings, network: NetworkSettings
    ) -> None:
        rpc.code = {POOL: "0x"}
        findings = await examined(rpc.url, settings, network)

        assert f"no code at {POOL}, which should be the reward rate pool" in fault(findings)
        assert "SENT_CONTRACTS__REWARD_RATE_POOL" in fault(findings)
        assert f"has the rewards contract at {REWARDS}" in details(findings, Verdict.FINE)

    async def test_a_node_that_lags_behind(
        self, rpc: Any, settings: ContractsSettings, network: NetworkSettings
    ) -> None:
        told = fault(await examined(rpc.url, settings, network, now=100 + 61))

        assert "newest block 16, 61 s old: that node lags behind" in told

    async def test_a_local_chain_may_have_its_own_time(
        self, rpc: Any, settings: ContractsSettings, network: NetworkSettings
    ) -> None:
        local = network.model_copy(update={"nettype": NetworkType.LOCALDEV})
        findings = await examined(rpc.url, settings, local, now=10_000)

        assert details(findings, Verdict.NOTE) == ["newest block 16, 9900 s old: a chain of its own time"]

    async def test_a_node_without_blocks(self, rpc: Any, settings: ContractsSettings, network: NetworkSettings) -> None:
        rpc.results["eth_getBlockByNumber"] = None

        assert "knows no newest block" in fault(await examined(rpc.url, settings, network))

    async def test_a_method_that_is_refused(
        self, rpc: Any, settings: ContractsSettings, network: NetworkSettings
    ) -> None:
        rpc.results["eth_getCode"] = {"code": -32601, "message": "not in your plan, see https://provider.example/KEY"}

        assert "refuses eth_getCode: not in your plan" in fault(await examined(rpc.url, settings, network))
