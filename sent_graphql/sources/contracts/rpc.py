"""Asking the L2 over several endpoints, so that a caller sees an answer or one clear error.

It stays with the endpoint that works and turns to the next when one fails; a failed one rests for growing times. A
request is tried again until its tries or its deadline are used up. An endpoint is trusted once it has shown the right
chain id, and shows it again where its blocks give reason to doubt it.
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence

import structlog

from sent_graphql.settings import ContractsSettings
from sent_graphql.sources.contracts.batching import Batching, Outcome, failure_of
from sent_graphql.sources.contracts.endpoints import Endpoint, call_endpoints
from sent_graphql.sources.contracts.errors import (
    RpcDeadlineError,
    RpcMalformedReplyError,
    RpcRefusedError,
    RpcUnreachableError,
)
from sent_graphql.sources.contracts.transports import Request
from sent_graphql.sources.errors import SourceError, SourceMisconfiguredError


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
        self._settings = settings
        self._chain_id = chain_id
        self._clock = clock
        self._endpoints = call_endpoints(settings, random=random, clock=clock)
        self._current = 0
        self._batching = Batching(settings.max_concurrency, clock)
        self._handshake = asyncio.Lock()
        self._log = structlog.get_logger(__name__)

    @property
    def round_trips(self) -> int:
        """Round trips made so far."""
        return self._batching.round_trips

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
            open_places = [place for place in open_places if failure_of(results[place])]
            told = next((error for error in map(failure_of, outcomes) if error), None)
            # That one endpoint serves another chain is no reason where another one has failed.
            failure = failure if failure and isinstance(told, SourceMisconfiguredError) else told
            if isinstance(failure, RpcDeadlineError):
                break
        if failure and not all(isinstance(results[place], RpcRefusedError) for place in open_places):
            raise self._verdict(failure)
        return results

    def doubt(self) -> None:
        """Have the endpoints show their chain id again before they are asked for anything else."""
        for endpoint in self._endpoints:
            endpoint.trusted = False

    def turn_away(self, why: SourceError) -> None:
        """Begin with another endpoint from the next request on, if there is one: this one's answers are no good."""
        others = [endpoint for endpoint in self._endpoints if endpoint.wrong_chain is None]
        if len(others) > 1:
            self._log.warning("turned to the next endpoint", left=self._endpoints[self._current].name, why=str(why))
            self._current = (self._current + 1) % len(self._endpoints)

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
            return self._wrong_chain(self._endpoints[self._current])
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
            outcomes = await self._batching.ask(endpoint, requests, deadline)
        failure = next((error for error in map(failure_of, outcomes) if error), None)
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
        """Ask the chain id where it is not trusted; returns why the endpoint cannot be used, None if it can."""
        if endpoint.trusted:
            return None
        try:
            async with asyncio.timeout(self._left(deadline)), self._handshake:
                return None if endpoint.trusted else await self._shake_hands(endpoint, deadline)
        except TimeoutError:
            return RpcDeadlineError(f"{endpoint.name}: no answer before the deadline")

    async def _shake_hands(self, endpoint: Endpoint, deadline: float | None) -> SourceError | None:
        (outcome,) = await self._batching.ask(endpoint, [("eth_chainId", [])], deadline)
        if isinstance(outcome, RpcRefusedError):
            return RpcUnreachableError(f"{endpoint.name} refuses {outcome}")
        if isinstance(outcome, SourceError):
            return outcome
        found = _quantity(outcome)
        if found is None:
            return RpcMalformedReplyError(f"{endpoint.name} answered eth_chainId with no number")
        if found == self._chain_id:
            endpoint.verified, endpoint.trusted, endpoint.wrong_chain = True, True, None
            return None
        self._log.error("endpoint refused", endpoint=endpoint.name, chain_id=found, expected=self._chain_id)
        endpoint.refuse(found)
        return self._wrong_chain(endpoint)

    def _left(self, deadline: float | None) -> float | None:
        return None if deadline is None else deadline - self._clock()

    def _verdict(self, failure: SourceError) -> SourceError:
        """`failure`, or that the chain is another one, where no endpoint has ever shown the right one."""
        if any(endpoint.verified for endpoint in self._endpoints):
            return failure
        return next((self._wrong_chain(e) for e in self._endpoints if e.wrong_chain is not None), failure)

    def _wrong_chain(self, endpoint: Endpoint) -> SourceMisconfiguredError:
        return SourceMisconfiguredError(
            f"{endpoint.name} serves chain {endpoint.wrong_chain}, but chain {self._chain_id} is wanted "
            "(contracts.rpc_urls)"
        )


def _quantity(value: object) -> int | None:
    """A JSON-RPC quantity such as "0xa4b1"."""
    if not isinstance(value, str) or not value.startswith("0x"):
        return None
    try:
        return int(value, 16)
    except ValueError:
        return None
