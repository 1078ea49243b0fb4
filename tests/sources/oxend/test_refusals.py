"""oxend's reasons not to sign are told apart by its words, recorded ones first of all."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent_graphql.sources.oxend.errors import OxendUpstreamError
from sent_graphql.sources.oxend.refusals import SignatureRefusal, signature_refusal


def reason(words: str) -> SignatureRefusal:
    return signature_refusal(OxendUpstreamError("rpc.bls_rewards_request", 500, words))


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("rpc.bls_exit_liquidation_request.not-exited.err", SignatureRefusal.NOT_IN_EXIT_LIST),
        ("rpc.bls_exit_liquidation_request.regtest", SignatureRefusal.NOT_IN_EXIT_LIST),
        ("rpc.bls_rewards_request.future", SignatureRefusal.OTHER),
        ("rpc.bls_rewards_request.stagenet-no-l2", SignatureRefusal.OTHER),
    ],
)
def test_recorded_refusals(recorded: Callable[[str], bytes], name: str, meant: SignatureRefusal) -> None:
    assert reason(recorded(name).decode()) is meant


REQUEST = "RPC error -14: Exit request for SN ab (BLS cd) at height 7 is invalid. "
REWARDS = "RPC error -14: Aggregating a rewards request for '0x01' for 0 SENT at height 7 is invalid because "


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (f"{REWARDS}no rewards are available. Request rejected.", SignatureRefusal.NO_REWARDS),
        (f"{REQUEST}Node cannot be removed yet. Request rejected", SignatureRefusal.NOT_REMOVABLE_YET),
        ("RPC error -14: Cannot extract aggregate signature: no signatures added", SignatureRefusal.NO_SIGNER),
        ("An exception occured while processing your request", SignatureRefusal.OTHER),
    ],
)
def test_refusals_in_oxends_words(words: str, meant: SignatureRefusal) -> None:
    assert reason(words) is meant


@given(st.text(max_size=80))
def test_any_other_words_are_another_reason(words: str) -> None:
    assert reason(words) is SignatureRefusal.OTHER
