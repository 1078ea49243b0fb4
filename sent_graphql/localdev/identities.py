"""The keys of the local network's nodes, all of them made from its seed."""

from typing import Final

from msgspec import Struct
from nacl.signing import SigningKey
from py_ecc.optimized_bn128.optimized_curve import G1, add, multiply, neg

from sent_graphql.bls import PublicKey, SecretKey, SigningDomain
from sent_graphql.bls.points import GROUP_ORDER, G1Point
from sent_graphql.localdev.chance import dice
from sent_graphql.localdev.service_nodes import NodeStake, Registration

BLS_ZERO_INDEX: Final = 3
ED25519_ZERO_INDEX: Final = 5
"""Nodes whose key begins with a zero byte, by their index: what drops leading zeros fails on them."""


class NodeIdentity(Struct, frozen=True, kw_only=True):
    """One node's keys. Secrets are not shown."""

    index: int
    signing_key: SigningKey
    bls_secret: SecretKey
    bls_pubkey: PublicKey

    @property
    def pubkey(self) -> str:
        """Ed25519 key: 64 hex digits."""
        return self.signing_key.verify_key.encode().hex()

    @property
    def pubkey_bls(self) -> str:
        """BLS key: 128 hex digits."""
        return self.bls_pubkey.hex

    def register(self, contributors: tuple[NodeStake, ...], fee: int) -> Registration:
        """What a registration of this node says, signed with its Ed25519 key. `fee` in hundredths of a percent."""
        signature = self.signing_key.sign(bytes.fromhex(self.pubkey + self.pubkey_bls)).signature
        return Registration(
            pubkey=self.pubkey,
            pubkey_bls=self.pubkey_bls,
            signature=signature.hex(),
            fee=fee,
            contributors=contributors,
        )

    def prove_possession(self, domain: SigningDomain, operator: str) -> tuple[int, int, int, int]:
        """sigs0 to sigs3 of the proof that the contract takes for `operator`."""
        message = domain.proof_of_possession(self.bls_pubkey, operator, self.pubkey)
        return self.bls_secret.sign(message, domain.hash_tag).words


class Identities:
    """The nodes' keys by index, made when they are first asked for.

    BLS secrets are consecutive numbers, so that each public key is one addition away from the one before it.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._known: list[NodeIdentity] = []
        self._scalar, self._point = self._find_start()

    def __getitem__(self, index: int) -> NodeIdentity:
        while len(self._known) <= index:
            self._known.append(self._make(len(self._known)))
        return self._known[index]

    def _find_start(self) -> tuple[int, G1Point]:
        """The first secret and its point, so that the key at BLS_ZERO_INDEX begins with a zero byte."""
        scalar = dice(self._seed, "bls").randrange(GROUP_ORDER // 2)
        point = multiply(G1, scalar)
        while PublicKey.from_point(point).x >> 248:
            scalar += 1
            point = add(point, G1)
        back = multiply(neg(G1), BLS_ZERO_INDEX)
        return scalar - BLS_ZERO_INDEX, add(point, back)

    def _make(self, index: int) -> NodeIdentity:
        identity = NodeIdentity(
            index=index,
            signing_key=self._signing_key(index),
            bls_secret=SecretKey(self._scalar),
            bls_pubkey=PublicKey.from_point(self._point),
        )
        self._scalar += 1
        self._point = add(self._point, G1)
        return identity

    def _signing_key(self, index: int) -> SigningKey:
        source = dice(self._seed, "ed25519", index)
        key = SigningKey(source.randbytes(32))
        while index == ED25519_ZERO_INDEX and key.verify_key.encode()[0]:
            key = SigningKey(source.randbytes(32))
        return key
