"""From an endpoint in the settings to oxend's first reply."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Final, TypeVar

import msgspec

from sent_graphql.doctor.findings import Finding, Verdict, fine, wrong
from sent_graphql.doctor.probe import Probe
from sent_graphql.doctor.sockets import examine_socket
from sent_graphql.settings import NetworkSettings, OxendSettings
from sent_graphql.sources.errors import SourceMisconfiguredError
from sent_graphql.sources.oxend.endpoints import Endpoint, parse_endpoint
from sent_graphql.sources.oxend.errors import OxendRefusedError, OxendTimeoutError

LISTENERS: Final = (
    "point at a plain listener of oxend: its own DATA-DIRECTORY/oxend.sock (lmq-local-control), "
    "or one made with lmq-public= in oxend.conf"
)


T = TypeVar("T")


class Info(msgspec.Struct):
    """What is looked at in the reply to rpc.get_info."""

    nettype: str
    height: int
    target_height: int = 0
    version: str = "unknown"
    status: str = "OK"


class Header(msgspec.Struct):
    """What is looked at in the reply to rpc.get_last_block_header: BUSY tells a node that is not synced."""

    status: str = "OK"


async def examine_oxend(text: str, settings: OxendSettings, network: NetworkSettings) -> AsyncIterator[Finding]:
    """The steps to one endpoint's first reply, in order; the first fault ends them."""
    path = text.removeprefix("ipc://")
    if text != path:
        findings = await asyncio.to_thread(lambda: list(examine_socket(path)))
        for finding in findings:
            yield finding
        if any(finding.verdict is Verdict.WRONG for finding in findings):
            return
    try:
        endpoint = parse_endpoint(text)
    except SourceMisconfiguredError as error:
        yield wrong("oxend's endpoint", str(error), "set SENT_OXEND__ENDPOINTS, or oxend.endpoints in a file")
        return
    if text == path:
        finding = await _tcp(endpoint, settings.connect_timeout)
        yield finding
        if finding.verdict is Verdict.WRONG:
            return
    async for finding in _conversation(endpoint, settings, network):
        yield finding


async def _tcp(endpoint: Endpoint, seconds: float) -> Finding:
    host, _, port = endpoint.address.removeprefix("tcp://").rpartition(":")
    subject = f"connection to {host}:{port}"
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except socket.gaierror as error:
        return wrong(subject, f"the name {host} is not found: {error.strerror}", f"check it: getent hosts {host}")
    except ConnectionRefusedError:
        return wrong(
            subject,
            "refused: nobody listens on that port",
            f"start oxend with lmq-public=tcp://0.0.0.0:{port} in oxend.conf (curve: lmq-curve-public=)",
            "set the right port in SENT_OXEND__ENDPOINTS",
        )
    except TimeoutError:
        return wrong(
            subject,
            f"no answer within {seconds:g} s: the host is down, or a firewall drops what we send",
            f"open the port in oxend's firewall: sudo ufw allow {port}/tcp",
        )
    except OSError as error:
        return wrong(subject, f"not reachable: {error.strerror}", f"check the way there: ping {host.strip('[]')}")
    writer.close()
    return fine(subject, "somebody listens")


async def _conversation(
    endpoint: Endpoint, settings: OxendSettings, network: NetworkSettings
) -> AsyncIterator[Finding]:
    subject = f"oxend at {endpoint.label}"
    async with Probe(endpoint) as probe:
        try:
            await probe.greet(settings.connect_timeout)
        except OxendTimeoutError:
            yield _no_greeting(subject, endpoint, settings.connect_timeout)
            return
        yield fine(subject, "speaks OxenMQ")
        try:
            info = _decoded(await probe.ask("rpc.get_info", settings.request_timeout), Info)
            header = _decoded(await probe.ask("rpc.get_last_block_header", settings.request_timeout), Header)
        except OxendTimeoutError:
            yield wrong(
                subject,
                f"greets, and gives no reply to rpc.get_info within {settings.request_timeout:g} s: it is overloaded",
                "wait for it: SENT_OXEND__REQUEST_TIMEOUT=60",
                "look at oxend's log, restart oxend",
            )
        except OxendRefusedError as error:
            yield _refused(subject, error)
        except msgspec.MsgspecError as error:
            yield wrong(subject, f"its answer is not that of an oxend we know: {error}", LISTENERS)
        else:
            yield _judged(subject, info, header, network)


def _decoded(parts: list[bytes], wanted: type[T]) -> T:
    """The JSON body of a reply `[200, body]`."""
    match parts:
        case [b"200", body]:
            return msgspec.json.decode(body, type=wanted)
        case [status, text, *_]:
            raise msgspec.DecodeError(f"status {_shown(status)}: {_shown(text)}")
    raise msgspec.DecodeError(f"{len(parts)} parts in place of status and body")


def _shown(part: bytes) -> str:
    return part[:200].decode("utf-8", "replace")


def _no_greeting(subject: str, endpoint: Endpoint, seconds: float) -> Finding:
    silence = f"somebody listens, and gives no reply to HI within {seconds:g} s"
    if endpoint.server_key is not None:
        return wrong(
            subject,
            f"{silence}: the key is another's, the listener is not a curve one, or it does not know us",
            "take the X25519 public key of that very oxend: curve://HOST:PORT/PUBKEY",
            "let it take unknown clients: lmq-curve-public= in place of lmq-curve= in oxend.conf",
            "for a plain listener: tcp://HOST:PORT",
        )
    return wrong(
        subject,
        f"{silence}: it is no OxenMQ listener, or an encrypted one",
        LISTENERS,
        "for an encrypted listener: curve://HOST:PORT/PUBKEY",
    )


def _refused(subject: str, error: OxendRefusedError) -> Finding:
    if error.code == "UNKNOWNCOMMAND":
        return wrong(subject, f"does not know {error.command}: an OxenMQ program, but no oxend", LISTENERS)
    return wrong(
        subject,
        f"refuses {error.command}: {error.code}",
        "give this client the basic level: lmq-public= or lmq-curve-public= in oxend.conf, or lmq-user=OUR-PUBKEY",
    )


def _judged(subject: str, info: Info, header: Header, network: NetworkSettings) -> Finding:
    nettype = network.nettype.value
    if info.nettype != nettype:
        return wrong(
            subject,
            f"belongs to {info.nettype}, and {network.name} wants an oxend of {nettype}",
            f"serve that network: --network {info.nettype}",
            f"or point at an oxend of {nettype}: SENT_OXEND__ENDPOINTS",
        )
    if info.status != "OK":
        return wrong(subject, f"answers with trouble of its own: {info.status[:200]}", "look at oxend's log")
    if info.target_height > info.height or header.status == "BUSY":
        target = info.target_height if info.target_height > info.height else "a height it has not been told"
        return wrong(
            subject,
            f"still syncing: height {info.height} of {target}",
            "wait for it; how far it is: oxend status (the service may run meanwhile)",
        )
    return fine(subject, f"replies: {info.nettype}, version {info.version}, height {info.height}")
