"""What a message from oxend is, and which request it answers. No sockets here."""

import asyncio
import secrets
from typing import Final

import structlog

from sent_graphql.sources.oxend.errors import OxendError, OxendRefusedError

MAX_BODY_BYTES: Final = 1024 * 1024 - 33
"""Largest body sent: oxend cuts the connection at a part of more than 1 MiB, encryption's 33 bytes included."""

TAG_BYTES: Final = 15

HI: Final = [b"HI"]

ERROR_CODES: Final = frozenset(
    {b"UNKNOWNCOMMAND", b"FORBIDDEN", b"FORBIDDEN_SN", b"NOT_A_SERVICE_NODE", b"NO_REPLY_TAG"}
)


class InFlight:
    """The requests that wait for a reply on one connection, by their tags."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, tuple[str, asyncio.Future[list[bytes]]]] = {}
        self._log = structlog.get_logger()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, command: str) -> tuple[bytes, asyncio.Future[list[bytes]]]:
        """A fresh tag, and the future that the reply's frames after the tag will be set on."""
        tag = secrets.token_bytes(TAG_BYTES)
        future: asyncio.Future[list[bytes]] = asyncio.get_running_loop().create_future()
        self._waiting[tag] = (command, future)
        return tag, future

    def forget(self, tag: bytes) -> None:
        """Stops waiting; a reply that still comes is dropped."""
        self._waiting.pop(tag, None)

    def reply(self, frames: list[bytes]) -> None:
        """Hands out `[REPLY, tag, part…]`. A second or late reply to a tag finds nobody and is dropped."""
        waiting = self._waiting.pop(frames[1], None) if len(frames) > 1 else None
        if waiting is None:
            self._log.debug("reply dropped: nobody waits for it")
            return
        _, future = waiting
        if not future.done():
            future.set_result(frames[2:])

    def refuse(self, frames: list[bytes]) -> None:
        """Hands out `[CODE, REPLY, tag]`, or `[CODE, command]`: an untagged refusal means every such request."""
        code, *rest = (frame.decode("ascii", "replace") for frame in frames[:2])
        if len(frames) > 2 and frames[1] == b"REPLY":
            tags = [frames[2]] if frames[2] in self._waiting else []
        else:
            tags = [tag for tag, (command, _) in self._waiting.items() if [command] == rest]
        for tag in tags:
            command, future = self._waiting.pop(tag)
            if not future.done():
                future.set_exception(OxendRefusedError(command, code))

    def fail(self, error: OxendError) -> None:
        """Ends every wait with `error`: the connection is gone."""
        waiting, self._waiting = self._waiting, {}
        for _, future in waiting.values():
            if not future.done():
                future.set_exception(error)


def request_frames(command: str, tag: bytes, body: bytes | None) -> list[bytes]:
    """`[command, tag]` or `[command, tag, body]`: an empty body is none, as oxend reads the first byte of one."""
    if body and len(body) > MAX_BODY_BYTES:
        raise OxendError(f"the body of {command} is larger than oxend accepts")
    return [command.encode(), tag, body] if body else [command.encode(), tag]


def is_push(frames: list[bytes]) -> bool:
    """Whether it is a command to us, such as `notify.block`: it has a category."""
    return b"." in frames[0]
