"""What clients do, well and badly: each here is one client from its connection to its end, however that comes."""

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable
from typing import Final

import orjson

from live.readers import BINARY, CLOSE, HANDSHAKE, PING, PONG, TEXT, frame, frame_at
from live.scenario import questions

EVERYTHING: Final = "subscription { serviceNodes { version upserted { id pubkey pubkeyBls lastUptimeProof } removed } }"
"""The largest answer that there is; one who does not read is soon behind."""

STAY: Final = 4.0
"""Seconds that a client stays at most, of its own will."""

LINGER: Final = 12.0
"""Seconds that a bad one waits for the server to end it."""

SMALL_BUFFER: Final = 4_096
CONTINUATION: Final = 0
RESERVED: Final = 3


class Client:
    """A socket and what was read from it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._buffer = b""

    def send(self, data: bytes) -> None:
        """Sends bytes as they are."""
        self._writer.write(data)

    def say(self, **message: object) -> None:
        """Sends a message of graphql-transport-ws."""
        self.send(frame(TEXT, orjson.dumps(message)))

    def ask(self, operation_id: str, query: str, variables: object = None) -> None:
        """Begins an operation."""
        self.say(type="subscribe", id=operation_id, payload={"query": query, "variables": variables})

    async def handshake(self) -> None:
        """Becomes a WebSocket."""
        self.send(HANDSHAKE)
        await self._reader.readuntil(b"\r\n\r\n")

    async def hear(self) -> None:
        """Reads one message; pings are answered. ConnectionError when the server has ended it."""
        while True:
            while (whole := frame_at(self._buffer, 0)) is not None:
                opcode, start, end = whole
                content, self._buffer = self._buffer[start:end], self._buffer[end:]
                if opcode == PING:
                    self.send(frame(PONG, content))
                elif opcode == CLOSE:
                    raise ConnectionAbortedError
                else:
                    return
            await self._more()

    async def ended(self) -> None:
        """Reads on until the server ends it, for as long as one lingers."""
        async with asyncio.timeout(LINGER):
            while True:
                await self.hear()

    async def stay(self, chance: random.Random) -> None:
        """Reads on for a while."""
        try:
            async with asyncio.timeout(chance.uniform(0, STAY)):
                while True:
                    await self.hear()
        except TimeoutError:
            return

    def cut(self) -> None:
        """Is gone without a word."""
        self._writer.transport.abort()

    async def _more(self) -> None:
        data = await self._reader.read(65_536)
        if not data:
            raise ConnectionResetError
        self._buffer += data


async def _subscribed(client: Client, chance: random.Random) -> None:
    question = chance.choice(questions())
    await client.handshake()
    client.say(type="connection_init")
    await client.hear()
    client.ask("1", question.query, question.variables)
    await client.hear()


async def well_behaved(client: Client, chance: random.Random) -> None:
    """Subscribes, reads, completes and closes."""
    await _subscribed(client, chance)
    await client.stay(chance)
    client.say(type="complete", id="1")
    client.send(frame(CLOSE, (1000).to_bytes(2)))
    await client.ended()


async def cut_off(client: Client, chance: random.Random) -> None:
    """Vanishes in the middle of a subscription."""
    await _subscribed(client, chance)
    await client.stay(chance)


async def cut_off_early(client: Client, chance: random.Random) -> None:
    """Vanishes while its first answer is made."""
    question = chance.choice(questions())
    await client.handshake()
    client.say(type="connection_init")
    client.ask("1", question.query, question.variables)
    await asyncio.sleep(chance.uniform(0, 0.02))


async def slow(client: Client, chance: random.Random) -> None:
    """Asks for much and reads nothing, until it is given up."""
    await client.handshake()
    client.say(type="connection_init")
    await client.hear()
    for number in range(3):
        client.ask(str(number), EVERYTHING)
    await asyncio.sleep(chance.uniform(0, LINGER))


async def busy(client: Client, chance: random.Random) -> None:
    """Begins and ends operations as fast as it can, some with ids that are taken or never were."""
    await _subscribed(client, chance)
    for number in range(100):
        question = chance.choice(questions())
        client.ask(str(number + 2), question.query, question.variables)
        client.say(type="complete", id=str(chance.randrange(number + 3, number + 5)))
        if chance.random() < 0.5:
            client.say(type="complete", id=str(number + 2))
        client.ask(f"query {number}", "{ network { blockHeight } }")
    await client.stay(chance)


async def malformed_frames(client: Client, chance: random.Random) -> None:
    """Speaks no WebSocket."""
    await _subscribed(client, chance)
    client.send(
        chance.choice(
            [
                chance.randbytes(chance.randrange(1, 2_000)),
                frame(RESERVED, b"reserved"),
                frame(CONTINUATION, b"of nothing"),
                frame(TEXT, b"\xff\xfe not UTF-8"),
                frame(BINARY, b"{}"),
                b"\x81\x05naked",
                b"\x81\xff" + (2**40).to_bytes(8) + bytes(4),
                b"\x01\x85" + bytes(4) + b"never",
                frame(CLOSE, b"\x00"),
            ]
        )
    )
    await client.ended()


async def malformed_messages(client: Client, chance: random.Random) -> None:
    """Speaks no graphql-transport-ws."""
    await client.handshake()
    if chance.random() < 0.7:
        client.say(type="connection_init")
        await client.hear()
    content = chance.choice(
        [
            b"",
            b"{",
            b"[" * 10_000,
            b'{"type":"connection_init"}',
            b'{"type":"nothing"}',
            b'{"type":"subscribe","id":"1"}',
            b'{"type":"subscribe","id":"1","payload":{"query":"subscription { nothing }"}}',
            b'{"type":"subscribe","id":"1","payload":{"query":"{{{{"}}',
            b'{"type":"subscribe","id":"' + b"x" * 1_000 + b'","payload":{"query":"{ a }"}}',
        ]
    )
    client.send(frame(TEXT, content))
    await client.ended()


async def half_open(client: Client, chance: random.Random) -> None:
    """Never ends its handshake, or says nothing after it."""
    client.send(HANDSHAKE[: chance.choice([0, 1, 20, len(HANDSHAKE) - 2])])
    await asyncio.sleep(chance.uniform(0, STAY))


async def silent(client: Client, _chance: random.Random) -> None:
    """Says nothing after its handshake."""
    await client.handshake()
    await client.ended()


async def idle(client: Client, _chance: random.Random) -> None:
    """Asks for nothing, and answers pings."""
    await client.handshake()
    client.say(type="connection_init")
    await client.ended()


async def deaf(client: Client, chance: random.Random) -> None:
    """Subscribes and is gone without its system saying so: nobody answers pings."""
    await _subscribed(client, chance)
    await asyncio.sleep(LINGER)


async def event_stream(client: Client, chance: random.Random) -> None:
    """Has events streamed, and vanishes."""
    question = chance.choice(questions())
    body = orjson.dumps({"query": question.query, "variables": question.variables})
    client.send(
        b"POST /graphql HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n"
        b"content-type: application/json\r\ncontent-length: " + str(len(body)).encode() + b"\r\n\r\n" + body
    )
    await asyncio.sleep(chance.uniform(0, STAY))


async def half_a_request(client: Client, chance: random.Random) -> None:
    """Promises a body that never comes whole."""
    client.send(
        b"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        b'content-length: 1000\r\n\r\n{"query":'
    )
    await asyncio.sleep(chance.uniform(0, STAY))


Mishap = Callable[[Client, random.Random], Awaitable[None]]

MISHAPS: Final[tuple[Mishap, ...]] = (
    well_behaved,
    cut_off,
    cut_off_early,
    slow,
    busy,
    malformed_frames,
    malformed_messages,
    half_open,
    silent,
    idle,
    deaf,
    event_stream,
    half_a_request,
)


async def meet(mishap: Mishap, port: int, chance: random.Random) -> str:
    """Lets one happen; says how it ended, in a word."""
    connection = socket.socket()
    if mishap is slow:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
    # A small limit: who does not read is to leave the bytes in the system's buffers.
    client = Client(*await asyncio.open_connection(sock=connection, limit=SMALL_BUFFER))
    try:
        await mishap(client, chance)
    except TimeoutError:
        return "lingered"
    except (ConnectionError, asyncio.IncompleteReadError):
        return "ended"
    else:
        return "left"
    finally:
        client.cut()
