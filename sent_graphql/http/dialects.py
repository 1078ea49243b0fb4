"""The two protocols that GraphQL clients speak over WebSockets, as their messages differ.

`graphql-transport-ws` is that of the npm package graphql-ws. The older one, called `graphql-ws` in handshakes, is that
of the package subscriptions-transport-ws, and is spoken by clients that have not been renewed.
"""

from abc import ABC, abstractmethod
from enum import Enum, auto
from typing import ClassVar, Final

import msgspec
import orjson
from msgspec import Struct

from sent_graphql.http.graphql_request import Parameters
from sent_graphql.http.json_texts import BadJsonError, JsonReader, read_object

MAX_ID_LENGTH: Final = 256
"""Characters of an operation's id, which every message to it repeats."""


class Verb(Enum):
    """What a client can say, in either protocol."""

    INIT = auto()
    START = auto()
    STOP = auto()
    PING = auto()
    PONG = auto()
    TERMINATE = auto()


class BadMessageError(Exception):
    """A message that the protocol does not know; its text tells the client what is wrong."""


class Message(Struct, frozen=True):
    """What both protocols' messages are made of."""

    type: str
    id: str | None = None
    payload: msgspec.Raw = msgspec.Raw()


class Frames(Struct, frozen=True):
    """The frames of one operation. A result stands between `next` and the brace that closes it."""

    next: bytes
    error: str
    complete: str


class Dialect(ABC):
    """One of the protocols."""

    name: ClassVar[str]
    verbs: ClassVar[dict[str, Verb]]
    greeting: ClassVar[tuple[str, ...]]
    next_type: ClassVar[str]

    def __init__(self) -> None:
        self._messages = JsonReader(Message, "The message")
        self._parameters = JsonReader(Parameters, "`payload`", "payload.")

    def read(self, text: str) -> tuple[Verb, Message]:
        """What a client says; BadMessageError where it is nothing."""
        try:
            message = self._messages.read(text.encode())
        except BadJsonError as error:
            raise BadMessageError(str(error)) from None
        verb = self.verbs.get(message.type)
        if verb is None:
            raise BadMessageError(f"Unknown message type {message.type[:40]!r}: known are {', '.join(self.verbs)}")
        if verb in (Verb.START, Verb.STOP) and not (message.id and len(message.id) <= MAX_ID_LENGTH):
            raise BadMessageError(f"`id` must be a string of 1 to {MAX_ID_LENGTH} characters")
        return verb, message

    def parameters(self, message: Message) -> Parameters:
        """What a START asks; BadMessageError where it asks nothing."""
        try:
            parameters = self._parameters.read(bytes(message.payload or b"{}"))
        except BadJsonError as error:
            raise BadMessageError(str(error)) from None
        if not parameters.query:
            raise BadMessageError("`payload.query` must be a GraphQL document")
        return parameters

    def check_payload(self, message: Message) -> None:
        """The payload of an INIT, PING or PONG is an object, null or left out."""
        try:
            read_object(bytes(message.payload or b"null"), "`payload`")
        except BadJsonError as error:
            raise BadMessageError(str(error)) from None

    def frames(self, operation_id: str) -> Frames:
        """The frames of one operation, made once for all its results."""
        quoted = orjson.dumps(operation_id).decode()
        return Frames(
            next=f'{{"id":{quoted},"type":"{self.next_type}","payload":'.encode(),
            error=f'{{"id":{quoted},"type":"error","payload":',
            complete=f'{{"id":{quoted},"type":"complete"}}',
        )

    @abstractmethod
    def pong(self, message: Message) -> str | None:
        """The answer to a PING, with its payload; null where the protocol has none."""

    @abstractmethod
    def errors(self, errors: bytes) -> str:
        """The payload of an error, of a list of errors."""


class TransportWs(Dialect):
    """graphql-transport-ws."""

    name = "graphql-transport-ws"
    verbs: ClassVar[dict[str, Verb]] = {
        "connection_init": Verb.INIT,
        "subscribe": Verb.START,
        "complete": Verb.STOP,
        "ping": Verb.PING,
        "pong": Verb.PONG,
    }
    greeting = ('{"type":"connection_ack"}',)
    next_type = "next"

    def pong(self, message: Message) -> str | None:
        """With what the ping brought."""
        payload = bytes(message.payload).decode()
        return f'{{"type":"pong","payload":{payload}}}' if payload else '{"type":"pong"}'

    def errors(self, errors: bytes) -> str:
        """All of them."""
        return errors.decode()


class LegacyWs(Dialect):
    """The older protocol."""

    name = "graphql-ws"
    verbs: ClassVar[dict[str, Verb]] = {
        "connection_init": Verb.INIT,
        "start": Verb.START,
        "stop": Verb.STOP,
        "connection_terminate": Verb.TERMINATE,
    }
    greeting = ('{"type":"connection_ack"}', '{"type":"ka"}')
    next_type = "data"

    def pong(self, message: Message) -> str | None:
        """There is none."""
        return None

    def errors(self, errors: bytes) -> str:
        """The first: its clients expect one object."""
        return orjson.dumps(orjson.loads(errors)[0]).decode()
