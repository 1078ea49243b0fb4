"""Several requests at one endpoint: in one round trip where it can be, in pieces where its bounds demand it."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from sent_graphql.sources.contracts.endpoints import Endpoint
from sent_graphql.sources.contracts.errors import (
    CONTENT_TOO_LARGE,
    BatchRefusedError,
    ReplyTooLargeError,
    RpcDeadlineError,
    RpcError,
    RpcRefusedError,
    RpcThrottledError,
    RpcUnreachableError,
    refusal,
)
from sent_graphql.sources.contracts.transports import Request
from sent_graphql.sources.errors import SourceError

Outcome = object
"""What one request came to: its result, an RpcRefusedError (an answer too), or another RpcError (to be tried again)."""


def failure_of(outcome: Outcome) -> SourceError | None:
    """The error of an outcome that another try may mend."""
    if isinstance(outcome, RpcRefusedError):
        return outcome if outcome.passing else None
    return outcome if isinstance(outcome, SourceError) else None


class Batching:
    """Makes the round trips, at most `max_concurrency` at once. `clock`: the deadlines' clock, in seconds."""

    def __init__(self, max_concurrency: int, clock: Callable[[], float]) -> None:
        self.round_trips = 0
        """Round trips made so far."""
        self._slots = asyncio.Semaphore(max_concurrency)
        self._clock = clock
        self._log = structlog.get_logger(__name__)

    async def ask(self, endpoint: Endpoint, requests: Sequence[Request], deadline: float | None) -> list[Outcome]:
        """The outcomes of `requests` at `endpoint` in their order, in one round trip where it takes them at once.

        Nothing is raised: where a round trip failed, its error is the outcome of each request that was in it.
        """
        limit = endpoint.batch_limit
        if limit is not None and len(requests) > limit:
            return await self._ask_in_pieces(endpoint, requests, limit, deadline)
        half = (len(requests) + 1) // 2
        try:
            outcomes = await self._round_trip(endpoint, requests, deadline)
        except BatchRefusedError as error:
            return await self._ask_refused_batch(endpoint, requests, error, deadline)
        except ReplyTooLargeError as error:
            if len(requests) > 1:
                return await self._ask_in_pieces(endpoint, requests, half, deadline)
            return [refusal(requests[0][0], {"code": CONTENT_TOO_LARGE, "message": f"content too large: {error}"})]
        except RpcError as error:
            return [error] * len(requests)
        return await self._ask_crowded_again(endpoint, requests, outcomes, deadline)

    async def _ask_refused_batch(
        self, endpoint: Endpoint, requests: Sequence[Request], error: BatchRefusedError, deadline: float | None
    ) -> list[Outcome]:
        """Ask one request alone; if that passes, the size of the batch was the fault, which is remembered."""
        whole = refusal("batch", error.error)
        if isinstance(whole, RpcThrottledError) and not error.names_batches:
            return [whole] * len(requests)
        probe = await self.ask(endpoint, requests[:1], deadline)
        if failure_of(probe[0]):
            return probe * len(requests)
        if isinstance(probe[0], RpcRefusedError) and probe[0].words == str(error):
            return [RpcUnreachableError(f"{endpoint.name} refuses every request: {error}")] * len(requests)
        endpoint.batch_limit = len(requests) // 2 if error.too_many else 1
        self._log.warning(
            "endpoint refuses batch",
            endpoint=endpoint.name,
            size=len(requests),
            error=str(error),
            limit=endpoint.batch_limit,
        )
        return probe + await self._ask_in_pieces(endpoint, requests[1:], endpoint.batch_limit, deadline)

    async def _ask_in_pieces(
        self, endpoint: Endpoint, requests: Sequence[Request], size: int, deadline: float | None
    ) -> list[Outcome]:
        pieces = [requests[start : start + size] for start in range(0, len(requests), size)]
        answered = await asyncio.gather(*(self.ask(endpoint, piece, deadline) for piece in pieces))
        return [outcome for outcomes in answered for outcome in outcomes]

    async def _ask_crowded_again(
        self, endpoint: Endpoint, requests: Sequence[Request], outcomes: list[Outcome], deadline: float | None
    ) -> list[Outcome]:
        """Ask again, apart, what was refused because the batch's answer as a whole became too long."""
        crowded = [i for i, o in enumerate(outcomes) if isinstance(o, RpcRefusedError) and o.reply_too_large]
        if len(requests) == 1 or not crowded:
            return outcomes
        size = (len(crowded) + 1) // 2 if len(crowded) == len(requests) else len(crowded)
        again = await self._ask_in_pieces(endpoint, [requests[i] for i in crowded], size, deadline)
        for place, outcome in zip(crowded, again, strict=True):
            outcomes[place] = outcome
        return outcomes

    async def _round_trip(
        self, endpoint: Endpoint, requests: Sequence[Request], deadline: float | None
    ) -> list[Outcome]:
        try:
            left = None if deadline is None else deadline - self._clock()
            async with asyncio.timeout(left), self._slots:
                self.round_trips += 1
                answers = await endpoint.exchange(requests)
        except TimeoutError:
            raise RpcDeadlineError(f"{endpoint.name}: no answer before the deadline") from None
        outcomes: list[Outcome] = []
        for (method, _), answer in zip(requests, answers, strict=True):
            error = answer.get("error")
            outcomes.append(refusal(method, error) if isinstance(error, dict) else answer["result"])
        return outcomes
