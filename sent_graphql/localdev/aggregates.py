"""Aggregate signatures of the network's nodes: real ones, over the contracts' real messages."""

from collections.abc import Callable, Iterable, Mapping, MutableMapping

from msgspec import Struct

from sent_graphql.bls import PublicKey, SecretKey, SigningDomain
from sent_graphql.bls.points import GROUP_ORDER
from sent_graphql.localdev.constants import EXIT_SIGNATURE_SECONDS
from sent_graphql.localdev.ledger_state import LedgerState


class Aggregate(Struct, frozen=True):
    """A message, the sum of its signatures (256 hex digits) and the contract ids of those who did not sign."""

    message: bytes
    signature: str
    non_signers: tuple[int, ...]


class TimedAggregate(Struct, frozen=True):
    """An aggregate over an exit or liquidation message, and the unix seconds inside of it."""

    aggregate: Aggregate
    timestamp: int
    liquidate: bool


class NoSignerError(Exception):
    """Nobody that could be asked signed."""


class Aggregator:
    """Signs in the name of every active node whose secret key is known here.

    All nodes sign one message, so the sum of their signatures is the signature of the sum of their secret keys: one
    multiplication however many nodes there are. The two mappings belong to the caller, who keeps them up to date:
    secret scalars by BLS key, and contract ids of the nodes that the contract holds by BLS key.
    """

    def __init__(
        self,
        domain: SigningDomain,
        secrets: Mapping[str, int],
        contract_ids: Mapping[str, int],
        clock: Callable[[], int],
    ) -> None:
        self._domain = domain
        self._secrets = secrets
        self._contract_ids = contract_ids
        self._clock = clock
        self._timed: MutableMapping[str, TimedAggregate] = {}

    def holds(self, pubkey_bls: str) -> bool:
        """Whether the contract holds that node."""
        return pubkey_bls in self._contract_ids

    def reward(self, state: LedgerState, address: str, amount: int) -> Aggregate:
        """The network's word that `address` has earned `amount`. Raises NoSignerError."""
        return self._sign(state, self._domain.reward(address, amount))

    def removal(self, state: LedgerState, pubkey_bls: str, *, liquidate: bool) -> TimedAggregate:
        """The network's word that a node may leave or be liquidated, ten minutes old at most. Raises NoSignerError."""
        now = self._clock()
        cached = self._timed.get(pubkey_bls)
        if cached and cached.liquidate == liquidate and now - cached.timestamp < EXIT_SIGNATURE_SECONDS:
            return cached
        make = self._domain.liquidation if liquidate else self._domain.exit
        message = make(PublicKey.from_hex(pubkey_bls), now)
        fresh = TimedAggregate(self._sign(state, message), now, liquidate)
        self._timed = {key: kept for key, kept in self._timed.items() if now - kept.timestamp < EXIT_SIGNATURE_SECONDS}
        self._timed[pubkey_bls] = fresh
        return fresh

    def _sign(self, state: LedgerState, message: bytes) -> Aggregate:
        signers = {node.pubkey_bls for node in state.nodes.values() if node.active and node.pubkey_bls in self._secrets}
        # Only keys that the contract knows are part of its aggregate key.
        signers &= self._contract_ids.keys()
        scalar = self._sum(signers)
        if not scalar:
            raise NoSignerError("Cannot extract aggregate signature: no signatures added")
        signature = SecretKey(scalar).sign(message, self._domain.hash_tag)
        absent = sorted(number for key, number in self._contract_ids.items() if key not in signers)
        return Aggregate(message, signature.hex, tuple(absent))

    def _sum(self, signers: Iterable[str]) -> int:
        return sum(self._secrets[key] for key in signers) % GROUP_ORDER
