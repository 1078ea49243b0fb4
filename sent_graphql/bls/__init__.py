"""BLS on alt_bn128 as the staking contracts and oxend use it: keys in G1, signatures in G2."""

from sent_graphql.bls.hashing import hash_to_g2
from sent_graphql.bls.messages import SigningDomain
from sent_graphql.bls.points import BlsPointError, PublicKey, Signature
from sent_graphql.bls.signing import SecretKey, aggregate_public_keys, aggregate_signatures, verify

__all__ = [
    "BlsPointError",
    "PublicKey",
    "SecretKey",
    "Signature",
    "SigningDomain",
    "aggregate_public_keys",
    "aggregate_signatures",
    "hash_to_g2",
    "verify",
]
