"""Keys and addresses have one canonical text each."""

import pytest

from sent_graphql.models.keys import InvalidKeyError, bls_from_ints, ed25519_from_int, eth_address, user_address

CHECKSUMMED = "0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f"


@pytest.mark.parametrize(
    "spelling",
    [CHECKSUMMED, CHECKSUMMED.lower(), CHECKSUMMED[2:].lower(), "0x" + CHECKSUMMED[2:].upper()],
)
def test_every_spelling_of_an_address_is_the_same_address(spelling: str) -> None:
    assert eth_address(spelling) == CHECKSUMMED
    assert user_address(spelling, "mainnet") == CHECKSUMMED


def test_a_users_wrong_checksum_is_refused_and_the_right_one_told() -> None:
    wrong = CHECKSUMMED.replace("E8f", "e8f")
    with pytest.raises(InvalidKeyError, match=CHECKSUMMED):
        user_address(wrong, "mainnet")


def test_an_oxen_address_belongs_to_one_network_only() -> None:
    devnet = "dV3EhSE1xXgSzswBgVioqFNTfcqGopvTrcYjs4YDLHUfU64DuHxFoEmbwoyipTidGiTXx5EuYdgzZhDLMTo9uEv82M4A7Uimp"
    assert user_address(devnet, "localdev") == devnet
    with pytest.raises(InvalidKeyError):
        user_address(devnet, "mainnet")


def test_leading_zero_bytes_of_keys_are_kept() -> None:
    assert ed25519_from_int(1) == "0" * 63 + "1"
    assert bls_from_ints(2, 3) == "0" * 63 + "2" + "0" * 63 + "3"
