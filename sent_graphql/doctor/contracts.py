"""From an RPC's URL in the settings to the contracts' code."""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

from sent_graphql.doctor.asking import Asker, AskingError
from sent_graphql.doctor.findings import Finding, Verdict, fine, note, wrong
from sent_graphql.masking import mask_urls
from sent_graphql.models.network import NetworkType
from sent_graphql.settings import ContractsSettings, NetworkSettings

CONTRACTS: Final = {
    "service_node_rewards": "the rewards contract",
    "contribution_factory": "the contribution factory",
    "reward_rate_pool": "the reward rate pool",
    "token": "the token",
}
URLS: Final = "SENT_CONTRACTS__RPC_URLS=https://… (several: parted by commas), or contracts.rpc_urls in a file"


def examine_settings(settings: ContractsSettings) -> list[Finding]:
    """What is missing before anybody can be asked."""
    findings = []
    if not settings.rpc_urls:
        findings.append(wrong("RPC URLs", "none is set", URLS))
    if settings.service_node_rewards is None:
        findings.append(
            wrong(
                "rewards contract",
                "its address is not set",
                "SENT_CONTRACTS__SERVICE_NODE_REWARDS=0x…, or contracts.service_node_rewards in a file",
            )
        )
    optional = [
        words for key, words in CONTRACTS.items() if key != "service_node_rewards" and getattr(settings, key) is None
    ]
    if optional:
        findings.append(note("contracts", f"not set: {', '.join(optional)}; what they would feed is null or empty"))
    return findings


class RpcExamination:
    """The steps along one RPC URL."""

    def __init__(
        self,
        url: str,
        settings: ContractsSettings,
        network: NetworkSettings,
        stale_after: float,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`stale_after`: seconds that the newest block may be old. `now`: Unix time."""
        self._url = url
        self._settings = settings
        self._network = network
        self._stale_after = stale_after
        self._now = now
        self._subject = f"RPC {mask_urls(url)}"

    async def findings(self) -> AsyncIterator[Finding]:
        """In order; a fault that makes the next step pointless ends them."""
        if not self._url.startswith(("http://", "https://", "ws://", "wss://")):
            yield wrong("RPC", "its URL does not begin with http://, https://, ws:// or wss://", URLS)
            return
        async with Asker(self._url, self._settings.request_timeout) as asker:
            try:
                chain = await self._chain(asker)
                yield chain
                if chain.verdict is Verdict.WRONG:
                    return
                for key, words in CONTRACTS.items():
                    address = getattr(self._settings, key)
                    if address is not None:
                        yield await self._code(asker, key, words, address)
                yield await self._head(asker)
                yield await self._batches(asker)
                yield await self._multicall(asker)
            except AskingError as error:
                yield wrong(self._subject, error.detail, *error.remedies)

    async def _chain(self, asker: Asker) -> Finding:
        chain_id = _quantity(await self._result(asker, "eth_chainId"), "eth_chainId")
        wanted = self._network.chain_id
        if chain_id != wanted:
            return wrong(
                self._subject,
                f"serves chain {chain_id}, and {self._network.name} is on chain {wanted}",
                f"name an RPC of chain {wanted}: {URLS}",
            )
        return fine(self._subject, f"serves chain {chain_id}")

    async def _code(self, asker: Asker, key: str, words: str, address: str) -> Finding:
        code = await self._result(asker, "eth_getCode", address, "latest")
        if not isinstance(code, str) or len(code) <= len("0x"):
            return wrong(
                self._subject,
                f"no code at {address}, which should be {words}",
                f"set the right address: SENT_CONTRACTS__{key.upper()}=0x…",
            )
        return fine(self._subject, f"has {words} at {address}")

    async def _head(self, asker: Asker) -> Finding:
        block = await self._result(asker, "eth_getBlockByNumber", "latest", False)
        if not isinstance(block, Mapping):
            raise AskingError("knows no newest block", "wait until that node is synced, or name another RPC")
        height = _quantity(block.get("number"), "eth_getBlockByNumber")
        age = max(0.0, self._now() - _quantity(block.get("timestamp"), "eth_getBlockByNumber"))
        detail = f"newest block {height}, {age:.0f} s old"
        if age <= self._stale_after:
            return fine(self._subject, detail)
        if self._network.nettype is NetworkType.LOCALDEV:
            return note(self._subject, f"{detail}: a chain of its own time")
        return wrong(self._subject, f"{detail}: that node lags behind", "wait until it is synced, or name another RPC")

    async def _batches(self, asker: Asker) -> Finding:
        questions = [_question(1, "eth_chainId"), _question(2, "eth_blockNumber")]
        try:
            answer = await asker.ask(questions)
        except AskingError as error:
            return self._no_batches(error.detail)
        if isinstance(answer, list) and len(answer) == len(questions) and all("result" in _table(a) for a in answer):
            return fine(self._subject, "takes batches")
        return self._no_batches("the answer was not a list of two")

    def _no_batches(self, reason: str) -> Finding:
        return note(
            self._subject,
            f"takes no batches ({mask_urls(reason)}): reads cost more round trips",
            "name an RPC that takes batches, should the provider's limits be reached",
        )

    async def _multicall(self, asker: Asker) -> Finding:
        address = self._settings.multicall
        if address is None:
            return note(self._subject, "Multicall3 is unset: batches are used in its place")
        code = await self._result(asker, "eth_getCode", address, "latest")
        if isinstance(code, str) and len(code) > len("0x"):
            return fine(self._subject, "has Multicall3")
        return note(self._subject, f"no Multicall3 at {address}: batches are used in its place")

    async def _result(self, asker: Asker, method: str, *parameters: object) -> object:
        answer = _table(await asker.ask(_question(1, method, *parameters)))
        if "result" in answer:
            return answer["result"]
        if "error" not in answer:
            raise AskingError(
                f"the answer to {method} is JSON, but no JSON-RPC",
                "check the path of the URL: it should be the JSON-RPC one",
            )
        message = str(_table(answer["error"]).get("message", "no reason given"))
        raise AskingError(
            f"refuses {method}: {mask_urls(message[:200])}",
            "check that the provider's plan covers this chain and method",
        )


def _question(number: int, method: str, *parameters: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": list(parameters)}


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _quantity(value: object, method: str) -> int:
    try:
        return int(str(value), 16)
    except ValueError:
        raise AskingError(f"the answer to {method} holds no number", "name another RPC: this is not a node's") from None
