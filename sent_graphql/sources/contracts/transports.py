"""Carrying JSON-RPC messages: bytes out, decoded JSON back, one round trip at a time.

The providers are web3.py's. What they hide is done around them: a bound on the answer's size, Retry-After, connections
that are kept alive, and logs and errors that never show an endpoint's URL, which may contain a key.
"""

import asyncio
import email.utils
import logging
import re
import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Final, Protocol
from urllib.parse import urlsplit

import aiohttp
import orjson
from web3 import AsyncHTTPProvider, WebSocketProvider
from web3.types import RPCEndpoint
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.frames import CloseCode

from sent_graphql.settings import ContractsSettings
from sent_graphql.sources.contracts.errors import (
    CONTENT_TOO_LARGE,
    HttpRefusedError,
    ReplyTooLargeError,
    RpcMalformedReplyError,
    RpcThrottledError,
    RpcTimeoutError,
    RpcUnreachableError,
)

Request = tuple[str, list[object]]
"""Method and parameters, as JSON-RPC knows them."""

WS_PING_SECONDS: Final = 20
"""A dead peer is noticed after two of these."""

MIN_SECRET_LENGTH: Final = 8
"""Characters from which a part of a URL is taken for a key."""

_READ_BYTES: Final = 1 << 16
_WORDS_BYTES: Final = 1 << 10


class Transport(Protocol):
    """A way to one endpoint."""

    def form(self, request: Request) -> Mapping[str, object]:
        """The JSON-RPC request object, with an id that is not used twice."""

    async def exchange(self, message: Sequence[Mapping[str, object]] | Mapping[str, object]) -> object:
        """Send one request object or a batch of them, and return the decoded answer as it came."""

    async def close(self) -> None:
        """Let go of all connections."""


