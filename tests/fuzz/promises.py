"""What the service promises whoever asks anything at all, as a check for schemathesis (SCHEMATHESIS_HOOKS)."""

import json
import string
from typing import Any

import schemathesis
from graphql import StringValueNode
from hypothesis import strategies as st
from schemathesis.graphql import scalar

PROMISED = {"data", "errors", "extensions"}
REFUSED_FOR_NOW = {429, 503}
TRACES = ("Traceback (most recent call last)", 'File "/', ".py\\", "site-packages")


def _hex(digits: int, prefix: str = "") -> st.SearchStrategy[Any]:
    return _texts(st.text(string.hexdigits, min_size=digits, max_size=digits).map(lambda text: prefix + text))


def _texts(right: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Mostly what is meant, and now and then anything."""
    return st.one_of(right, right, st.text(max_size=80)).map(lambda text: StringValueNode(value=text))


scalar("Address", _hex(40, "0x"))
scalar("BigInt", _texts(st.integers(-1, 2**256).map(str)))
scalar("BlsPublicKey", _hex(128))
scalar("DateTime", _texts(st.datetimes().map(lambda moment: f"{moment.isoformat()}Z")))
scalar("Ed25519PublicKey", _hex(64))
scalar("EthHash", _hex(64, "0x"))
scalar("HexBytes", _hex(64))


@schemathesis.check
def promises(_context: Any, response: Any, _case: Any) -> None:
    """An answer in GraphQL's form: never a fault of ours, and nothing of our insides."""
    text = response.text
    assert response.status_code < 500 or response.status_code in REFUSED_FOR_NOW, text
    assert not any(trace in text for trace in TRACES), text
    body = json.loads(text)
    assert body.keys() <= PROMISED, text
    codes = [error.get("extensions", {}).get("code") for error in body.get("errors", ())]
    assert None not in codes, text
    assert "INTERNAL" not in codes, text
