"""What events told that no view of the contracts does: kept in memory, in the measure of nodes and wallets.

Facts come in any order, twice is as good as once, and each knows its block, so that a reorganisation can take it back.
"""

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec
from msgspec import Struct, field, structs

from sent_graphql.models.contracts import ContractNode, NodeExit, NodeRegistration, Stake
from sent_graphql.models.history import StakingEvent, StakingEventKind
from sent_graphql.models.keys import bls_from_ints
from sent_graphql.models.units import FEE_BASIS

K = TypeVar("K")

FACT_KINDS: Final = (
    StakingEventKind.NEW_SERVICE_NODE,
    StakingEventKind.SEEDED_SERVICE_NODE,
    StakingEventKind.SERVICE_NODE_EXIT,
    StakingEventKind.SERVICE_NODE_LIQUIDATED,
    StakingEventKind.NEW_CONTRIBUTION_CONTRACT,
    StakingEventKind.PUBKEYS_UPDATED,
    StakingEventKind.CONTRIBUTION_FINALIZED,
)
"""Kinds that tell facts one by one; a restart reads them back."""

WALLET_KINDS: Final = (StakingEventKind.REWARDS_BALANCE_UPDATED, StakingEventKind.REWARDS_CLAIMED)
"""Kinds of which only the wallets are facts, each with the first block that names it."""


class Registered(Struct, frozen=True, gc=False):
    """NewServiceNodeV2. `initiator` is who called: in the newer generation the contribution contract, if one did."""

    registration: NodeRegistration
    initiator: str | None
    transaction: str


class Told(Struct, frozen=True, gc=False):
    """A text that an event told, and that event's place; which text it is, is said where it is kept."""

    position: int
    block: int
    text: str


class Facts(Struct):
    """What events told."""

    registered: dict[int, Registered] = field(default_factory=dict)
    """By contract id."""
    seeded: dict[int, Told] = field(default_factory=dict)
    """Ed25519 keys of nodes that the owner put in, by contract id."""
    seeds: dict[int, NodeRegistration] = field(default_factory=dict)
    """What the contract held of them; no event tells it."""
    exited: dict[int, NodeExit] = field(default_factory=dict)
    """By contract id; `liquidated` is in `liquidations`."""
    liquidations: dict[int, Told] = field(default_factory=dict)
    """Transactions by contract id."""
    wallets: dict[str, int] = field(default_factory=dict)
    """First block that names the wallet."""
    created: dict[str, Told] = field(default_factory=dict)
    """Ed25519 keys that contribution contracts were made with, by the contract's address."""
    changed_keys: dict[str, dict[int, Told]] = field(default_factory=dict)
    """Ed25519 keys that they were given later, by address and position."""
    finalized: dict[str, Told] = field(default_factory=dict)
    """Contribution contracts by the transaction that finalized them: the registration is in the same one."""

    def apply(self, event: StakingEvent) -> None:
        """Take in one event; most kinds tell no facts."""
        told = Told(event.position, event.block_number, event.pubkey or "")
        match event.kind:
            case StakingEventKind.REWARDS_BALANCE_UPDATED | StakingEventKind.REWARDS_CLAIMED:
                if event.wallet is not None:
                    self.name_wallet(event.wallet, event.block_number)
            case StakingEventKind.NEW_SERVICE_NODE:
                found = _registered(event)
                self.registered[found.registration.contract_id] = found
            case StakingEventKind.SEEDED_SERVICE_NODE if event.contract_id is not None:
                self.seeded[event.contract_id] = told
            case StakingEventKind.SERVICE_NODE_EXIT if event.contract_id is not None:
                self.exited[event.contract_id] = _exit(event, event.contract_id)
            case StakingEventKind.SERVICE_NODE_LIQUIDATED if event.contract_id is not None:
                self.liquidations[event.contract_id] = structs.replace(told, text=event.transaction_hash)
            case StakingEventKind.NEW_CONTRIBUTION_CONTRACT if event.contribution_contract_address is not None:
                self.created[event.contribution_contract_address] = told
            case StakingEventKind.PUBKEYS_UPDATED:
                self.changed_keys.setdefault(event.contract, {})[event.position] = told
            case StakingEventKind.CONTRIBUTION_FINALIZED:
                self.finalized[event.transaction_hash] = structs.replace(told, text=event.contract)

    def name_wallet(self, wallet: str, block: int) -> None:
        """The wallet has rewards on chain since that block at the latest."""
        self.wallets[wallet] = min(block, self.wallets.get(wallet, block))

    def placed(self, event: StakingEvent) -> StakingEvent:
        """The event with what only others tell of it: its node's key, and the contract that registered the node."""
        pubkey, contract = event.pubkey, event.contribution_contract_address
        if event.kind is StakingEventKind.NEW_SERVICE_NODE and event.contract_id is not None:
            contract = self.registered_by(self.registered[event.contract_id])
        elif contract is not None:
            pubkey = pubkey or self._contract_key(contract, event.position)
        elif event.contract_id is not None:
            pubkey = pubkey or self._node_key(event.contract_id)
        if (pubkey, contract) == (event.pubkey, event.contribution_contract_address):
            return event
        return structs.replace(event, pubkey=pubkey, contribution_contract_address=contract)

    def registered_by(self, node: Registered) -> str | None:
        """The contribution contract that made a registration.

        The caller, where that is a contribution contract; the older generation names the operator instead, and a
        contribution contract's Finalized in the same transaction tells.
        """
        if node.initiator in self.created:
            return node.initiator
        finalized = self.finalized.get(node.transaction)
        return finalized.text if finalized is not None and finalized.text in self.created else None

    def registered_at(self) -> dict[int, int]:
        """Blocks of the registrations that events told of, those of seeded nodes among them, by contract id."""
        seeded = {contract_id: told.block for contract_id, told in self.seeded.items()}
        return seeded | {contract_id: node.registration.block_number for contract_id, node in self.registered.items()}

    def registrations(self) -> dict[int, NodeRegistration]:
        """Registrations by contract id, ascending, those of seeded nodes among them."""
        found = {
            contract_id: structs.replace(node.registration, contribution_contract=self.registered_by(node))
            for contract_id, node in self.registered.items()
        }
        found.update((contract_id, seed) for contract_id, seed in self.seeds.items() if contract_id in self.seeded)
        return dict(sorted(found.items()))

    def exits(self) -> dict[int, NodeExit]:
        """How nodes ended, by contract id, ascending."""
        return {
            contract_id: structs.replace(left, liquidated=self._liquidated(left))
            for contract_id, left in sorted(self.exited.items())
        }

    def contracts(self) -> dict[str, int]:
        """Block of creation by contribution contract, in the order of creation."""
        created = sorted(self.created.items(), key=lambda item: item[1].position)
        return {address: told.block for address, told in created}

    def up_to(self, block: int) -> "Facts":
        """The facts told up to `block`."""
        changed = {address: _kept(keys, block) for address, keys in self.changed_keys.items()}
        return Facts(
            registered={key: node for key, node in self.registered.items() if node.registration.block_number <= block},
            seeded=_kept(self.seeded, block),
            seeds={key: seed for key, seed in self.seeds.items() if seed.block_number <= block},
            exited={key: left for key, left in self.exited.items() if left.block_number <= block},
            liquidations=_kept(self.liquidations, block),
            wallets={wallet: first for wallet, first in self.wallets.items() if first <= block},
            created=_kept(self.created, block),
            changed_keys={address: keys for address, keys in changed.items() if keys},
            finalized=_kept(self.finalized, block),
        )

    def _liquidated(self, left: NodeExit) -> bool:
        told = self.liquidations.get(left.contract_id)
        return told is not None and told.text == left.transaction_hash

    def _contract_key(self, address: str, position: int) -> str | None:
        """The key that a contribution contract had at that place; its first one for what it told while it was made."""
        changes = self.changed_keys.get(address, {})
        newest = max((place for place in changes if place <= position), default=None)
        if newest is not None:
            return changes[newest].text
        created = self.created.get(address)
        return None if created is None else created.text

    def _node_key(self, contract_id: int) -> str | None:
        node = self.registered.get(contract_id)
        if node is not None:
            return node.registration.pubkey
        seeded = self.seeded.get(contract_id)
        return None if seeded is None else seeded.text


