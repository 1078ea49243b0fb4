"""The rewards contract's own figures, and the fingerprint that tells whether its list of nodes has changed."""

from functools import partial

from msgspec import Struct

from sent_graphql.models.contracts import ContractAddresses, ContractParameters
from sent_graphql.sources.contracts import decoding
from sent_graphql.sources.contracts.abi import View
from sent_graphql.sources.contracts.block_batch import BlockBatch, Slot
from sent_graphql.sources.contracts.decoding import INT_BITS


class Fingerprint(Struct, frozen=True):
    """Equal fingerprints, equal lists: a registration moves `next_id`, any coming or going the aggregate key."""

    total_nodes: int
    next_id: int
    aggregate_pubkey: str


class ParameterReads:
    """Adds the reads of all parameters to a batch, and hands out what they brought once it has run."""

    def __init__(self, batch: BlockBatch, addresses: ContractAddresses) -> None:
        self._batch = batch
        self._rewards = addresses.service_node_rewards
        self._staking_requirement = self._number(View.STAKING_REQUIREMENT)
        self._max_contributors = self._number(View.MAX_CONTRIBUTORS, bits=INT_BITS)
        self._paused = batch.call(self._rewards, View.PAUSED, partial(decoding.boolean, what=View.PAUSED.value))
        self._claim_threshold = self._number(View.CLAIM_THRESHOLD)
        self._claim_cycle = self._number(View.CLAIM_CYCLE, bits=INT_BITS)
        self._current_claim_cycle = self._number(View.CURRENT_CLAIM_CYCLE)
        self._current_claim_total = self._number(View.CURRENT_CLAIM_TOTAL)
        self._bls_non_signer_threshold = self._number(View.BLS_NON_SIGNER_THRESHOLD)
        self._total_nodes = self._number(View.TOTAL_NODES)
        self._next_id = self._number(View.NEXT_SERVICE_NODE_ID)
        self._signature_expiry = self._number(View.SIGNATURE_EXPIRY, bits=INT_BITS)
        self._aggregate = batch.call(self._rewards, View.AGGREGATE_PUBKEY, decoding.bls_pubkey)
        pool = addresses.reward_rate_pool
        self._reward_rate = None if pool is None else self._number(View.REWARD_RATE, pool)

    @property
    def parameters(self) -> ContractParameters:
        """The parameters at the batch's block."""
        return ContractParameters(
            staking_requirement=self._staking_requirement.value,
            max_contributors=self._max_contributors.value,
            paused=self._paused.value,
            claim_threshold=self._claim_threshold.value,
            claim_cycle_seconds=self._claim_cycle.value,
            current_claim_cycle=self._current_claim_cycle.value,
            current_claim_total=self._current_claim_total.value,
            bls_non_signer_threshold=self._bls_non_signer_threshold.value,
            aggregate_pubkey=self._aggregate.value,
            signature_expiry=self._signature_expiry.value,
            reward_rate=None if self._reward_rate is None else self._reward_rate.value,
        )

    @property
    def fingerprint(self) -> Fingerprint:
        """The fingerprint at the batch's block."""
        return Fingerprint(self._total_nodes.value, self._next_id.value, self._aggregate.value)

    def _number(self, view: View, to: str | None = None, bits: int = 256) -> Slot[int]:
        return self._batch.call(to or self._rewards, view, partial(decoding.number, what=view.value, bits=bits))
