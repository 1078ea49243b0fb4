"""Whose signatures the rewards contract counts at its newest block, read when the last view may be behind."""

from collections.abc import Collection
from functools import partial

from sent_graphql.models.contracts import ContractNode
from sent_graphql.models.signatures import SignerSet
from sent_graphql.sources.contracts import decoding
from sent_graphql.sources.contracts.abi import View
from sent_graphql.sources.contracts.block_batch import BlockBatch, Slot
from sent_graphql.sources.contracts.calls import BlockReader
from sent_graphql.sources.contracts.decoding import INT_BITS
from sent_graphql.sources.contracts.fork import newest_block
from sent_graphql.sources.contracts.rpc import JsonRpc


class SignerReads:
    """Reads the contract's own sum of keys instead of all of them: that is what it checks signatures against."""

    def __init__(self, rpc: JsonRpc, reader: BlockReader, rewards: str) -> None:
        self._rpc = rpc
        self._reader = reader
        self._rewards = rewards

    async def read(self, contract_ids: Collection[int], pubkey: str | None) -> SignerSet:
        """The signers at the newest block, with those nodes of `contract_ids` and of the Ed25519 key that it holds.

        Three round trips with a `pubkey`, two without. Raises RpcError.
        """
        head = await newest_block(self._rpc)
        batch = BlockBatch(self._rpc, self._reader, head)
        aggregate = batch.call(self._rewards, View.AGGREGATE_PUBKEY, decoding.bls_pubkey)
        threshold = self._number(batch, View.BLS_NON_SIGNER_THRESHOLD)
        expiry = self._number(batch, View.SIGNATURE_EXPIRY)
        nodes = {contract_id: self._node(batch, contract_id) for contract_id in contract_ids}
        named = None if pubkey is None else self._number(batch, View.ED25519_TO_SERVICE_NODE_ID, pubkey)
        await batch.run()
        if named is not None and named.value and named.value not in nodes:
            batch = BlockBatch(self._rpc, self._reader, head)
            nodes[named.value] = self._node(batch, named.value)
            await batch.run()
        return SignerSet(
            aggregate_pubkey=aggregate.value,
            nodes={contract_id: slot.value for contract_id, slot in nodes.items() if slot.value is not None},
            non_signer_threshold=threshold.value,
            signature_expiry=expiry.value,
        )

    def _node(self, batch: BlockBatch, contract_id: int) -> Slot[ContractNode | None]:
        decode = partial(decoding.node, contract_id=contract_id)
        return batch.call(self._rewards, View.SERVICE_NODES, decode, contract_id)

    def _number(self, batch: BlockBatch, view: View, *arguments: str) -> Slot[int]:
        return batch.call(self._rewards, view, partial(decoding.number, what=view.value, bits=INT_BITS), *arguments)
