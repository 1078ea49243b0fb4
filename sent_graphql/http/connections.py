"""uvicorn's HTTP connections, with bounds for clients that are slow, or many.

uvicorn waits for ever for a head that comes in trickles, and for a reader who does not read, and takes heads of any
length and any number of requests at once. Here a connection is cut when its client takes too long over either, and when
there are too many; what is too much, or no HTTP, is refused in words.
"""

import asyncio
import sys
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sent_graphql.http.clients import party
from sent_graphql.http.guard import BAD_HEAD, SLOW_HEAD, SLOW_READER, UNREAD, Guard, NoRoomError
from sent_graphql.http.heads import MAX_HEADERS, Head, RefusedHeadError, check_head, refusal_bytes, too_large
from sent_graphql.http.lines import LINE
from sent_graphql.http.quotas import FREE
from sent_graphql.http.waits import ARRIVED, WORTH_ASKING, unread_seconds
from sent_graphql.http.whole_writes import WholeWrites
from sent_graphql.http.workload import RETRY_SECONDS, overload
from sent_graphql.settings import HttpSettings

LEAST_READ: Final = 16 * 1024
"""Bytes of a waiting answer that a client has to take within the read timeout; less is next to nothing."""

HEARD_OUT: Final = 2.0
"""Seconds for which a client may go on talking for whom there is no room."""

NO_HTTP: Final[Mapping[type[BaseException], str]] = {
    httptools.HttpParserInvalidMethodError: "The method is not known here: GraphQL is served by GET and POST.",
    httptools.HttpParserInvalidURLError: "The address in the first line of the request is not understood.",
}
NO_HTTP_AT_ALL: Final = "What was sent is not understood as HTTP/1.1."
"""What keeps bytes from being a request, as far as the parser tells, in words of ours."""

WATCHED: Final = tuple(f"GET {path} ".encode() for path in sorted(FREE))
"""How requests begin that are always answered."""

TOO_LATE: Final = refusal_bytes(503, {"retry-after": str(RETRY_SECONDS)}, [overload().formatted()])
"""The answer to who has waited too long to be read: refusing has to be far cheaper than reading."""


