"""What a transport sees of live queries: it gives an operation and an outlet, and gets a subscription."""

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from graphql import GraphQLError


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What a subscriber asks, as it came: the document's text, which of its operations, and the variables.

    An empty name is none.
    """

    query: str
    name: str | None = None
    variables: Mapping[str, Any] | None = None


class Outlet(Protocol):
    """Where the messages of one subscription go. One call at a time; nothing more after `error` or `complete`.

    Bytes are finished JSON and shared between subscribers. A call has ended when the transport is ready for the next
    one: while it waits, news are folded. It begins in another task than the one that ends it, so nothing in it may
    depend on the current task (`asyncio.timeout`, anyio's cancel scopes). It may be cancelled where it waits: when the
    subscription is stopped, or is closed for reading too slowly; in the latter case `error` follows. An exception
    from `next` says that the reader is gone: the subscription is over, and nothing more is called.
    """

    def room(self) -> Coroutine[Any, Any, None] | None:
        """What to wait for until the reader has taken what it was sent; null where it is ready for more.

        News that come up while it is waited for are folded, and nothing is kept for the reader.
        """

    def next(self, payload: bytes) -> Coroutine[Any, Any, None] | None:
        """A result: the payload of graphql-transport-ws' and graphql-sse's `next`, `{"data": …}`.

        Null says that it was sent at once, which is what thousands of subscribers can be sent by.
        """

    async def error(self, errors: bytes) -> None:
        """The end, for these errors: a list of them in GraphQL's form."""

    async def complete(self) -> None:
        """The end, because the service goes down."""

    def cut(self) -> None:
        """The reader takes nothing, not even the error that says so: its connection is of no use."""


class Subscription(Protocol):
    """What a subscriber holds until it has had enough."""

    def stop(self) -> None:
        """The end, as the subscriber wishes. Nothing more is called of the outlet. Once over, it does nothing."""


class LiveQueries(Protocol):
    """Answers subscriptions, again and again."""

    async def subscribe(self, operation: Operation, outlet: Outlet) -> Subscription:
        """Hands the present state to `outlet`, and what changes from then on until the subscription ends.

        Returns when the first `outlet.next` has begun. Raises SubscriptionRefusedError for what cannot be answered.
        Cancelling it leaves nothing behind.
        """

    async def close(self) -> None:
        """Completes all subscriptions and refuses new ones: the service goes down."""


class SubscriptionRefusedError(Exception):
    """The operation is not answered: it does not parse, validate or fit, is no subscription, or is one too many.

    `errors` are as an HTTP answer would have them.
    """

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = tuple(errors)

    def json(self) -> bytes:
        """The errors in the form that `Outlet.error` takes."""
        return errors_json(self.errors)


def errors_json(errors: Sequence[GraphQLError]) -> bytes:
    """A list of errors in GraphQL's form."""
    return orjson.dumps([error.formatted for error in errors])
