"""One question to a JSON-RPC endpoint, over HTTP or WebSocket, and what is wrong where it is not answered."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

import aiohttp
import orjson

from sent_graphql.masking import mask_urls

MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024

Message = Mapping[str, object] | Sequence[Mapping[str, object]]


class AskingError(Exception):
    """No JSON came back. `detail` and `remedies` are for a finding, and free of secrets."""

    def __init__(self, detail: str, *remedies: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedies = remedies


class Asker:
    """Asks one URL; an async context manager. The URL may hold a key and is never shown."""

    def __init__(self, url: str, seconds: float) -> None:
        self._url = url
        self._name = mask_urls(url)
        self._seconds = seconds
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=seconds))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def ask(self, message: Message) -> object:
        """The decoded JSON of the answer; AskingError where there is none."""
        try:
            if self._url.startswith(("ws://", "wss://")):
                return _decoded(await self._over_websocket(message))
            return _decoded(await self._over_http(message))
        except aiohttp.ClientConnectorDNSError:
            raise AskingError(
                "the name of its host is not found", "check the host's name in contracts.rpc_urls"
            ) from None
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError, ssl.SSLError) as error:
            raise _tls_fault(error) from None
        except aiohttp.WSServerHandshakeError as error:
            raise status_fault(error.status) from None
        except TimeoutError:
            raise AskingError(
                f"no answer within {self._seconds:g} s",
                "check firewall and proxy, or name another RPC in SENT_CONTRACTS__RPC_URLS",
            ) from None
        except aiohttp.ClientConnectorError as error:
            raise AskingError(
                "refused: nobody listens there"
                if isinstance(error.os_error, ConnectionRefusedError)
                else f"not reachable: {error.os_error.strerror}",
                "start the node that should listen there, or name another RPC in SENT_CONTRACTS__RPC_URLS",
            ) from None
        except aiohttp.ClientError as error:
            raise AskingError(
                f"the connection broke ({type(error).__name__}): it may not be an HTTP server",
                "check scheme and port in contracts.rpc_urls",
            ) from None

    async def _over_http(self, message: Message) -> bytes:
        async with self._session.post(
            self._url,
            data=orjson.dumps(message),
            headers={"Content-Type": "application/json"},
            allow_redirects=False,
        ) as response:
            body = await response.content.read(MAX_ANSWER_BYTES)
            if response.status in _STATUS_FAULTS or (response.status != HTTPStatus.OK and not _is_json_rpc(body)):
                raise status_fault(response.status)
            return body

    async def _over_websocket(self, message: Message) -> bytes:
        async with (
            asyncio.timeout(self._seconds),
            self._session.ws_connect(self._url, max_msg_size=MAX_ANSWER_BYTES) as connection,
        ):
            await connection.send_str(orjson.dumps(message).decode())
            answer = await connection.receive()
            if answer.type is aiohttp.WSMsgType.TEXT:
                return str(answer.data).encode()
            if answer.type is aiohttp.WSMsgType.BINARY:
                return bytes(answer.data)
            raise AskingError("closed the WebSocket without an answer", "check the URL's path and key")


_KEY_REMEDY: Final = "check the key in the URL, and that the provider's plan covers this chain"

_STATUS_FAULTS: Final = {
    401: ("wants to know who asks (HTTP 401)", _KEY_REMEDY),
    403: ("does not let us in (HTTP 403)", _KEY_REMEDY),
    404: ("has nothing at this path (HTTP 404)", "check the path of the URL; a key is often part of it"),
    429: (
        "is asked too much (HTTP 429)",
        "ask less: SENT_POLL_CONTRACTS__INTERVAL=60; or take another plan or RPC",
    ),
}


def status_fault(status: int) -> AskingError:
    """What an HTTP status that is no success means for the user."""
    if status in _STATUS_FAULTS:
        return AskingError(*_STATUS_FAULTS[status])
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return AskingError(
            f"is in trouble itself (HTTP {status})", "wait, or add another RPC to SENT_CONTRACTS__RPC_URLS"
        )
    return AskingError(f"answers HTTP {status} in place of 200", "check the URL in contracts.rpc_urls")


def _tls_fault(error: Exception) -> AskingError:
    reason = getattr(error, "verify_message", None) or getattr(error, "reason", None)
    cause = getattr(error, "certificate_error", None)
    reason = getattr(cause, "verify_message", None) or reason or "the handshake failed"
    return AskingError(
        f"no trusted TLS connection: {reason}",
        "for a server without TLS: http:// or ws:// in the URL",
        "for a certificate of your own: SSL_CERT_FILE=/path/to/ca.pem",
    )


def _decoded(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise AskingError(
            "the answer is not JSON: this is a web page or another service",
            "check the path of the URL: it should be the JSON-RPC one",
        ) from None


def _is_json_rpc(body: bytes) -> bool:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(answer, dict) and "jsonrpc" in answer
