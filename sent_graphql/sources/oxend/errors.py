"""What asking oxend can fail with. Messages are for users: short, and free of keys."""

from sent_graphql.sources.errors import SourceError


class OxendError(SourceError):
    """oxend did not give what was asked."""


class OxendUnreachableError(OxendError):
    """There is no connection, or it broke before the reply."""


class OxendTimeoutError(OxendError):
    """Connected, but no reply came in time: an expected outcome, since oxend drops what it cannot queue."""


class OxendRefusedError(OxendError):
    """OxenMQ itself refused the command; `code` is its word for why (UNKNOWNCOMMAND, FORBIDDEN, …)."""

    def __init__(self, command: str, code: str) -> None:
        """`command` as it was sent, `code` as it came."""
        super().__init__(f"oxend refuses {command}: {code}")
        self.command = command
        self.code = code


class OxendUpstreamError(OxendError):
    """The command ran and failed; `status` is the reply's status frame, `message` its text."""

    def __init__(self, command: str, status: int, message: str) -> None:
        """`message` is shortened where it is long: its length is oxend's business, the log's is ours."""
        shown = message if len(message) <= _MESSAGE_SHOWN else message[: _MESSAGE_SHOWN - 1] + "…"
        super().__init__(f"oxend answers {command} with {status}: {shown}")
        self.command = command
        self.status = status
        self.message = message


class OxendMalformedReplyError(OxendError):
    """The reply is not what the command promises; the message names the field."""

    def __init__(self, command: str, detail: str) -> None:
        """`detail` says what is wrong and where."""
        super().__init__(f"oxend's reply to {command} is malformed: {detail}")
        self.command = command


class OxendNotReadyError(OxendError):
    """oxend answers, but what it says is no data: it is syncing, or its chain went backwards."""


_MESSAGE_SHOWN = 300
