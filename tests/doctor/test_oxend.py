"""From an endpoint to oxend's first reply, against real sockets."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import zmq
from zmq.utils import z85

from sent_graphql.doctor.findings import Finding, Verdict
from sent_graphql.doctor.oxend import examine_oxend
from sent_graphql.localdev.omq_server import CurveKeys
from sent_graphql.models.network import NetworkType
from sent_graphql.settings import NetworkSettings, OxendSettings

OxendMaker = Callable[..., Awaitable[str]]
For = Callable[[str], OxendSettings]


async def examined(endpoint: str, settings: For, network: NetworkSettings) -> list[Finding]:
    findings = [finding async for finding in examine_oxend(endpoint, settings(endpoint), network)]
    assert all(finding.verdict is Verdict.FINE for finding in findings[:-1])
    return findings


def fault(findings: list[Finding]) -> str:
    last = findings[-1]
    assert last.verdict is Verdict.WRONG
    assert last.remedies
    return "\n".join([last.detail, *last.remedies])


class TestFine:
    async def test_over_ipc_every_step_is_told(
        self, oxend: OxendMaker, directory: Path, patient: For, network: NetworkSettings
    ) -> None:
        findings = await examined(await oxend(f"ipc://{directory}/oxend.sock"), patient, network)

        assert [finding.verdict for finding in findings] == [Verdict.FINE] * 3
        assert findings[-1].detail == "replies: stagenet, version 11, height 900"

    async def test_over_tcp(self, oxend: OxendMaker, patient: For, network: NetworkSettings) -> None:
        assert (await examined(await oxend(), patient, network))[-1].verdict is Verdict.FINE

    async def test_over_curve(self, oxend: OxendMaker, patient: For, network: NetworkSettings) -> None:
        public, secret = zmq.curve_keypair()
        plain = await oxend(curve=CurveKeys(public, secret))
        endpoint = f"{plain.replace('tcp', 'curve')}/{z85.decode(public).hex()}"

        findings = await examined(endpoint, patient, network)

        assert findings[-1].verdict is Verdict.FINE
        assert all("/" not in finding.subject.removeprefix("oxend at curve://") for finding in findings[1:])


class TestTheWayThere:
    async def test_a_missing_socket_ends_it(self, directory: Path, hasty: For, network: NetworkSettings) -> None:
        assert "not there" in fault(await examined(f"ipc://{directory}/oxend.sock", hasty, network))

    async def test_a_name_that_is_not_found(self, patient: For, network: NetworkSettings) -> None:
        told = fault(await examined("tcp://no-such-host.invalid:1", patient, network))

        assert "the name no-such-host.invalid is not found" in told

    async def test_a_port_on_which_nobody_listens(self, hasty: For, network: NetworkSettings) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]

        told = fault(await examined(f"tcp://127.0.0.1:{port}", hasty, network))

        assert "refused: nobody listens on that port" in told
        assert f"lmq-public=tcp://0.0.0.0:{port}" in told

    async def test_a_host_that_does_not_answer(self, hasty: For, network: NetworkSettings) -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            waiting = [socket.socket() for _ in range(4)]  # the system answers no more once these wait
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(full.getsockname())

            told = fault(await examined(f"tcp://127.0.0.1:{full.getsockname()[1]}", hasty, network))

            for one in waiting:
                one.close()
        assert "no answer within 1 s" in told

    @pytest.mark.parametrize(
        "endpoint", ["curve://127.0.0.1:1/abc", "http://127.0.0.1", "tcp://127.0.0.1", "curve://127.0.0.1:1"]
    )
    async def test_an_endpoint_that_is_none(self, endpoint: str, network: NetworkSettings) -> None:
        findings = [
            finding async for finding in examine_oxend(endpoint, OxendSettings(endpoints=("tcp://a:1",)), network)
        ]

        assert "SENT_OXEND__ENDPOINTS" in fault(findings)


class TestTheConversation:
    async def test_a_listener_that_never_replies(self, listening: Path, hasty: For, network: NetworkSettings) -> None:
        told = fault(await examined(f"ipc://{listening}", hasty, network))

        assert "gives no reply to HI within 1 s" in told
        assert "lmq-public" in told

    async def test_a_curve_listener_behind_another_key(
        self, oxend: OxendMaker, hasty: For, network: NetworkSettings
    ) -> None:
        endpoint = await oxend(curve=CurveKeys(*zmq.curve_keypair()))
        other = z85.decode(zmq.curve_keypair()[0]).hex()

        told = fault(await examined(f"{endpoint.replace('tcp', 'curve')}/{other}", hasty, network))

        assert "the key is another's" in told
        assert "lmq-curve-public" in told
        assert other not in told

    async def test_a_curve_listener_asked_in_plain(
        self, oxend: OxendMaker, hasty: For, network: NetworkSettings
    ) -> None:
        told = fault(await examined(await oxend(curve=CurveKeys(*zmq.curve_keypair())), hasty, network))

        assert "curve://HOST:PORT/PUBKEY" in told

    async def test_an_oxend_that_greets_and_never_answers(self, oxend: OxendMaker, network: NetworkSettings) -> None:
        async def never(_body: bytes | None) -> None:
            await asyncio.Event().wait()

        def settings(endpoint: str) -> OxendSettings:
            return OxendSettings(endpoints=(endpoint,), connect_timeout=30, request_timeout=0.2)

        told = fault(await examined(await oxend(handlers={"rpc.get_info": never}), settings, network))

        assert "no reply to rpc.get_info within 0.2 s" in told
        assert "SENT_OXEND__REQUEST_TIMEOUT" in told

    async def test_a_program_that_is_no_oxend(self, oxend: OxendMaker, patient: For, network: NetworkSettings) -> None:
        told = fault(await examined(await oxend(handlers={}), patient, network))

        assert "does not know rpc.get_info: an OxenMQ program, but no oxend" in told

    async def test_a_listener_that_forbids_it(self, oxend: OxendMaker, patient: For, network: NetworkSettings) -> None:
        told = fault(await examined(await oxend(forbidden=("rpc.get_info",)), patient, network))

        assert "refuses rpc.get_info: FORBIDDEN" in told
        assert "lmq-user=" in told

    @pytest.mark.parametrize(
        ("info", "status", "expected"),
        [
            (b"no JSON", b"200", "not that of an oxend we know"),
            (b"{}", b"200", "nettype"),
            (b"RPC error -5: internal", b"500", "status 500: RPC error -5: internal"),
        ],
    )
    async def test_an_answer_that_makes_no_sense(
        self, oxend: OxendMaker, patient: For, network: NetworkSettings, info: bytes, status: bytes, expected: str
    ) -> None:
        assert expected in fault(await examined(await oxend(info=info, status=status), patient, network))


class TestWhatItSays:
    async def test_another_network(self, oxend: OxendMaker, patient: For, network: NetworkSettings) -> None:
        told = fault(await examined(await oxend(info={"nettype": "mainnet"}), patient, network))

        assert "belongs to mainnet, and stagenet wants an oxend of stagenet" in told
        assert "--network mainnet" in told

    async def test_still_syncing_with_a_known_target(
        self, oxend: OxendMaker, patient: For, network: NetworkSettings
    ) -> None:
        told = fault(await examined(await oxend(info={"height": 40, "target_height": 1000}), patient, network))

        assert "still syncing: height 40 of 1000" in told

    async def test_still_syncing_without_knowing_it(
        self, oxend: OxendMaker, patient: For, network: NetworkSettings
    ) -> None:
        told = fault(await examined(await oxend(info={"height": 1}, header={"status": "BUSY"}), patient, network))

        assert "still syncing: height 1 of a height it has not been told" in told

    async def test_a_target_below_its_height_is_an_old_one(
        self, oxend: OxendMaker, patient: For, network: NetworkSettings
    ) -> None:
        findings = await examined(await oxend(info={"height": 900, "target_height": 899}), patient, network)

        assert findings[-1].verdict is Verdict.FINE

    async def test_trouble_of_its_own(self, oxend: OxendMaker, patient: For, network: NetworkSettings) -> None:
        told = fault(await examined(await oxend(info={"status": "Failed to read difficulty"}), patient, network))

        assert "Failed to read difficulty" in told


async def test_the_network_type_decides_and_not_the_name(
    oxend: OxendMaker, patient: For, network: NetworkSettings
) -> None:
    mine = network.model_copy(update={"name": "mine", "nettype": NetworkType.FAKECHAIN})

    assert (await examined(await oxend(info={"nettype": "fakechain"}), patient, mine))[-1].verdict is Verdict.FINE
