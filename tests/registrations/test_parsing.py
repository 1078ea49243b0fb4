"""Keys, signatures and addresses in every spelling that tools use, and in those that nobody may use."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from sent_graphql.models.keys import ZERO_ADDRESS
from sent_graphql.models.proofs import RegistrationTexts, SignedKeys, Spelling
from sent_graphql.models.registrations import RegistrationError
from sent_graphql.models.registrations import RegistrationErrorCode as Code
from sent_graphql.registrations.parsing import read_contract, read_keys

OPERATOR = "0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f"
SIZES = {"pubkey": 32, "pubkey_bls": 64, "sig_ed25519": 64, "sig_bls": 128}
FIELDS = {
    "pubkey": "pubkey",
    "pubkey_bls": "pubkeyBls",
    "sig_ed25519": "sigEd25519",
    "sig_bls": "sigBls",
    "operator": "operator",
}
GOOD = RegistrationTexts(
    **{part: f"{number:02x}" * size for number, (part, size) in enumerate(SIZES.items(), 0xA1)}, operator=OPERATOR
)

SPELLINGS: dict[str, Callable[[bytes], str]] = {
    "hex": bytes.hex,
    "upper-case hex": lambda raw: raw.hex().upper(),
    "hex with 0x": lambda raw: "0x" + raw.hex(),
    "base64": lambda raw: base64.b64encode(raw).decode(),
    "base64 without padding": lambda raw: base64.b64encode(raw).decode().rstrip("="),
    "url-safe base64": lambda raw: base64.urlsafe_b64encode(raw).decode(),
    "url-safe base64 without padding": lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("="),
}


def faults(problems: list[RegistrationError]) -> list[tuple[Code, str | None]]:
    return [(problem.code, problem.field) for problem in problems]


@given(
    st.fixed_dictionaries({part: st.binary(min_size=size, max_size=size) for part, size in SIZES.items()}),
    st.lists(st.sampled_from(list(SPELLINGS)), min_size=4, max_size=4),
)
def test_every_spelling_of_the_same_bytes_is_the_same(raw: dict[str, bytes], spellings: list[str]) -> None:
    written = {part: SPELLINGS[how](raw[part]) for part, how in zip(SIZES, spellings, strict=True)}
    keys, problems = read_keys(RegistrationTexts(**written, operator=OPERATOR.lower()), Spelling.HEX_OR_BASE64)
    assert problems == []
    assert keys == SignedKeys(**{part: raw[part].hex() for part in SIZES}, operator=OPERATOR)


@pytest.mark.parametrize("how", ["base64", "url-safe base64 without padding"])
def test_where_hex_is_wanted_base64_is_refused(how: str) -> None:
    keys, problems = read_keys(structs.replace(GOOD, pubkey=SPELLINGS[how](b"\xfb" * 32)))
    assert keys is None
    assert faults(problems) == [(Code.BAD_REQUEST, "pubkey")]
    assert "64 hex digits are wanted" in problems[0].message


@given(
    st.sampled_from(list(FIELDS)),
    st.one_of(st.text(max_size=300), st.text(alphabet="0123456789abcdefABCDEFx+/-_=", max_size=300)),
    st.sampled_from(Spelling),
)
def test_whatever_is_typed_is_read_or_told_with_its_field(part: str, text: str, spelling: Spelling) -> None:
    keys, problems = read_keys(structs.replace(GOOD, **{part: text}), spelling)
    if keys is None:
        assert [problem.field for problem in problems] == [FIELDS[part]]
        assert problems[0].message.startswith(f"`{FIELDS[part]}`")
        assert len(problems[0].message) < 400
    else:
        assert problems == []
        assert len(getattr(keys, part)) == 2 * SIZES.get(part, 21)


@pytest.mark.parametrize("part", SIZES)
@pytest.mark.parametrize("cut", [1, 2, -1])
def test_a_digit_too_few_or_too_many_is_refused(part: str, cut: int) -> None:
    text = getattr(GOOD, part)
    keys, problems = read_keys(
        structs.replace(GOOD, **{part: text[:-cut] if cut > 0 else text + "0"}), Spelling.HEX_OR_BASE64
    )
    assert keys is None
    assert faults(problems) == [(Code.BAD_REQUEST, FIELDS[part])]


@pytest.mark.parametrize(
    "text",
    [
        SPELLINGS["base64"](b"\xfb" * 32) + "=",
        SPELLINGS["base64"](b"\xfb" * 32).rstrip("=") + "==",
        SPELLINGS["base64"](b"\xfb" * 32).replace("+", " "),
        SPELLINGS["base64"](b"\xfb" * 32) + "\n",
        "0x" + SPELLINGS["base64"](b"\xfb" * 32),
        "a" * 64 + "\n",
        "é" * 64,
    ],
)
def test_what_only_resembles_a_spelling_is_refused(text: str) -> None:
    keys, problems = read_keys(structs.replace(GOOD, pubkey=text), Spelling.HEX_OR_BASE64)
    assert keys is None
    assert faults(problems) == [(Code.BAD_REQUEST, "pubkey")]
    assert "%2B" in problems[0].message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0x",
        OPERATOR[:-1],
        OPERATOR.replace("E8f", "e8f"),
        ZERO_ADDRESS,
        "0X" + "00" * 20,
        "dV3EhSE1xXgSzswBgVioqFNTfcqGopvTrcYjs4YDLHUfU64DuHxFoEmbwoyipTidGiTXx5EuYdgzZhDLMTo9uEv82M4A7Uimp",
        "L" + "a" * 94,
    ],
)
def test_what_is_no_address_of_the_l2_is_neither_operator_nor_contract(text: str) -> None:
    keys, problems = read_keys(structs.replace(GOOD, operator=text))
    assert keys is None
    assert faults(problems) == [(Code.INVALID_OPERATOR_ADDRESS, "operator")]
    assert read_contract(text, problems) is None
    assert faults(problems)[1:] == [(Code.INVALID_CONTRACT_ADDRESS, "contract")]


@pytest.mark.parametrize("text", [OPERATOR, OPERATOR.lower(), OPERATOR[2:].upper()])
def test_an_address_has_one_form_inside(text: str) -> None:
    problems: list[RegistrationError] = []
    assert read_contract(text, problems) == OPERATOR
    assert problems == []


def test_everything_wrong_is_told_at_once_in_the_order_of_the_fields() -> None:
    nothing: dict[str, Any] = dict.fromkeys(FIELDS)
    keys, problems = read_keys(RegistrationTexts(**nothing))
    assert keys is None
    assert [problem.field for problem in problems] == list(FIELDS.values())
    assert [problem.message for problem in problems][:2] == ["`pubkey` is missing", "`pubkeyBls` is missing"]


def test_no_contract_is_no_problem() -> None:
    problems: list[RegistrationError] = []
    assert read_contract(None, problems) is None
    assert problems == []
