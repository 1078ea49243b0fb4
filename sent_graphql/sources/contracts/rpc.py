"""Asking the L2 over several endpoints, so that a caller sees an answer or one clear error.

It stays with the endpoint that works and turns to the next when one fails; a failed one rests for growing times. A
request is tried again until its tries or its deadline are used up. An endpoint is trusted once it has shown the right
chain id.
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence

import structlog

from sent_graphql.settings import ContractsSettings
from sent_graphql.sources.contracts.endpoints import Endpoint, call_endpoints
from sent_graphql.sources.contracts.errors import (
    CONTENT_TOO_LARGE,
    BatchRefusedError,
    ReplyTooLargeError,
    RpcDeadlineError,
    RpcError,
    RpcMalformedReplyError,
    RpcRefusedError,
    RpcThrottledError,
    RpcUnreachableError,
    refusal,
)
from sent_graphql.sources.contracts.transports import Request
from sent_graphql.sources.errors import SourceError, SourceMisconfiguredError

Outcome = object
"""What one request came to: its result, an RpcRefusedError (an answer too), or another RpcError (tried again)."""


class JsonRpc:
    """A JSON-RPC client of one chain. Deadlines are moments of `clock`, in seconds."""

    def __init__(
        self,
        settings: ContractsSettings,
        *,
        chain_id: int,
        random: random.Random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is sent before the first request."""
        self.round_trips = 0
        """Round trips made so far."""
        self._settings = settings
        self._chain_id = chain_id
        self._clock = clock
        self._endpoints = call_endpoints(settings, random=random, clock=clock)
        self._current = 0
        self._slots = asyncio.Semaphore(settings.max_concurrency)
        self._handshake = asyncio.Lock()
        self._log = structlog.get_logger(__name__)

    async def start(self) -> None:
        """Check that there is an endpoint to ask; it is first asked when something is wanted of it."""
        self._require_endpoints()

    async def close(self) -> None:
        """Let go of all connections."""
        for endpoint in self._endpoints:
            await endpoint.close()

    async def request(self, method: str, params: list[object], *, deadline: float | None = None) -> object:
        """The result of one request.

        Raises RpcRefusedError (or one of its kinds) for a JSON-RPC error, RpcUnreachableError, RpcTimeoutError,
        RpcThrottledError or RpcMalformedReplyError when all tries failed, and SourceMisconfiguredError when every
        endpoint that answers serves another chain.
        """
        (outcome,) = await self.batch([(method, params)], deadline=deadline)
        if isinstance(outcome, RpcRefusedError):
            raise outcome
        return outcome

    async def batch(
        self, requests: Sequence[Request], *, deadline: float | None = None
    ) -> list[object | RpcRefusedError]:
        """The results of `requests` in their order, a refused one as its error in its place.

        One round trip; more only where the endpoint has refused that many requests, or that long an answer, at once.
        Raises as `request` does, when it is the batch as a whole that failed.
        """
        self._require_endpoints()
        results: list[object] = [None] * len(requests)
        open_places = list(range(len(requests)))
        failure: SourceError | None = None
        for _ in range(self._settings.retries + len(self._endpoints)):
            if not open_places:
                break
            endpoint = await self._next_endpoint(deadline)
            if isinstance(endpoint, SourceError):
                failure = failure or endpoint
                break
            outcomes = await self._attempt(endpoint, [requests[place] for place in open_places], deadline)
            for place, outcome in zip(open_places, outcomes, strict=True):
                results[place] = outcome
            open_places = [place for place in open_places if _failure(results[place])]
            failure = next((error for error in map(_failure, outcomes) if error), None)
            if isinstance(failure, RpcDeadlineError):
                break
        if failure and not all(isinstance(results[place], RpcRefusedError) for place in open_places):
            raise self._verdict(failure)
        return results

    def _require_endpoints(self) -> None:
        if not self._endpoints:
            raise SourceMisconfiguredError("contracts.rpc_urls is not set: no L2 endpoint is known")

    async def _next_endpoint(self, deadline: float | None) -> Endpoint | SourceError:
        """The endpoint to ask now: the current one, else the next that is not resting, else the first to be rested.

        An error where that would take longer than the deadline or the longest pause allows: the reason of the rest.
        """
        count = len(self._endpoints)
        order = [(self._current + step) % count for step in range(count)]
        now = self._clock()
        usable = [i for i in order if self._endpoints[i].wrong_chain is None or self._endpoints[i].rest_until <= now]
        if not usable:
            return self._endpoints[self._current].last_error or RpcUnreachableError("no endpoint can be asked")
        index = next((i for i in usable if self._endpoints[i].rest_until <= now), None)
        if index is None:
            index = min(usable, key=lambda i: self._endpoints[i].rest_until)
            pause = self._endpoints[index].rest_until - now
            reason = self._endpoints[index].last_error
            if reason and (pause > self._settings.retry_max or (deadline is not None and now + pause >= deadline)):
                return reason
            await asyncio.sleep(pause)
        self._current = index
        return self._endpoints[index]

    async def _attempt(self, endpoint: Endpoint, requests: Sequence[Request], deadline: float | None) -> list[Outcome]:
        """One try at one endpoint, whose health is noted."""
        failures_before = endpoint.failures
        wrong = await self._verify(endpoint, deadline)
        if wrong is not None:
            outcomes: list[Outcome] = [wrong] * len(requests)
        else:
            outcomes = await self._ask(endpoint, requests, deadline)
        failure = next((error for error in map(_failure, outcomes) if error), None)
        if failure is None:
            self._note_success(endpoint)
        elif not isinstance(failure, SourceMisconfiguredError):
            self._note_failure(endpoint, failure, failures_before)
        return outcomes

    def _note_failure(self, endpoint: Endpoint, failure: SourceError, failures_before: int) -> None:
        if not isinstance(failure, RpcDeadlineError) and endpoint.failures == failures_before:
            # Requests that were under way together and failed together are one failure.
            pause = endpoint.failed(failure)
            if endpoint.failures == 1:
                self._log.warning("endpoint failed", endpoint=endpoint.name, error=str(failure), pause=round(pause, 2))

    def _note_success(self, endpoint: Endpoint) -> None:
        if endpoint.failures:
            self._log.info("endpoint works again", endpoint=endpoint.name, failures=endpoint.failures)
        endpoint.worked()

    async def _verify(self, endpoint: Endpoint, deadline: float | None) -> SourceError | None:
        """Ask the chain id at first contact; returns why the endpoint cannot be used, None if it can."""
        if endpoint.verified:
            return None
        try:
            async with asyncio.timeout(self._left(deadline)), self._handshake:
                return None if endpoint.verified else await self._shake_hands(endpoint, deadline)
        except TimeoutError:
            return RpcDeadlineError(f"{endpoint.name}: no answer before the deadline")

    async def _shake_hands(self, endpoint: Endpoint, deadline: float | None) -> SourceError | None:
        (outcome,) = await self._ask(endpoint, [("eth_chainId", [])], deadline)
        if isinstance(outcome, RpcRefusedError):
            return RpcUnreachableError(f"{endpoint.name} refuses {outcome}")
        if isinstance(outcome, SourceError):
            return outcome
        found = _quantity(outcome)
        if found is None:
            return RpcMalformedReplyError(f"{endpoint.name} answered eth_chainId with no number")
        if found == self._chain_id:
            endpoint.verified, endpoint.wrong_chain = True, None
            return None
        error = SourceMisconfiguredError(
            f"{endpoint.name} serves chain {found}, but chain {self._chain_id} is wanted (contracts.rpc_urls)"
        )
        self._log.error("endpoint refused", endpoint=endpoint.name, chain_id=found, expected=self._chain_id)
        endpoint.refuse(found, error)
        return error

    async def _ask(self, endpoint: Endpoint, requests: Sequence[Request], deadline: float | None) -> list[Outcome]:
        """The outcomes of `requests` at `endpoint`, in one round trip where it takes them at once."""
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
        if isinstance(whole, RpcThrottledError):
            return [whole] * len(requests)
        probe = await self._ask(endpoint, requests[:1], deadline)
        if isinstance(probe[0], RpcRefusedError) and probe[0].words == whole.words:
            return [RpcUnreachableError(f"{endpoint.name} refuses every request: {whole.words}")] * len(requests)
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
        answered = await asyncio.gather(*(self._ask(endpoint, piece, deadline) for piece in pieces))
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
            async with asyncio.timeout(self._left(deadline)), self._slots:
                self.round_trips += 1
                answers = await endpoint.exchange(requests)
        except TimeoutError:
            raise RpcDeadlineError(f"{endpoint.name}: no answer before the deadline") from None
        outcomes: list[Outcome] = []
        for (method, _), answer in zip(requests, answers, strict=True):
            error = answer.get("error")
            outcomes.append(refusal(method, error) if isinstance(error, dict) else answer["result"])
        return outcomes

    def _left(self, deadline: float | None) -> float | None:
        return None if deadline is None else deadline - self._clock()

    def _verdict(self, failure: SourceError) -> SourceError:
        """`failure`, or that the chain is another one, where no endpoint has ever shown the right one."""
        if not any(endpoint.verified for endpoint in self._endpoints):
            for endpoint in self._endpoints:
                if endpoint.wrong_chain is not None and endpoint.last_error is not None:
                    return endpoint.last_error
        return failure


def _failure(outcome: Outcome) -> SourceError | None:
    """The error of an outcome that another try may mend."""
    if isinstance(outcome, RpcRefusedError):
        return outcome if outcome.passing else None
    return outcome if isinstance(outcome, SourceError) else None


def _quantity(value: object) -> int | None:
    """A JSON-RPC quantity such as "0xa4b1"."""
    if not isinstance(value, str) or not value.startswith("0x"):
        return None
    try:
        return int(value, 16)
    except ValueError:
        return None