class GuardedProtocol(HttpToolsProtocol):
    """One connection, and the Line of its requests. Subclasses have `guard` and `settings`."""

    guard: Guard
    settings: HttpSettings

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's business
        super().__init__(*args, **kwargs)
        self._arrived = 0.0
        self._unread = 0
        self._is_read = self._in_head = self._in_request = False
        self._is_turned_away = self._is_upgrade = self._is_declined = False
        self._fed = self._again = b""
        self._leave: Callable[[], None] | None = None
        self._head_due: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Lets the client in, or tells it that there is no room."""
        super().connection_made(transport)
        try:
            self._leave = self.guard.enter(self.client[0] if self.client else "")
        except NoRoomError as error:
            self._turn_away(error)
            return
        transport.set_write_buffer_limits(high=0)
        self._socket = transport.get_extra_info("socket")
        self._writes = WholeWrites(transport, self.loop)
        self.transport = self._writes
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the client."""
        self._let_go()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Takes what has come; a head that has begun must be whole in time, however it trickles."""
        if self._is_turned_away:
            return
        now = monotonic()
        late = self._waited(now)
        if late > self.settings.max_delay and self._is_new(data):
            self.guard.refused[UNREAD] += 1
            self.transport.write(TOO_LATE)
            self.transport.close()
            return
        self._arrived = now - late
        self._unread = self._unread + len(data) if self._in_head else len(data)
        self._again = data
        while self._again:
            self._fed, self._again = self._again, b""
            super().data_received(self._fed)
        if self._in_head and self._is_too_large() and not self.transport.is_closing():
            self._refuse(too_large(self.settings))
        if self._is_answering():
            self._stop_awaiting()
        elif self._leave is not None and not self.transport.is_closing():
            self._await_head()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Whether to stay when the client says no more: until it has its answers, if all that it has asked is there.

        A stream of events, which has no end to wait for, ends: its client is most likely gone.
        """
        is_awaited = self._is_answering() and not (self.cycle.more_body or self.cycle.response_started)
        if is_awaited:
            self.cycle.keep_alive = False
        return is_awaited

    def on_message_begin(self) -> None:
        """A request has begun."""
        if len(self.pipeline) >= self.settings.max_pipelined_requests:
            raise RefusedHeadError(429, "TOO_MANY_REQUESTS", "Wait for answers before you ask on.")
        super().on_message_begin()
        self.scope["state"][ARRIVED] = self._arrived
        self.scope["state"][LINE] = self
        self._in_head = self._in_request = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Takes one line of the head, and no more than one too many; what trails a body is nobody's."""
        if self._in_head and len(self.headers) <= MAX_HEADERS:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hands the request to the application, if its head is one to be answered."""
        self._in_head = False
        parser = self.parser
        head = Head(
            parser.get_method(), self.url, parser.get_http_version(), self.headers, asks_first=self.expect_100_continue
        )
        check_head(head, self.settings, received=self._unread)
        offers_other = self.parser.should_upgrade()
        self._is_upgrade = offers_other and self._is_handshake()
        self._is_declined = offers_other and not self._is_upgrade
        if not self._is_declined:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The whole request is there, unless the parser has left out its body for another protocol's sake."""
        if self._is_declined:
            return
        self._in_request = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Waits for the next request; for one that has begun only as long as for any head."""
        self._writes.flush()
        super().on_response_complete()
        if self._in_request and not (self._is_answering() or self.transport.is_closing()):
            self._await_head()

    def handle_websocket_upgrade(self) -> None:
        """From here on the WebSocket has its own bounds."""
        self._let_go()
        self.transport = self._writes.beneath
        super().handle_websocket_upgrade()

    @property
    def is_free(self) -> bool:
        """See Line."""
        return not self.flow.write_paused

    async def freed(self) -> None:
        """See Line."""
        await self.flow.drain()

    def cut(self) -> None:
        """See Line."""
        self.transport.abort()

    def pause_writing(self) -> None:
        """The client reads more slowly than it is answered: something is left that the system has not taken."""
        super().pause_writing()
        self._watch_reader()
        largest, size = self._writes.largest, self.transport.get_write_buffer_size()
        party_of_client = party(self.client[0]) if self.client else ""
        self.guard.unread.hold(self, party_of_client, largest or self, max(len(largest), size))

    def resume_writing(self) -> None:
        """It has caught up."""
        super().resume_writing()
        self._stop_watching()
        self.guard.unread.release(self)

    def timeout_keep_alive_handler(self) -> None:
        """Closes a silent connection; one that has not read its answer is closed when it has, or is cut."""
        super().timeout_keep_alive_handler()
        self._watch_reader()

    def send_400_response(self, msg: str) -> None:
        """Tells what is wrong with a head, in the form of all other refusals and in words of ours."""
        error = sys.exception()
        if isinstance(error, httptools.HttpParserCallbackError):
            error = error.__context__
        if not isinstance(error, RefusedHeadError):
            words = next((words for kind, words in NO_HTTP.items() if isinstance(error, kind)), NO_HTTP_AT_ALL)
            error = RefusedHeadError(400, "BAD_REQUEST", words)
        self._refuse(error)

    def _should_upgrade(self) -> bool:
        return self._is_upgrade

    def _unsupported_upgrade_warning(self) -> None:
        """Has the request read again as if its client had not offered another protocol.

        The parser takes what follows such a head for that protocol: the body would be the next request.
        """
        error = sys.exception()
        assert isinstance(error, httptools.HttpParserUpgrade), "told by the parser"
        lines = [self.parser.get_method() + b" " + self.url + b" HTTP/" + self.parser.get_http_version().encode()]
        lines += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        self._again = b"\r\n".join([*lines, b"", self._fed[error.args[0] :]])
        self._is_declined = False
        self.parser = httptools.HttpRequestParser(self)  # the other may have seen its last request
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)

    def _is_handshake(self) -> bool:
        """Whether a head asks for a WebSocket, as RFC 6455 has it, and may have one: nothing else is being answered."""
        return (
            self._get_upgrade() == b"websocket"
            and self.parser.get_method() == b"GET"
            and self.parser.get_http_version() == "1.1"
            and not any(name in {b"content-length", b"transfer-encoding"} for name, _ in self.headers)
            and not self._is_answering()
        )

    def _refuse(self, error: RefusedHeadError) -> None:
        """Ends the connection with a refusal; one that has requests to answer ends after their answers, without."""
        self.guard.refused[BAD_HEAD] += 1
        if self._is_answering() and not self.cycle.more_body:
            self.cycle.keep_alive = False
            return
        if self._is_answering():
            if self.cycle.response_started or self.pipeline:
                self.transport.abort()
                return
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write(error.refusal)
        self._stop_awaiting()
        self.transport.close()
        self._watch_reader()

    def _turn_away(self, error: NoRoomError) -> None:
        """Tells that there is no room, and hears the client out: closed upon its words, the answer might be lost."""
        self._is_turned_away = True
        self._leave = self.guard.hear_out()
        self.transport.write(error.refusal)
        if self._leave is None:
            self.transport.close()
        else:
            self.transport.write_eof()
            self._head_due = self.loop.call_later(HEARD_OUT, self.transport.abort)

    def _waited(self, now: float) -> float:
        """Seconds for which what is read now has been there. Only a busy loop lets it wait, and a new client's may have
        waited ahead of the door as well."""
        is_first, self._is_read = not self._is_read, True
        may_have = self.guard.reads.longest_wait(now)
        return unread_seconds(self._socket) if is_first or may_have > WORTH_ASKING else 0.0

    def _is_too_large(self) -> bool:
        """Whether a head that has begun is, so far."""
        return self._unread > self.settings.max_header_bytes or len(self.headers) > MAX_HEADERS

    def _is_new(self, data: bytes) -> bool:
        """Whether a request begins that may be refused unread: it is nobody's who watches over the service."""
        return not (self._in_request or self._is_answering() or data.startswith(WATCHED))

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _await_head(self) -> None:
        if self._head_due is None:
            self._head_due = self.loop.call_later(self.settings.header_timeout, self._cut, SLOW_HEAD)

    def _stop_awaiting(self) -> None:
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None

    def _watch_reader(self) -> None:
        waiting = self.transport.get_write_buffer_size()
        if waiting and self._reading is None:
            self._reading = self.loop.call_later(self.settings.read_timeout, self._look_at_reader, waiting)

    def _look_at_reader(self, waited: int) -> None:
        self._reading = None
        if self.transport.get_write_buffer_size() > max(0, waited - LEAST_READ):
            self._cut(SLOW_READER)
        else:
            self._watch_reader()

    def _stop_watching(self) -> None:
        if self._reading is not None and not self.transport.is_closing():
            self._reading.cancel()
            self._reading = None

    def _cut(self, why: str) -> None:
        self.guard.cut[why] += 1
        self.transport.abort()

    def _let_go(self) -> None:
        self._stop_awaiting()
        self.guard.unread.release(self)
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        if self._leave is not None:
            self._leave()
            self._leave = None


def guarded_protocol(settings: HttpSettings, guard: Guard) -> type[GuardedProtocol]:
    """The connections of one server."""
    guard_of_all, settings_of_all = guard, settings

    class ServedProtocol(GuardedProtocol):
        guard = guard_of_all
        settings = settings_of_all

    return ServedProtocol
