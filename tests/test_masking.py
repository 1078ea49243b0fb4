"""URLs lose what may be secret and keep what tells where they lead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent_graphql.masking import mask_urls


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://rpc.example/v2/KEY", "https://rpc.example/…"),
        ("https://rpc.example?apikey=KEY", "https://rpc.example/…"),
        ("wss://user:KEY@rpc.example:8546/ws", "wss://rpc.example:8546/…"),
        ("https://KEY@rpc.example", "https://rpc.example"),
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545"),
        ("http://[::1]:8545/KEY", "http://[::1]:8545/…"),
        ("http://127.0.0.1:8545/", "http://127.0.0.1:8545/"),
        ("HTTPS://Rpc.Example/KEY", "HTTPS://Rpc.Example/…"),
        ("cannot reach 'https://a.b/KEY', trying ws://c.d/KEY", "cannot reach 'https://a.b/…', trying ws://c.d/…"),
        ("https://user:wo/rd@rpc.example/KEY", "https://…"),
        ("https://us@er:word@rpc.example/KEY", "https://rpc.example/…"),
        ("(https://rpc.example), (https://rpc.example/KEY)", "(https://rpc.example), (https://rpc.example/…"),
        ("postgresql+asyncpg://joe:WORD@db.example:5432/name", "postgresql+asyncpg://db.example:5432/…"),
        ("postgresql://db.example/name?password=WORD", "postgresql://db.example/…"),
        ("sqlite+aiosqlite:////var/lib/mainnet.db", "sqlite+aiosqlite:////var/lib/mainnet.db"),
        ("ipc:///run/oxend.sock", "ipc:///run/oxend.sock"),
        ("no URL at all", "no URL at all"),
    ],
)
def test_a_url_keeps_scheme_and_host_alone(text: str, expected: str) -> None:
    assert mask_urls(text) == expected


@given(st.text("abcXYZ019-_.~%/?&=+", min_size=1))
def test_no_path_survives(path: str) -> None:
    assert mask_urls(f"x https://host.example/{path} y") == "x https://host.example/… y"


@given(st.text("abcXYZ019-_.~%:!$&*+", min_size=1))
def test_no_user_survives(user: str) -> None:
    assert mask_urls(f"https://{user}@host.example") == "https://host.example"
