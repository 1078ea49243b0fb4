"""Endpoints as settings write them."""

import base64
from pathlib import Path

import pytest

from sent_graphql.sources.errors import SourceMisconfiguredError
from sent_graphql.sources.oxend.base32z import to_base32z
from sent_graphql.sources.oxend.endpoints import parse_endpoint

KEY = bytes(range(1, 33))


@pytest.mark.parametrize(
    "text",
    [
        KEY.hex(),
        KEY.hex().upper(),
        to_base32z(KEY),
        base64.b64encode(KEY).decode(),
        base64.b64encode(KEY).decode().rstrip("="),
    ],
)
def test_a_curve_key_comes_in_any_of_three_forms(text: str) -> None:
    endpoint = parse_endpoint(f"curve://example.org:22020/{text}")
    assert endpoint.server_key == KEY
    assert endpoint.address == "tcp://example.org:22020"
    assert endpoint.full_address == f"curve://example.org:22020/{KEY.hex()}"


def test_messages_name_a_curve_endpoint_without_its_key() -> None:
    assert parse_endpoint(f"curve://[::1]:1/{KEY.hex()}").label == "curve://[::1]:1"
    with pytest.raises(SourceMisconfiguredError) as refusal:
        parse_endpoint(f"curve://nohost/{KEY.hex()}")
    assert KEY.hex() not in str(refusal.value)


def test_plain_endpoints() -> None:
    endpoint = parse_endpoint("tcp://127.0.0.1:22025")
    assert (endpoint.address, endpoint.server_key) == ("tcp://127.0.0.1:22025", None)
    assert endpoint.full_address == endpoint.label == "tcp://127.0.0.1:22025"


def test_a_relative_ipc_path_is_fixed_to_where_we_are_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_endpoint("ipc://oxend/x.sock").address == f"ipc://{tmp_path}/oxend/x.sock"
    assert parse_endpoint("ipc://@abstract").address == "ipc://@abstract"


def test_an_ipc_path_that_the_system_cannot_take_is_refused_with_a_remedy() -> None:
    assert parse_endpoint("ipc:///" + "x" * 106)
    for path in ("/" + "x" * 107, "/" + "é" * 54):
        with pytest.raises(SourceMisconfiguredError, match=r"107 bytes.*symlink"):
            parse_endpoint(f"ipc://{path}")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "127.0.0.1:1",
            "http://x:1",
            "ipc://",
            "tcp://",
            "tcp://x",
            "tcp://x:0",
            "tcp://x:65536",
            "tcp://x:1/abc",
        ),
        *("curve://x:1", "curve://x:1/", "tcp://a b:1", "TCP://x:1", "tcp://x:*"),
    ],
)
def test_anything_else_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(SourceMisconfiguredError, match="tcp://HOST:PORT"):
        parse_endpoint(text)


@pytest.mark.parametrize("key", ["ab", "z" * 64, "l" * 52, "é" * 43, "A" * 42 + "!!", "A" * 45])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(SourceMisconfiguredError, match="hex, base32z or base64"):
        parse_endpoint(f"curve://x:1/{key}")