class HttpTransport:
    """HTTP(S) over one session of kept-alive connections."""

    def __init__(self, url: str, settings: ContractsSettings) -> None:
        self._url = url
        self._name = public_name(url)
        self._max_bytes = settings.max_response_bytes
        self._connections = settings.max_concurrency
        self._timeout = settings.request_timeout
        self._provider = AsyncHTTPProvider(url, exception_retry_configuration=None)
        self._session: aiohttp.ClientSession | None = None

    def form(self, request: Request) -> Mapping[str, object]:
        return self._provider.form_request(RPCEndpoint(request[0]), request[1])

    async def exchange(self, message: Sequence[Mapping[str, object]] | Mapping[str, object]) -> object:
        try:
            async with (
                asyncio.timeout(self._timeout),
                self._open_session().post(
                    self._url,
                    data=orjson.dumps(message),
                    headers=self._provider.get_request_headers(),
                    allow_redirects=False,
                ) as response,
            ):
                return self._reply(response, await self._body(response))
        except TimeoutError:
            raise RpcTimeoutError(f"{self._name} did not answer within {self._timeout:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise RpcUnreachableError(f"{self._name}: {connection_fault(error)}") from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections),
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self._session

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for piece in response.content.iter_chunked(_READ_BYTES):
            body += piece
            if len(body) > self._max_bytes:
                raise ReplyTooLargeError(f"{self._name}: the answer is larger than {self._max_bytes} bytes")
        return bytes(body)

    def _reply(self, response: aiohttp.ClientResponse, body: bytes) -> object:
        """The body's JSON; a 4xx that carries a JSON-RPC error is an answer too, every other status is a failure."""
        status = response.status
        if status == 429:
            raise RpcThrottledError(f"{self._name} answered HTTP 429", retry_after=_retry_after(response))
        reply = _json(body)
        if status == CONTENT_TOO_LARGE and reply is None:
            raise ReplyTooLargeError(f"{self._name} answered HTTP 413")
        if 400 <= status < 500 and not _is_rpc(reply):
            words = body[:_WORDS_BYTES].decode(errors="replace")
            raise HttpRefusedError(
                f"{self._name} answered HTTP {status}", words=words, retry_after=_retry_after(response)
            )
        if status != 200 and not 400 <= status < 500:
            raise RpcUnreachableError(f"{self._name} answered HTTP {status}", retry_after=_retry_after(response))
        if reply is None:
            kind = response.content_type
            raise RpcMalformedReplyError(f"{self._name} answered {len(body)} bytes of {kind} that are not JSON")
        return reply


class QuietWebSocketProvider(WebSocketProvider):
    """web3's provider, kept from writing whole URLs into logs and errors, and with dead peers noticed early."""

    logger = logging.Logger("web3 quiet", level=logging.CRITICAL + 1)

    def __init__(self, url: str, *, timeout: float, max_bytes: int) -> None:
        """`timeout` in seconds for opening, and for one request."""
        super().__init__(
            url,
            websocket_kwargs={
                "ping_interval": WS_PING_SECONDS,
                "ping_timeout": WS_PING_SECONDS,
                "open_timeout": timeout,
                "close_timeout": 1,
                "max_size": max_bytes,
                "logger": self.logger,
            },
            use_text_frames=True,
            request_timeout=timeout,
            max_connection_retries=1,
            silence_listener_task_exceptions=False,
        )
        self._public_name = public_name(url)

    def get_endpoint_uri_or_ipc_path(self) -> str:
        """What web3 shows of the endpoint in logs and errors."""
        return self._public_name

    async def open(self) -> None:
        """Connect without web3's listener: the caller reads each answer itself."""
        await self._provider_specific_connect()

    async def shut(self) -> None:
        """Close what `open` opened."""
        await self._provider_specific_disconnect()


class WebSocketTransport:
    """Requests over one WebSocket, one at a time; any fault drops the connection, so that no answer comes late."""

    def __init__(self, url: str, settings: ContractsSettings) -> None:
        self._name = public_name(url)
        self._timeout = settings.request_timeout
        self._provider = QuietWebSocketProvider(
            url, timeout=settings.request_timeout, max_bytes=settings.max_response_bytes
        )
        self._turn = asyncio.Lock()
        self._open = False

    def form(self, request: Request) -> Mapping[str, object]:
        return self._provider.form_request(RPCEndpoint(request[0]), request[1])

    async def exchange(self, message: Sequence[Mapping[str, object]] | Mapping[str, object]) -> object:
        try:
            async with self._turn, asyncio.timeout(self._timeout):
                return await self._converse(orjson.dumps(message))
        except TimeoutError:
            raise RpcTimeoutError(f"{self._name} did not answer within {self._timeout:g} s") from None
        except (WebSocketException, OSError) as error:
            if _too_big(error):
                raise ReplyTooLargeError(f"{self._name}: the message is larger than is accepted") from None
            raise RpcUnreachableError(f"{self._name}: {connection_fault(error)}") from None
        except (ValueError, RecursionError):
            raise RpcMalformedReplyError(f"{self._name} answered what is not JSON") from None

    async def close(self) -> None:
        async with self._turn:
            await self._drop()

    async def _converse(self, data: bytes) -> object:
        try:
            if not self._open:
                await self._provider.open()
                self._open = True
            await self._provider.socket_send(data)
            return await self._provider.socket_recv()
        except BaseException:
            await self._drop()
            raise

    async def _drop(self) -> None:
        if self._open:
            self._open = False
            await self._provider.shut()


def public_name(url: str) -> str:
    """What may be shown of an endpoint: scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def url_secrets(url: str) -> tuple[str, ...]:
    """The parts of a URL that are long enough to be keys: of its path, query and credentials."""
    parts = urlsplit(url)
    words = re.split(r"[/?&=:@]", "/".join((parts.path, parts.query, parts.netloc.rpartition("@")[0])))
    return tuple(word for word in words if len(word) >= MIN_SECRET_LENGTH)


def connection_fault(error: Exception) -> str:
    """Why no connection came about, in words without a URL."""
    if isinstance(error, ssl.SSLError | aiohttp.ClientSSLError):
        return "the TLS connection failed"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the host name does not resolve"
    if isinstance(error, ConnectionRefusedError) or isinstance(error.__cause__, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection ({error.os_error.strerror or type(error.os_error).__name__})"
    return f"the connection failed ({type(error).__name__})"


def _too_big(error: Exception) -> bool:
    """Whether a connection was closed for a message beyond either side's bound."""
    if not isinstance(error, ConnectionClosed):
        return False
    return any(close is not None and close.code == CloseCode.MESSAGE_TOO_BIG for close in (error.sent, error.rcvd))


def _json(body: bytes) -> object:
    """The decoded JSON object or array, None for anything else."""
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return reply if isinstance(reply, dict | list) else None


def _is_rpc(reply: object) -> bool:
    return isinstance(reply, list) or (isinstance(reply, dict) and isinstance(reply.get("error"), dict))


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    """Seconds of a Retry-After header, given as a number or as a date; None if there is none that makes sense."""
    value = response.headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
