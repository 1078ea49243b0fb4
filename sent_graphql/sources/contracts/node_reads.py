"""The rewards contract's nodes at one block: read as a whole once, and after that only where something changed."""

import asyncio
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Final

import structlog

from sent_graphql.models.contracts import ContractNode
from sent_graphql.sources.contracts import decoding
from sent_graphql.sources.contracts.abi import View, call_data
from sent_graphql.sources.contracts.block_batch import BlockBatch, RawSlot, Slot
from sent_graphql.sources.contracts.errors import (
    HistoryPrunedError,
    RpcMalformedReplyError,
    RpcRefusedError,
)
from sent_graphql.sources.contracts.parameters import Fingerprint

GUESSED_IDS: Final = 64
"""New ids that are read along with the list, before it names them."""


class NodeListCap:
    """Remembers whether the provider grants `allServiceNodeIDs`, which is one call of some 7,600 gas a node."""

    def __init__(self) -> None:
        self.passed = False
        self._log = structlog.get_logger(__name__)

    def note(self, error: RpcRefusedError) -> None:
        """The list was refused: from now on nodes are asked for by their ids."""
        self._log.warning("node list refused, walking the ids instead", error=str(error))
        self.passed = True


class NodeReads:
    """The reads of one refresh: `begin`, run the batch, `walk`, `go_on`, run the next batch, `nodes`."""

    def __init__(
        self,
        rewards: str,
        cap: NodeListCap,
        *,
        known: dict[int, ContractNode] | None,
        before: Fingerprint | None,
        now: Fingerprint,
    ) -> None:
        """`known`: the nodes of the last refresh, whose fingerprint was `before`; None reads all anew."""
        self._rewards = rewards
        self._cap = cap
        self._known = known or {}
        self._anew = known is None
        self._before = before
        self._now = now
        self._list: RawSlot | None = None
        self._held: Collection[int] | None = None
        self._details: dict[int, Slot[ContractNode | None]] = {}
        self._walked: dict[int, ContractNode] = {}

    def begin(self, batch: BlockBatch, *, changed: Collection[int], exited: Collection[int]) -> None:
        """Add what is needed for certain: the list if it moved, new nodes, and those that events named.

        `exited`: ids whose exit the events told; they save the list where the provider refuses it.
        """
        wanted = {contract_id for contract_id in changed if contract_id in self._known}
        if self._now == self._before and not self._anew:
            self._held = self._known
        else:
            first = self._before.next_id if self._before is not None else max(self._known, default=0) + 1
            fresh = [] if self._anew else range(first, min(self._now.next_id, first + GUESSED_IDS))
            wanted.update(fresh)
            if not self._cap.passed:
                data = call_data(View.ALL_SERVICE_NODE_IDS)
                call: dict[str, object] = {"to": self._rewards, "data": "0x" + data.hex()}
                self._list = batch.request(("eth_call", [call, hex(batch.head.number)]))
            else:
                self._held = self._told(exited, fresh)
        for contract_id in sorted(wanted):
            self._read(batch, contract_id)

    async def walk(self, new_batch: Callable[[], BlockBatch], chunk: int) -> None:
        """Where the list is refused and events do not explain the change: read every id there has been, in chunks."""
        if self._list is not None:
            try:
                self._held = await asyncio.to_thread(_list_ids, self._list.reply)
            except HistoryPrunedError:
                raise
            except RpcRefusedError as error:
                self._cap.note(error)
        if self._held is not None:
            return
        for first in range(1, self._now.next_id, chunk):
            batch = new_batch()
            slots = {
                contract_id: self._slot(batch, contract_id)
                for contract_id in range(first, min(first + chunk, self._now.next_id))
            }
            await batch.run()
            for contract_id, slot in slots.items():
                node = slot.value
                if node is not None:
                    self._walked[contract_id] = node
        self._held = self._walked.keys()

    def go_on(self, batch: BlockBatch) -> None:
        """Add the nodes that the list revealed."""
        assert self._held is not None
        for contract_id in self._held:
            unread = contract_id not in self._details and contract_id not in self._walked
            if unread and contract_id not in self._known:
                self._read(batch, contract_id)

    def nodes(self) -> dict[int, ContractNode]:
        """All nodes held at the block, by ascending id: the known ones themselves where nothing has changed.

        Raises RpcMalformedReplyError where list and details do not fit together. `totalNodes()` is no measure here:
        the contract keeps it apart from the list, and has a function to set it right.
        """
        assert self._held is not None
        if self._held is self._known and not self._details:
            return self._known
        found: dict[int, ContractNode] = {}
        for contract_id in sorted(self._held):
            node = self._walked.get(contract_id)
            if node is None:
                slot = self._details.get(contract_id)
                node = self._known[contract_id] if slot is None else slot.value
            if node is None:
                raise RpcMalformedReplyError(f"node {contract_id} is in the contract's list, but has no details")
            found[contract_id] = node
        return found

    def read(self) -> Iterator[ContractNode]:
        """The nodes that have been read by now: the known ones are those of the last refresh."""
        yield from self._walked.values()
        for slot in self._details.values():
            if slot.filled and slot.value is not None:
                yield slot.value

    def _told(self, exited: Collection[int], fresh: Collection[int]) -> Collection[int] | None:
        """The ids held now by the events' word; None where they do not explain the number of nodes."""
        if self._anew or (fresh and max(fresh) + 1 < self._now.next_id):
            return None
        held = (set(self._known) | set(fresh)) - set(exited)
        return held if len(held) == self._now.total_nodes else None

    def _read(self, batch: BlockBatch, contract_id: int) -> None:
        self._details[contract_id] = self._slot(batch, contract_id)

    def _slot(self, batch: BlockBatch, contract_id: int) -> Slot[ContractNode | None]:
        decode = partial(decoding.node, contract_id=contract_id)
        return batch.call(self._rewards, View.SERVICE_NODES, decode, contract_id)


def _list_ids(reply: object) -> list[int]:
    if isinstance(reply, RpcRefusedError):
        raise reply
    if not isinstance(reply, str):
        raise RpcMalformedReplyError("allServiceNodeIDs: hex is wanted as the result")
    try:
        data = bytes.fromhex(reply.removeprefix("0x"))
    except ValueError:
        raise RpcMalformedReplyError("allServiceNodeIDs: the result is not hex") from None
    return [contract_id for contract_id, _ in decoding.node_ids(data)]
