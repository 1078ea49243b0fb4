"""`sent-graphql make-registration`: what it signs verifies, and what it prints can be pasted."""

import json
import shlex
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from graphql import build_schema, parse, validate
from typer.testing import Result

from sent_graphql.cli import exits
from sent_graphql.cli.make_registration import base_url
from sent_graphql.models.proofs import RegistrationTexts, SignedKeys, Spelling
from sent_graphql.registrations.parsing import read_keys
from sent_graphql.registrations.possession import possession_problems
from sent_graphql.registrations.proofs import ed25519_problems
from sent_graphql.schema.build import build_schema as build_served_schema
from sent_graphql.settings import GraphqlSettings, HttpSettings

Invoked = Callable[..., Result]

OPERATOR = "0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f"
CONTRACT = "0x10Ea9E5303670331Bdddfa66A4cEA47dae4fcF3b"
REWARDS = "0x5FC8d32690cc91D4c39d9d3abcBD16989F875707"


@pytest.fixture
def service() -> Iterator[str]:
    """A service that serves REWARDS on chain 77, as far as it is asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["content-length"])))["query"]
            assert self.path == "/graphql"
            assert not validate(
                build_schema(build_served_schema(GraphqlSettings(), "localdev").as_str()), parse(question)
            )
            network = {"chainId": "77", "contracts": {"serviceNodeRewards": REWARDS}}
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps({"data": {"network": network}}).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def made(result: Result) -> Any:
    assert result.exit_code == exits.FINE, result.output
    return json.loads(result.output)


def keys_of(document: Any) -> SignedKeys:
    given = document["registration"]
    keys, problems = read_keys(
        RegistrationTexts(
            pubkey=given["pubkey"],
            pubkey_bls=given["pubkeyBls"],
            sig_ed25519=given["sigEd25519"],
            sig_bls=given["sigBls"],
            operator=given["operator"],
        )
    )
    assert problems == []
    assert keys is not None
    return keys


def test_what_is_signed_verifies_for_the_very_contract(invoked: Invoked) -> None:
    document = made(invoked("make-registration", "--operator", OPERATOR.lower(), "--rewards-contract", REWARDS))
    keys = keys_of(document)
    assert (document["kind"], document["chainId"], document["rewardsContract"]) == ("SOLO", 31337, REWARDS)
    assert keys.operator == OPERATOR
    assert ed25519_problems(keys) == ()
    assert possession_problems(31337, REWARDS, keys) == ()


def test_the_keys_are_the_seeds(invoked: Invoked) -> None:
    options = ("make-registration", "--operator", OPERATOR, "--rewards-contract", REWARDS)
    first, again, other = (made(invoked(*options, "--seed", seed)) for seed in ("alice", "alice", "bob"))
    assert first == again
    assert keys_of(first).pubkey != keys_of(other).pubkey
    assert keys_of(first).pubkey_bls != keys_of(other).pubkey_bls


def test_a_contract_makes_the_other_kind(invoked: Invoked) -> None:
    document = made(
        invoked("make-registration", "--operator", OPERATOR, "--rewards-contract", REWARDS, "--contract", CONTRACT)
    )
    assert document["kind"] == "CONTRACT"
    assert document["graphql"]["variables"]["input"] == document["registration"]
    assert document["registration"]["contract"] == CONTRACT


def test_the_mutation_is_one_of_the_schema(invoked: Invoked) -> None:
    document = made(invoked("make-registration", "--operator", OPERATOR, "--rewards-contract", REWARDS))
    schema = build_schema(build_served_schema(GraphqlSettings(), "localdev").as_str())
    assert validate(schema, parse(document["graphql"]["query"])) == []


def test_the_curl_line_says_the_same(invoked: Invoked) -> None:
    options = ("--rewards-contract", REWARDS, "--contract", CONTRACT, "--url", "https://example.org/base/")
    document = made(invoked("make-registration", "--operator", OPERATOR, *options))
    program, silent, url, data, form = shlex.split(document["curl"])
    assert (program, silent, data) == ("curl", "-sS", "-d")
    given = {name: value for name, (value,) in parse_qs(form, strict_parsing=True).items()}
    keys, problems = read_keys(
        RegistrationTexts(
            pubkey=urlsplit(url).path.removeprefix("/base/store/"),
            pubkey_bls=given["pubkey_bls"],
            sig_ed25519=given["sig_ed25519"],
            sig_bls=given["sig_bls"],
            operator=given["operator"],
        ),
        Spelling.HEX_OR_BASE64,
    )
    assert problems == []
    assert keys == keys_of(document)
    assert given["contract"] == CONTRACT


def test_a_running_service_is_asked_for_its_contract(invoked: Invoked, service: str) -> None:
    """The local network's has no address before it runs."""
    document = made(invoked("make-registration", "--operator", OPERATOR, "--url", service))
    assert (document["chainId"], document["rewardsContract"]) == (77, REWARDS)
    assert made(invoked("make-registration", "--operator", OPERATOR, "--url", f"{service}/graphql")) == document
    port = str(urlsplit(service).port)
    assert made(invoked("make-registration", "--operator", OPERATOR, SENT_HTTP__PORT=port)) == document


def test_settings_that_name_the_contract_ask_nobody(invoked: Invoked) -> None:
    document = made(
        invoked(
            "make-registration",
            "--operator",
            OPERATOR,
            SENT_CONTRACTS__SERVICE_NODE_REWARDS=REWARDS,
            SENT_HTTP__PORT="9",
        )
    )
    assert document["rewardsContract"] == REWARDS


def test_where_nobody_answers_it_says_what_to_do(invoked: Invoked) -> None:
    result = invoked("make-registration", "--operator", OPERATOR, SENT_HTTP__PORT="9")
    assert result.exit_code == exits.UNAVAILABLE
    assert "http://127.0.0.1:9" in result.output
    assert "--rewards-contract" in result.output


@pytest.mark.parametrize("address", ["0x12", "0x" + "00" * 20])
@pytest.mark.parametrize("option", ["--operator", "--contract", "--rewards-contract"])
def test_a_bad_address_names_its_option(invoked: Invoked, option: str, address: str) -> None:
    given = {"--operator": OPERATOR, "--contract": CONTRACT, "--rewards-contract": REWARDS} | {option: address}
    result = invoked("make-registration", *(part for pair in given.items() for part in pair))
    assert result.exit_code == exits.USAGE
    assert option in result.output


@pytest.mark.parametrize(
    ("host", "url"),
    [("0.0.0.0", "http://127.0.0.1:5000"), ("::", "http://[::1]:5000"), ("example.org", "http://example.org:5000")],
)
def test_the_service_is_looked_for_where_it_would_listen(host: str, url: str) -> None:
    assert base_url(HttpSettings(host=host)) == url
