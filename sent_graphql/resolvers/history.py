"""The events of the contracts, as far as the snapshot of the request has come."""

import re
from typing import Final

from msgspec import structs

from sent_graphql.models.history import EventFilter, StakingEvent
from sent_graphql.resolvers.context import RequestContext
from sent_graphql.resolvers.database import from_database
from sent_graphql.resolvers.errors import BadUserInputError, DatabaseAwayError
from sent_graphql.resolvers.keyset import KeysetPage, empty_page, window
from sent_graphql.resolvers.orders import Order
from sent_graphql.resolvers.paging import PageArguments
from sent_graphql.resolvers.services import History

EVENT_ORDER: Final[Order[StakingEvent]] = Order("events.CHAIN.DESC", lambda event: event.position, descending=True)
"""Newest first."""

MAX_BLOCK: Final = 2**63 - 1
"""Greatest block number that the database can hold."""

_PLACE = re.compile(r"(?P<block>[0-9]{1,18})\.0x[0-9a-f]{64}\.(?P<index>[0-9]{1,9})")


async def list_events(
    context: RequestContext, wanted: EventFilter, arguments: PageArguments
) -> KeysetPage[StakingEvent]:
    """A page of the events that match, newest first; none is of a later block than the snapshot.

    Raises NotReadyError, BadUserInputError or DatabaseAwayError.
    """
    top = context.state().network.l2_height
    part = window(EVENT_ORDER, arguments, context.options)
    to_block = top if wanted.to_block is None else min(top, wanted.to_block)
    if wanted.kinds == frozenset() or (wanted.from_block or 0) > to_block:
        return empty_page(EVENT_ORDER)
    found = _history(context).events(structs.replace(wanted, to_block=to_block), part)
    return KeysetPage(EVENT_ORDER, await from_database(found))


async def find_event(context: RequestContext, event_id: str, local_id: str) -> StakingEvent | None:
    """The event of that id; null for one that the chain does not have, or has no more after a reorganisation.

    Raises NotReadyError or DatabaseAwayError.
    """
    place = _PLACE.fullmatch(local_id)
    if place is None or int(place["block"]) > context.state().network.l2_height:
        return None
    event = await from_database(_history(context).event(int(place["block"]), int(place["index"])))
    return event if event is not None and event.id == event_id else None


def block_number(number: int | None, *, argument: str) -> int | None:
    """A block of a filter; BadUserInputError for what is none."""
    if number is not None and not 0 <= number <= MAX_BLOCK:
        raise BadUserInputError(f"`{argument}` is {number}: a block from 0 to {MAX_BLOCK} is wanted", argument=argument)
    return number


def _history(context: RequestContext) -> History:
    if context.services.history is None:
        raise DatabaseAwayError
    return context.services.history
