"""Follows the rewards contract's events on the L2, as oxend's tracker does."""

from collections import deque
from typing import Any, Final

from sent_graphql.localdev.chain import Chain
from sent_graphql.localdev.contract_events import TOPICS, ContractEvent, decode_event
from sent_graphql.localdev.ledger_events import Exited, L2Event, Registered

_REMEMBERED_BLOCKS: Final = 256
"""How deep a reorganisation of the L2 is noticed; oxend has none of these since it follows a final head."""


class L2Follower:
    """Reads block by block. Not safe for two tasks at once."""

    def __init__(self, chain: Chain, rewards_contract: str, *, from_block: int) -> None:
        self._chain = chain
        self._rewards_contract = rewards_contract
        self._start = from_block
        self._next = from_block
        self._tail: deque[tuple[int, str]] = deque(maxlen=_REMEMBERED_BLOCKS)
        self.contract_ids: dict[str, int] = {}
        """The nodes that the contract holds: contract id by BLS key."""

    @property
    def height(self) -> int:
        """The last block that was read."""
        return self._next - 1

    async def poll(self) -> tuple[L2Event, ...]:
        """Events of the blocks since the last poll, in order; what a reorganisation brought back is told again."""
        head = await self._chain.request("eth_getBlockByNumber", "latest", False)
        number = int(head["number"], 16)
        await self._step_back()
        if number < self._next:
            return ()
        read = await self._read(self._next, number)
        self._next = number + 1
        self._tail.append((number, head["hash"]))
        self._note_ids(read)
        return tuple(one.event for one in read)

    async def _step_back(self) -> None:
        """Forgets blocks that are on the chain no more."""
        forked = False
        while self._tail and not await self._is_on_chain(*self._tail[-1]):
            self._tail.pop()
            forked = True
        if forked:
            self._next = self._tail[-1][0] + 1 if self._tail else self._start
            self.contract_ids.clear()
            if self._next > self._start:
                self._note_ids(await self._read(self._start, self._next - 1))

    async def _is_on_chain(self, number: int, block_hash: str) -> bool:
        block: dict[str, Any] | None = await self._chain.request("eth_getBlockByNumber", hex(number), False)
        return block is not None and block["hash"] == block_hash

    async def _read(self, first: int, last: int) -> list[ContractEvent]:
        logs = await self._chain.request(
            "eth_getLogs",
            {
                "address": self._rewards_contract,
                "fromBlock": hex(first),
                "toBlock": hex(last),
                "topics": [list(TOPICS)],
            },
        )
        return [decode_event(log) for log in logs]

    def _note_ids(self, read: list[ContractEvent]) -> None:
        for one in read:
            if isinstance(one.event, Registered):
                self.contract_ids[one.event.registration.pubkey_bls] = one.contract_id
            elif isinstance(one.event, Exited):
                self.contract_ids.pop(one.event.pubkey_bls, None)
