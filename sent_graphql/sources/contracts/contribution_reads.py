"""Contribution contracts at one block: each is read when it is discovered, and again when its events say so."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import TypeVar

import structlog

from sent_graphql.models.contracts import Contribution, ContributionContractState, ContributionStatus
from sent_graphql.sources.contracts import decoding
from sent_graphql.sources.contracts.abi import View
from sent_graphql.sources.contracts.block_batch import BlockBatch, Slot, ViewRevertedError
from sent_graphql.sources.contracts.errors import RpcMalformedReplyError

T = TypeVar("T")


class ContributionReads:
    """The reads of one refresh: `begin`, run the batch, `go_on`, run the next batch, `contracts`."""

    def __init__(self, known: Mapping[str, ContributionContractState], unreadable: set[str]) -> None:
        """`known`: the contracts as last read. `unreadable`: left out until events name them; added to here."""
        self._known = known
        self._unreadable = unreadable
        self._reads: dict[str, _ContractRead] = {}
        self._log = structlog.get_logger(__name__)

    def begin(self, batch: BlockBatch, created: Mapping[str, int], changed: Collection[str]) -> None:
        """Add contracts not read before and those that `changed`; `created`: block of creation by address."""
        self._unreadable.difference_update(changed)
        for address in created:
            if address in changed or (address not in self._known and address not in self._unreadable):
                self._reads[address] = _ContractRead(batch, address, self._known.get(address))

    def go_on(self, batch: BlockBatch) -> None:
        """Add the times of the contributions that were found; contracts that cannot be read are left out."""
        for address, read in list(self._reads.items()):
            try:
                read.go_on(batch)
            except (ViewRevertedError, RpcMalformedReplyError) as error:
                self._log.warning("contribution contract left out", address=address, error=str(error))
                self._unreadable.add(address)
                del self._reads[address]

    def stakers(self) -> set[str]:
        """Contributors and beneficiaries found so far, once `go_on` has been called."""
        found = {wallet for read in self._reads.values() for wallet in read.stakers()}
        for state in self._known.values():
            found.update(wallet for entry in state.contributions for wallet in (entry.address, entry.beneficiary))
        return found

    def contracts(self, created: Mapping[str, int]) -> dict[str, ContributionContractState]:
        """All contracts in the order of their creation."""
        states: dict[str, ContributionContractState] = {}
        for address, block in created.items():
            read = self._reads.get(address)
            state = self._known.get(address) if read is None else read.state(block)
            if state is not None and address not in self._unreadable:
                states[address] = state
        return states


class _ContractRead:
    """The reads of one contract; what it never changes is read once."""

    def __init__(self, batch: BlockBatch, address: str, known: ContributionContractState | None) -> None:
        self._address = address
        self._known = known
        self._batch = batch
        self._times: dict[str, Slot[int]] = {}
        self._status = self._call(View.STATUS, decoding.status)
        self._pubkey_bls = self._call(View.BLS_PUBKEY, decoding.bls_pubkey)
        self._params = self._call(View.SERVICE_NODE_PARAMS, decoding.node_params)
        self._contributions = self._call(View.GET_CONTRIBUTIONS, decoding.contributions)
        self._reservations = self._call(View.GET_RESERVED, decoding.reservations)
        self._total_contributed = self._number(View.TOTAL_CONTRIBUTION)
        self._total_reserved = self._number(View.TOTAL_RESERVED_CONTRIBUTION)
        self._minimum = self._number(View.MINIMUM_CONTRIBUTION)
        self._manual_finalize = self._call(
            View.MANUAL_FINALIZE, partial(decoding.boolean, what=View.MANUAL_FINALIZE.value)
        )
        if known is None:
            self._operator = self._call(View.OPERATOR, partial(decoding.address, what=View.OPERATOR.value))
            self._staking_requirement = self._number(View.STAKING_REQUIREMENT)
            self._max_contributors = self._number(View.MAX_CONTRIBUTORS, bits=decoding.INT_BITS)

    def go_on(self, batch: BlockBatch) -> None:
        """Add the contributions' times, which a finalized contract has no more use for.

        Raises ViewRevertedError or RpcMalformedReplyError where a view fails that must not. `minimumContribution()`
        may, and does when there is no room.
        """
        self._checked()
        if self._status.value is ContributionStatus.FINALIZED:
            return
        decode = partial(decoding.number, what=View.CONTRIBUTION_TIMESTAMP.value, bits=decoding.TIME_BITS)
        for share in self._contributions.value:
            self._times[share.address] = batch.call(self._address, View.CONTRIBUTION_TIMESTAMP, decode, share.address)

    def stakers(self) -> set[str]:
        """Contributors and their beneficiaries."""
        return {wallet for share in self._contributions.value for wallet in (share.address, share.beneficiary)}

    def state(self, created_at_block: int) -> ContributionContractState:
        """The contract as it stands at the block."""
        params = self._params.value
        known = self._known
        return ContributionContractState(
            address=self._address,
            status=self._status.value,
            operator=self._operator.value if known is None else known.operator,
            pubkey=params.pubkey,
            pubkey_bls=self._pubkey_bls.value,
            fee=params.fee,
            contributions=tuple(
                Contribution(
                    address=share.address,
                    beneficiary=share.beneficiary,
                    amount=share.amount,
                    contributed_at=self._contributed_at(share.address),
                )
                for share in self._contributions.value
            ),
            reservations=self._reservations.value,
            total_contributed=self._total_contributed.value,
            total_reserved=self._total_reserved.value,
            staking_requirement=self._staking_requirement.value if known is None else known.staking_requirement,
            max_contributors=self._max_contributors.value if known is None else known.max_contributors,
            minimum_contribution=self._minimum.value_unless_reverted(),
            # A contract without this view registers its node as soon as it is filled.
            manual_finalize=self._manual_finalize.value_unless_reverted() or False,
            created_at_block=created_at_block,
        )

    def _contributed_at(self, staker: str) -> int | None:
        slot = self._times.get(staker)
        return None if slot is None else slot.value_unless_reverted() or None

    def _checked(self) -> None:
        """Ask every slot for its value, so that a fault shows before the contract is counted on."""
        self.state(0)

    def _number(self, view: View, bits: int = 256) -> Slot[int]:
        return self._call(view, partial(decoding.number, what=view.value, bits=bits))

    def _call(self, view: View, decode: Callable[[bytes], T]) -> Slot[T]:
        return self._batch.call(self._address, view, decode)
