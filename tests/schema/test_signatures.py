"""The mutations for signatures: what is given, what is told, and what is masked."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from sent_graphql.models.signatures import ExitSignature, RequestErrorCode, RequestRefusedError, RewardsClaim
from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.resolvers.services import Services
from sent_graphql.schema.build import ServedSchema

ADDRESS = "0x01010101010101010101010101010101010101a1"
CLAIM = RewardsClaim(
    address=ADDRESS,
    amount=2**62,
    height=5312,
    message_to_sign="ab" * 84,
    signature="cd" * 128,
    non_signer_ids=(7, 3),
    sufficient=True,
)
EXIT = ExitSignature(
    pubkey_bls="0b" * 64,
    timestamp=1_800_000_000,
    expires_at=datetime(2027, 1, 15, 8, 10, tzinfo=UTC),
    message_to_sign="ab" * 128,
    signature="cd" * 128,
    non_signer_ids=(),
    sufficient=False,
)
FIELDS = "messageToSign signature nonSignerIds sufficient"


class Given:
    """Signatures that are these, or these refusals."""

    def __init__(self, *outcomes: object) -> None:
        self.outcomes = list(outcomes)
        self.asked: list[tuple[str, str]] = []

    async def rewards_claim(self, address: str) -> Any:
        return self._next("claim", address)

    async def exit(self, pubkey: str) -> Any:
        return self._next("exit", pubkey)

    async def liquidation(self, pubkey: str) -> Any:
        return self._next("liquidation", pubkey)

    def _next(self, kind: str, key: str) -> object:
        self.asked.append((kind, key))
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.fixture
def mutate(schema: ServedSchema, make: Any) -> Any:
    """Runs a document with these signatures, before there is any snapshot."""

    def run(document: str, signatures: Given | None) -> Any:
        options = ResolverOptions(nettype="mainnet", default_page_size=100, max_page_size=100)
        context = RequestContext(make.snapshot(None), options, Services(signatures=signatures))
        return asyncio.run(schema.execute(document, context_value=context))

    return run


def test_a_claim_is_shown_whole(mutate: Any) -> None:
    given = Given(CLAIM)
    document = f'mutation {{ requestRewardsClaim(address: "{ADDRESS.upper().replace("0X", "0x")}") {{'
    result = mutate(f"{document} claim {{ address amount height {FIELDS} }} errors {{ code }} }} }}", given)
    assert result.errors is None
    assert given.asked == [("claim", "0x01010101010101010101010101010101010101a1")]
    assert result.data["requestRewardsClaim"] == {
        "claim": {
            "address": ADDRESS,
            "amount": str(2**62),
            "height": 5312,
            "messageToSign": "ab" * 84,
            "signature": "cd" * 128,
            "nonSignerIds": [7, 3],
            "sufficient": True,
        },
        "errors": [],
    }


@pytest.mark.parametrize(("field", "kind"), [("requestExit", "exit"), ("requestLiquidation", "liquidation")])
def test_an_exit_and_a_liquidation_are_shown_whole(mutate: Any, field: str, kind: str) -> None:
    given = Given(EXIT)
    asked = f'mutation {{ {field}(pubkey: "0x{"AB" * 32}") {{ exit {{ pubkeyBls timestamp expiresAt {FIELDS} }} '
    result = mutate(asked + "errors { message } } }", given)
    assert result.errors is None
    assert given.asked == [(kind, "ab" * 32)]
    shown = result.data[field]["exit"]
    assert (shown["timestamp"], shown["expiresAt"]) == ("1800000000", "2027-01-15T08:10:00Z")
    assert (shown["pubkeyBls"], shown["nonSignerIds"], shown["sufficient"]) == ("0b" * 64, [], False)


@pytest.mark.parametrize("code", list(RequestErrorCode))
def test_a_refusal_is_part_of_the_answer_and_spares_its_neighbour(mutate: Any, code: RequestErrorCode) -> None:
    given = Given(RequestRefusedError(code, "why, and what to do"), EXIT)
    result = mutate(
        f"""mutation {{
        claim: requestRewardsClaim(address: "{ADDRESS}") {{ claim {{ amount }} errors {{ code message }} }}
        exit: requestExit(pubkey: "{"ab" * 32}") {{ exit {{ timestamp }} errors {{ code }} }} }}""",
        given,
    )
    assert result.errors is None
    assert result.data == {
        "claim": {"claim": None, "errors": [{"code": code.name, "message": "why, and what to do"}]},
        "exit": {"exit": {"timestamp": "1800000000"}, "errors": []},
    }
    assert [kind for kind, _ in given.asked] == ["claim", "exit"], "one after the other"


def test_a_fault_of_ours_is_masked(mutate: Any) -> None:
    asked = f'mutation {{ requestExit(pubkey: "{"ab" * 32}") {{ errors {{ code }} }} }}'
    result = mutate(asked, Given(ZeroDivisionError("a secret")))
    assert [error.message for error in result.errors] == ["Internal error"]


def test_a_service_without_the_part_says_so(mutate: Any) -> None:
    result = mutate(
        f'mutation {{ requestExit(pubkey: "{"ab" * 32}") {{ exit {{ timestamp }} errors {{ code }} }} }}', None
    )
    assert result.data["requestExit"] == {"exit": None, "errors": [{"code": "UPSTREAM_UNAVAILABLE"}]}


@pytest.mark.parametrize(
    "field",
    ['requestRewardsClaim(address: "nonsense")', 'requestExit(pubkey: "ab")', 'requestLiquidation(pubkey: "")'],
)
def test_what_is_no_key_or_address_is_bad_input(mutate: Any, field: str) -> None:
    given = Given()
    (error,) = mutate(f"mutation {{ {field} {{ errors {{ code }} }} }}", given).errors
    assert error.extensions["code"] == "BAD_USER_INPUT"
    assert given.asked == []
