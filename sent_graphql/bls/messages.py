"""What is signed: the tags of one chain and rewards contract, and the four messages under them."""

from eth_utils.crypto import keccak

from sent_graphql.bls.points import PublicKey


class SigningDomain:
    """Makes the messages that hold for one rewards contract on one chain, and for no other.

    Addresses are texts of 40 hex digits with 0x; every message is packed, big endian and not hashed beforehand.
    """

    def __init__(self, chain_id: int, rewards_contract: str) -> None:
        self._suffix = chain_id.to_bytes(32, "big") + _address(rewards_contract)
        self.proof_of_possession_tag = self._tag("POP")
        self.reward_tag = self._tag("REWARD")
        self.exit_tag = self._tag("EXIT")
        self.liquidation_tag = self._tag("LIQUIDATE")
        self.hash_tag = keccak(b"BLS_SIG_HASH_TO_FIELD_TAG" + self._suffix)

    def proof_of_possession(self, key: PublicKey, operator: str, ed25519_pubkey: str) -> bytes:
        """148 bytes: that whoever registers `key` for `operator` holds its secret. The Ed25519 key is 64 hex digits."""
        return self.proof_of_possession_tag + bytes(key) + _address(operator) + bytes.fromhex(ed25519_pubkey)

    def reward(self, recipient: str, amount: int) -> bytes:
        """84 bytes: that `recipient` has earned `amount` atomic units in its lifetime."""
        return self.reward_tag + _address(recipient) + amount.to_bytes(32, "big")

    def exit(self, key: PublicKey, timestamp: int) -> bytes:
        """128 bytes: that the node of `key` has left; `timestamp` in unix seconds."""
        return self.exit_tag + bytes(key) + timestamp.to_bytes(32, "big")

    def liquidation(self, key: PublicKey, timestamp: int) -> bytes:
        """128 bytes: that the node of `key` may be liquidated; `timestamp` in unix seconds."""
        return self.liquidation_tag + bytes(key) + timestamp.to_bytes(32, "big")

    def _tag(self, name: str) -> bytes:
        return keccak(b"BLS_SIG_TRYANDINCREMENT_" + name.encode() + self._suffix)


def _address(text: str) -> bytes:
    raw = bytes.fromhex(text.removeprefix("0x"))
    if len(raw) != 20:
        raise ValueError("an address has 20 bytes")
    return raw
