"""What each scalar takes and gives."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from graphql import GraphQLError
from hypothesis import given
from hypothesis import strategies as st

from sent_graphql.schema import scalars
from sent_graphql.schema.scalars import Address, BigInt, BlsPublicKey, Ed25519PublicKey, EthHash, HexBytes

CHECKSUMMED = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
OXEN_ADDRESS = "L" + "8" * 94


def parse(scalar: Any, value: object, nettype: str = "mainnet") -> object:
    reader = scalars.scalars(nettype)[scalar].parse_value
    assert reader is not None
    return reader(value)


def refusal(scalar: Any, value: object, nettype: str = "mainnet") -> str:
    with pytest.raises(GraphQLError) as caught:
        parse(scalar, value, nettype)
    assert caught.value.extensions == {"code": "BAD_USER_INPUT"}
    return caught.value.message


@given(st.integers(-(10**77), 10**77))
def test_a_big_int_is_read_exactly_from_text_and_from_numbers(number: int) -> None:
    assert parse(BigInt, str(number)) == parse(BigInt, number) == number


@pytest.mark.parametrize(
    "value", [" 5 ", "1_0", "+5", "0x10", "", "-", "5.0", "\u0665", "1e3", True, 5.0, None, ["5"], "9" * 79, 10**78]
)
def test_a_big_int_is_nothing_but_decimal_digits(value: object) -> None:
    assert "whole number" in refusal(BigInt, value)


@given(st.text())
def test_a_big_int_is_read_or_refused_but_never_fails(text: str) -> None:
    try:
        number = parse(BigInt, text)
    except GraphQLError:
        return
    assert number == int(text)


def test_an_address_is_accepted_in_any_case() -> None:
    for spelling in (CHECKSUMMED, CHECKSUMMED.lower(), "0x" + CHECKSUMMED[2:].upper(), CHECKSUMMED[2:].lower()):
        assert parse(Address, spelling) == CHECKSUMMED


def test_an_address_with_a_wrong_checksum_is_refused_and_told_the_right_one() -> None:
    assert CHECKSUMMED in refusal(Address, CHECKSUMMED[:-1] + "D")


def test_an_oxen_address_is_accepted_only_on_its_own_network() -> None:
    assert parse(Address, OXEN_ADDRESS, "mainnet") == OXEN_ADDRESS
    assert "address of this network" in refusal(Address, OXEN_ADDRESS, "testnet")


def test_keys_are_written_in_lower_case_without_prefix() -> None:
    assert parse(Ed25519PublicKey, "0x" + "0A" * 32) == "0a" * 32
    assert parse(BlsPublicKey, "0B" * 64) == "0b" * 64
    assert parse(HexBytes, "0xABcd") == "abcd"


def test_hashes_of_the_l2_are_written_in_lower_case_with_prefix() -> None:
    assert parse(EthHash, "AB" * 32) == parse(EthHash, "0X" + "Ab" * 32) == "0x" + "ab" * 32


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        (Ed25519PublicKey, "ab" * 31),
        (Ed25519PublicKey, "zz" * 32),
        (Ed25519PublicKey, 5),
        (BlsPublicKey, "ab" * 32),
        (BlsPublicKey, None),
        (HexBytes, "abc"),
        (HexBytes, "00" * 65_537),
        (EthHash, "0x" + "ab" * 31),
        (EthHash, 7),
        (Address, "0x1234"),
        (Address, True),
    ],
)
def test_what_is_malformed_is_refused_with_what_is_wanted(scalar: Any, value: object) -> None:
    assert "wanted" in refusal(scalar, value)


def test_a_refusal_never_repeats_a_value_at_length() -> None:
    assert len(refusal(BigInt, "x" * 100_000)) < 200
    assert len(refusal(Address, "x" * 100_000)) < 400


def test_an_instant_is_written_in_utc_with_z() -> None:
    moment = datetime(2025, 5, 21, 3, 0, tzinfo=timezone(timedelta(hours=2)))
    assert scalars.format_instant(moment) == "2025-05-21T01:00:00Z"


def test_an_instant_shows_milliseconds_only_where_there_are_any() -> None:
    assert scalars.format_instant(datetime(2025, 5, 21, 1, 0, 0, 120_000, UTC)) == "2025-05-21T01:00:00.120Z"
    assert scalars.format_instant(datetime(2025, 5, 21, 1, 0, 0, 999, UTC)) == "2025-05-21T01:00:00Z"


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_reads_back_what_it_wrote(moment: datetime) -> None:
    written = scalars.parse_instant(scalars.format_instant(moment))
    assert timedelta(0) <= moment - written < timedelta(milliseconds=1)


@pytest.mark.parametrize("value", ["2025-05-21T01:00:00", "yesterday", 5, None])
def test_an_instant_without_an_offset_is_refused(value: object) -> None:
    with pytest.raises(GraphQLError, match="an instant such as"):
        scalars.parse_instant(value)