def seeded_registration(event: StakingEvent, node: ContractNode) -> NodeRegistration:
    """The registration of a node that the owner put in, of which the contract tells the rest. Nobody knows a fee."""
    return NodeRegistration(
        contract_id=node.contract_id,
        pubkey=node.pubkey,
        pubkey_bls=node.pubkey_bls,
        operator=node.operator,
        fee=None,
        contributors=node.contributors,
        block_number=event.block_number,
        contribution_contract=None,
        added_at=node.added_at,
    )


class _Point(Struct, gc=False):
    X: int
    Y: int


class _Parameters(Struct, gc=False):
    fee: int


class _Staker(Struct, gc=False):
    addr: str
    beneficiary: str


class _Contributor(Struct, gc=False):
    staker: _Staker
    stakedAmount: int  # noqa: N815 - as the ABI names it


_CONTRIBUTORS: Final = msgspec.json.Decoder(list[_Contributor], strict=False)
_POINT: Final = msgspec.json.Decoder(_Point, strict=False)
_PARAMETERS: Final = msgspec.json.Decoder(_Parameters, strict=False)


def _registered(event: StakingEvent) -> Registered:
    contributors = tuple(
        Stake(one.staker.addr, one.staker.beneficiary, one.stakedAmount)
        for one in _CONTRIBUTORS.decode(_argument(event, "contributors"))
    )
    assert event.contract_id is not None
    assert event.pubkey is not None
    registration = NodeRegistration(
        contract_id=event.contract_id,
        pubkey=event.pubkey,
        pubkey_bls=_bls_pubkey(_argument(event, "pubkey")),
        operator=contributors[0].address,
        # The rewards contract does not check the fee; no more than all of the rewards can be taken.
        fee=min(_PARAMETERS.decode(_argument(event, "serviceNode")).fee, FEE_BASIS),
        contributors=contributors,
        block_number=event.block_number,
        contribution_contract=None,
        added_at=int(event.timestamp.timestamp()),
    )
    return Registered(registration, event.initiator, event.transaction_hash)


def _exit(event: StakingEvent, contract_id: int) -> NodeExit:
    return NodeExit(
        contract_id=contract_id,
        block_number=event.block_number,
        timestamp=int(event.timestamp.timestamp()),
        transaction_hash=event.transaction_hash,
        returned_amount=event.amount or 0,
        liquidated=False,
    )


def _argument(event: StakingEvent, name: str) -> str:
    return next(argument.value for argument in event.arguments if argument.name == name)


def _bls_pubkey(point: str) -> str:
    found = _POINT.decode(point)
    return bls_from_ints(found.X, found.Y)


def _kept(told: Mapping[K, Told], block: int) -> dict[K, Told]:
    return {key: one for key, one in told.items() if one.block <= block}
