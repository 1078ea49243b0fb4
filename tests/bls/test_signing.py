"""BLS against the vector that the real contract accepted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_ecc.optimized_bn128.optimized_curve import is_inf, multiply, normalize

from sent_graphql.bls import (
    BlsPointError,
    PublicKey,
    SecretKey,
    Signature,
    SigningDomain,
    aggregate_public_keys,
    aggregate_signatures,
    hash_to_g2,
    verify,
)
from sent_graphql.bls.endomorphism import is_in_g2
from sent_graphql.bls.hashing import _candidate, expand_message
from sent_graphql.bls.points import FIELD_MODULUS, GROUP_ORDER

DOMAIN = SigningDomain(31337, "0x5FC8d32690cc91D4c39d9d3abcBD16989F875707")
SECRET = SecretKey.from_hex("0dc6848ca95312a05b34c9d379bb2fa37d39e88e058fa83b897e2f2b1ca6b4f2")
KEY_TEXT = (
    "1368be3650be06d8d4f6485f4e6e6710b4bfa174cb6fbc838323db3629d58e58"
    "089beeb8dce64cf66a28a4861c0518bb3d53d3aa659964076a6b3f3dbbe99243"
)
OPERATOR = "0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f"
ED25519 = "96eac155ccf4709c37fbb7850d421db9a6ab18931d32fd6bc22b56f94cbc541e"
MESSAGE = bytes.fromhex(
    "60731fb8ad9470eb09673e413914930bc77734c120db27156ef13f2a15e36fe51368be3650be06d8d4f6485f4e6e6710b4bfa174cb6fbc83"
    "8323db3629d58e58089beeb8dce64cf66a28a4861c0518bb3d53d3aa659964076a6b3f3dbbe9924323618e81e3f5cdf7f54c3d65f7fbc0ab"
    "f5b21e8f96eac155ccf4709c37fbb7850d421db9a6ab18931d32fd6bc22b56f94cbc541e"
)
SIGNATURE_TEXT = (
    "1bcac8aee85be9652f06438a439e119aed581a5aca115dbe08a2212beb883060"
    "1338edf3ff371b1605b5fcc436d1d108f9283b15329c7cd643c23fe075ef3f80"
    "13c080aaabac41ca6406934adcf88f3f9700a1584e096ae045ef5d97df6334d0"
    "0da417654d9825e6ffeed73a1d310cd0b8ed40bfe7b1d262d52874b345797096"
)


def test_tags_are_the_contracts() -> None:
    assert [
        DOMAIN.proof_of_possession_tag.hex(),
        DOMAIN.reward_tag.hex(),
        DOMAIN.exit_tag.hex(),
        DOMAIN.liquidation_tag.hex(),
        DOMAIN.hash_tag.hex(),
    ] == [
        "60731fb8ad9470eb09673e413914930bc77734c120db27156ef13f2a15e36fe5",
        "bdd97d1e6b8304cf77e0727cdc0d5accb3a8a3927fc0b84fa9ed1fe96d8f006d",
        "eba5f8f7d76f975bb119ce320e9eed1f6189ca78eae5685e6effc14013f9b72e",
        "65040d9a963cd13d3dd903c8799aa467f217a50dc46d0166d88d0631198d19ea",
        "e2c6d5d958b68305d2696dd0955619db033a2b7b30b6b39c49a88fb1c2a98868",
    ]


def test_key_and_message_are_the_vectors() -> None:
    key = SECRET.public_key()
    assert key.hex == KEY_TEXT
    assert DOMAIN.proof_of_possession(key, OPERATOR, ED25519) == MESSAGE


def test_hash_is_the_vectors() -> None:
    x, y = normalize(hash_to_g2(MESSAGE, DOMAIN.hash_tag))
    assert [f"{int(part):064x}" for part in (*x.coeffs, *y.coeffs)] == [
        "18b00e51623cbc032ae24740a2b2eba95b1ca11d0dafe12c0f4e5ba868cad5b8",
        "2c906d527a89b5404033f0a990fb06fa28f63fc63b21619c6b3653378e4b928c",
        "0f06b5f0e8a1dd022218418325a51f2722a2ee179d6d72dc38582fafc969f5f5",
        "19c44cb755fbe441c324c97ad4ef47c74b4291448e98a41f68794c9f122f02fe",
    ]


@settings(max_examples=5, deadline=None)
@given(st.binary(max_size=200))
def test_hash_of_any_message_is_in_the_group(message: bytes) -> None:
    point = hash_to_g2(message, DOMAIN.hash_tag)
    assert is_in_g2(point)
    assert is_inf(multiply(point, GROUP_ORDER))


def test_signature_is_the_vectors_and_verifies() -> None:
    signature = SECRET.sign(MESSAGE, DOMAIN.hash_tag)
    assert signature.hex == SIGNATURE_TEXT
    assert verify(PublicKey.from_hex(KEY_TEXT), Signature.from_hex(SIGNATURE_TEXT), MESSAGE, DOMAIN.hash_tag)


def test_forged_signature_does_not_verify() -> None:
    key, signature = PublicKey.from_hex(KEY_TEXT), Signature.from_hex(SIGNATURE_TEXT)
    assert not verify(key, signature, MESSAGE + b"\0", DOMAIN.hash_tag)
    assert not verify(SecretKey(7).public_key(), signature, MESSAGE, DOMAIN.hash_tag)


def test_oxends_recorded_aggregate_message_is_rebuilt() -> None:
    message = DOMAIN.reward("0x01010101010101010101010101010101010101a1", 29251418291)
    assert message.hex() == (
        "bdd97d1e6b8304cf77e0727cdc0d5accb3a8a3927fc0b84fa9ed1fe96d8f006d"
        "01010101010101010101010101010101010101a1"
        "00000000000000000000000000000000000000000000000000000006cf8538b3"
    )


def test_recorded_exit_and_liquidation_messages_are_rebuilt() -> None:
    key = PublicKey.from_hex(
        "29100b76f2cb6efd715bf3c1c47e64574d3e5c3a1e26b482da3f4c33dc05825f"
        "2806868a7eb920526258f8f4c35cdd0e213e96701851bfce8f586f863c8e5121"
    )
    tail = key.hex + f"{1795355331:064x}"
    assert DOMAIN.exit(key, 1795355331).hex() == DOMAIN.exit_tag.hex() + tail
    assert DOMAIN.liquidation(key, 1795355331).hex() == DOMAIN.liquidation_tag.hex() + tail


def test_aggregate_verifies_with_the_sum_of_keys_and_not_with_fewer() -> None:
    secrets = [SecretKey(number) for number in (11, 12, 13)]
    message = DOMAIN.reward(OPERATOR, 5)
    aggregate = aggregate_signatures(secret.sign(message, DOMAIN.hash_tag) for secret in secrets)
    keys = [secret.public_key() for secret in secrets]
    assert aggregate == SecretKey(36).sign(message, DOMAIN.hash_tag)
    assert verify(aggregate_public_keys(keys), aggregate, message, DOMAIN.hash_tag)
    assert not verify(aggregate_public_keys(keys[:2]), aggregate, message, DOMAIN.hash_tag)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, GROUP_ORDER - 1))
def test_key_text_survives_the_round_trip(scalar: int) -> None:
    key = SecretKey(scalar).public_key()
    assert len(key.hex) == 128
    assert PublicKey.from_hex(key.hex) == PublicKey.from_hex("0x" + key.hex.upper()) == key


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("00" * 64, "infinity"),
        ("00" * 31 + "01" + "00" * 31 + "03", "not on the curve"),
        ("ff" * 64, "modulus"),
        ("12", "128 hex digits"),
        ("zz" * 64, "128 hex digits"),
    ],
)
def test_text_that_is_no_key_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(BlsPointError, match=complaint):
        PublicKey.from_hex(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("00" * 128, "infinity"),
        (SIGNATURE_TEXT[:-1] + "7", "not on the curve"),
        (f"{FIELD_MODULUS:064x}" + SIGNATURE_TEXT[64:], "modulus"),
        ("12", "256 hex digits"),
    ],
)
def test_text_that_is_no_signature_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(BlsPointError, match=complaint):
        Signature.from_hex(text)


def test_point_of_the_twist_outside_the_group_is_refused() -> None:

    seeds = (expand_message(bytes([number]), DOMAIN.hash_tag, 128) for number in range(64))
    points = [point for point in map(_candidate, seeds) if point is not None]
    assert all(is_in_g2(point) == is_inf(multiply(point, GROUP_ORDER)) for point in points[:4])
    point = points[0]
    with pytest.raises(BlsPointError, match="group of prime order"):
        Signature.from_point(point)


@pytest.mark.parametrize("scalar", [0, -1, GROUP_ORDER])
def test_number_outside_the_group_is_no_secret_key(scalar: int) -> None:
    with pytest.raises(ValueError, match="secret key"):
        SecretKey(scalar)


def test_secret_is_not_shown() -> None:
    assert str(SECRET.scalar) not in repr(SECRET)
