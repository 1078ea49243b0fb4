"""One endpoint of the L2: its answers matched to its questions, and when it may be asked again."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from pydantic import SecretStr

from sent_graphql.settings import ContractsSettings
from sent_graphql.sources.contracts.errors import (
    BatchRefusedError,
    HttpRefusedError,
    RpcError,
    RpcMalformedReplyError,
    names_batches,
)
from sent_graphql.sources.contracts.transports import (
    HttpTransport,
    Request,
    Transport,
    WebSocketTransport,
    public_name,
    url_secrets,
)
from sent_graphql.sources.errors import SourceError

MAX_RETRY_AFTER: Final = 300.0
"""Seconds: longer wishes of an endpoint to be left alone are cut to this."""

HTTP_SCHEMES: Final = ("http://", "https://")
WS_SCHEMES: Final = ("ws://", "wss://")


class Endpoint:
    """Where one URL leads, what is known of it, and its rest after a failure."""

    def __init__(
        self,
        name: str,
        transport: Transport,
        settings: ContractsSettings,
        *,
        secrets: Sequence[str] = (),
        random: random.Random,
        clock: Callable[[], float],
    ) -> None:
        """`name` is what logs and errors may show, `secrets` what they never may, even in a provider's own words.

        `clock` gives seconds of the deadlines' clock.
        """
        self.name = name
        self.verified = False
        """Whether it has ever shown the right chain id."""
        self.trusted = False
        """Whether it has shown it, and nothing since gave reason to ask again."""
        self.wrong_chain: int | None = None
        """The chain id it showed when it was another one."""
        self.batch_limit: int | None = None
        """Most requests it takes in one batch, where it has refused more; 1 where it knows no batches."""
        self.failures = 0
        """Failures in a row."""
        self.rest_until = 0.0
        self.last_error: SourceError | None = None
        self._secrets = secrets
        self._transport = transport
        self._settings = settings
        self._random = random
        self._clock = clock

    async def exchange(self, requests: Sequence[Request]) -> list[Mapping[str, object]]:
        """One round trip: the answer objects in the order of `requests`, each with `result` or `error`.

        Raises BatchRefusedError when one error answers a whole batch, RpcMalformedReplyError when ids or counts do not
        match: an answer is never given to another question.
        """
        forms = [self._transport.form(request) for request in requests]
        reply = await self._send(forms)
        self._mask(reply)
        if len(forms) == 1:
            return [self._answer(reply, forms[0])]
        refused = _whole_refusal(reply)
        if refused is not None:
            raise BatchRefusedError(refused)
        if not isinstance(reply, list):
            raise RpcMalformedReplyError(f"{self.name} answered a batch with one object")
        return self._in_order(reply, forms)

    async def close(self) -> None:
        """Let go of its connections."""
        await self._transport.close()

    def worked(self) -> None:
        """Note a success."""
        self.failures = 0
        self.rest_until = 0.0
        self.last_error = None

    def failed(self, error: SourceError) -> float:
        """Note a failure; returns the seconds that the endpoint now rests."""
        self.failures += 1
        self.last_error = error
        settings = self._settings
        longest = min(settings.retry_max, settings.retry_initial * 2.0 ** min(self.failures - 1, 32))
        pause = longest * self._random.uniform(0.5, 1.0)
        if isinstance(error, RpcError) and error.retry_after is not None:
            pause = max(pause, min(error.retry_after, MAX_RETRY_AFTER))
        self.rest_until = self._clock() + pause
        return pause

    def refuse(self, chain_id: int) -> None:
        """Note that it serves chain `chain_id`, which is not ours."""
        self.wrong_chain = chain_id
        self.rest_until = self._clock() + self._settings.retry_max

    async def _send(self, forms: list[Mapping[str, object]]) -> object:
        if len(forms) == 1:
            return await self._transport.exchange(forms[0])
        try:
            return await self._transport.exchange(forms)
        except HttpRefusedError as error:
            # It may be the batch that is not liked.
            raise BatchRefusedError({"message": self._masked(error.words) or str(error)}) from error

    def _mask(self, reply: object) -> None:
        """Take our own keys out of error messages, where some providers repeat them."""
        for item in reply if isinstance(reply, list) else [reply]:
            error = item.get("error") if isinstance(item, dict) else None
            if isinstance(error, dict) and isinstance(error.get("message"), str):
                error["message"] = self._masked(error["message"])

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def _answer(self, item: object, form: Mapping[str, object]) -> Mapping[str, object]:
        """The answer to a request sent alone; errors with a null id count, since they cannot be another's."""
        if not isinstance(item, dict) or not _is_answer(item):
            raise RpcMalformedReplyError(f"{self.name} answered {form['method']} with no result and no error")
        if item.get("id") != form["id"] and not ("error" in item and item.get("id") is None):
            raise RpcMalformedReplyError(f"{self.name} answered {form['method']} under another id")
        return item

    def _in_order(self, reply: list[object], forms: list[Mapping[str, object]]) -> list[Mapping[str, object]]:
        if len(reply) != len(forms):
            raise RpcMalformedReplyError(f"{self.name} answered {len(reply)} of {len(forms)} requests of a batch")
        by_id: dict[object, Mapping[str, object]] = {}
        for item in reply:
            if not isinstance(item, dict) or not _is_answer(item) or not isinstance(item.get("id"), int | str):
                raise RpcMalformedReplyError(f"{self.name} answered a batch with an item that is no answer")
            by_id[item["id"]] = item
        try:
            return [by_id[form["id"]] for form in forms]
        except KeyError:
            raise RpcMalformedReplyError(f"{self.name} answered a batch with missing or repeated ids") from None


def call_endpoints(
    settings: ContractsSettings, *, random: random.Random, clock: Callable[[], float]
) -> tuple[Endpoint, ...]:
    """The endpoints for requests: those over HTTP, and the WebSocket ones for when none of them answers."""
    urls = sorted((url.get_secret_value() for url in settings.rpc_urls), key=lambda url: url.startswith(WS_SCHEMES))
    return tuple(
        Endpoint(
            public_name(url),
            HttpTransport(url, settings) if url.startswith(HTTP_SCHEMES) else WebSocketTransport(url, settings),
            settings,
            secrets=url_secrets(url),
            random=random,
            clock=clock,
        )
        for url in urls
    )


def push_urls(settings: ContractsSettings) -> tuple[SecretStr, ...]:
    """The URLs that can push new heads."""
    return tuple(url for url in settings.rpc_urls if url.get_secret_value().startswith(WS_SCHEMES))


def _is_answer(item: Mapping[str, object]) -> bool:
    return isinstance(item.get("error"), dict) or ("result" in item and item.get("error") is None)


def _whole_refusal(reply: object) -> Mapping[str, object] | None:
    """The error that answers a whole batch: alone, as the only item of a list, or in every item of it."""
    errors = [
        item["error"] if isinstance(item, dict) and isinstance(item.get("error"), dict) else None
        for item in (reply if isinstance(reply, list) else [reply])
    ]
    first: Mapping[str, object] | None = errors[0] if errors else None
    if first is None or len(errors) == 1:
        return first
    return first if names_batches(first) and all(error == first for error in errors) else None
