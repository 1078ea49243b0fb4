"""What cannot be used is refused with BAD_USER_INPUT and the name of its argument."""

from typing import Any

import pytest

KEY = "aa" * 32

LITERALS = [
    ('{ wallet(address: "xx") { id } }', "address"),
    ("{ wallet(address: 5) { id } }", "address"),
    ('{ contributionContract(address: "0x12") { id } }', "address"),
    ('{ serviceNodes(filter: {pubkeys: ["xx"]}) { totalCount } }', "filter.pubkeys[0]"),
    ('{ serviceNodes(filter: {operator: "xx"}) { totalCount } }', "filter.operator"),
    ('{ serviceNodes(filter: {pubkeyPrefix: "abc"}) { totalCount } }', "filter.pubkeyPrefix"),
    ('{ serviceNodes(filter: {pubkeyPrefix: "wxyz"}) { totalCount } }', "filter.pubkeyPrefix"),
    ("{ serviceNodes(orderBy: {field: SIZE}) { totalCount } }", "orderBy.field"),
    ("{ serviceNodes(first: 99999999999) { totalCount } }", "first"),
    (f"{{ serviceNodes(first: {'9' * 5_000}) {{ totalCount }} }}", "first"),
    (f"{{ serviceNode(by: {{contractId: -{'9' * 5_000}}}) {{ id }} }}", "by.contractId"),
    ("{ serviceNodes(first: -1) { totalCount } }", "first"),
    ("{ serviceNodes(first: 2501) { totalCount } }", "first"),
    ("{ serviceNodes(last: -1) { totalCount } }", "last"),
    ("{ contributionContracts(last: 2501) { totalCount } }", "last"),
    ("{ serviceNodes(first: 1, last: 1) { totalCount } }", "last"),
    ('{ serviceNodes(after: "?") { totalCount } }', "after"),
    ('{ contributionContracts(before: "?") { totalCount } }', "before"),
    ('{ serviceNode(by: {pubkey: "xx"}) { id } }', "by.pubkey"),
    ("{ serviceNode(by: {pubkey: null}) { id } }", "by"),
    ("{ serviceNode(by: {}) { id } }", "by"),
    (f'{{ serviceNode(by: {{contractId: 1, pubkey: "{KEY}"}}) {{ id }} }}', "by"),
    ('{ node(id: "xx") { id } }', "id"),
]

VARIABLES: list[tuple[str, object, str]] = [
    ("query ($v: Address!) { wallet(address: $v) { id } }", "xx", "address"),
    ("query ($v: Address!) { wallet(address: $v) { id } }", None, "address"),
    ("query ($v: Int) { serviceNodes(first: $v) { totalCount } }", 2**40, "first"),
    ("query ($v: Int) { serviceNodes(first: $v) { totalCount } }", 1.5, "first"),
    (
        "query ($v: ServiceNodeFilter) { serviceNodes(filter: $v) { totalCount } }",
        {"pubkeys": [KEY, "x"]},
        "filter.pubkeys[1]",
    ),
    ("query ($v: Address) { serviceNodes(filter: {operator: $v}) { totalCount } }", "xx", "filter.operator"),
    (
        "query ($v: Ed25519PublicKey!) { serviceNodes(filter: {pubkeys: [$v]}) { totalCount } }",
        "xx",
        "filter.pubkeys[0]",
    ),
    ("query ($v: ServiceNodeLookup!) { serviceNode(by: $v) { id } }", {"pubkey": "x"}, "by.pubkey"),
    ("query ($v: ServiceNodeLookup!) { serviceNode(by: $v) { id } }", {}, "by"),
    ("query ($v: ServiceNodeLookup!) { serviceNode(by: $v) { id } }", {"contractId": 1, "pubkey": KEY}, "by"),
    ("query ($v: ServiceNodeLookup!) { serviceNode(by: $v) { id } }", {"contractId": None}, "by"),
    ("query ($v: ServiceNodeLookup!) { serviceNode(by: $v) { id } }", {"pubkey": KEY, "contractId": None}, "by"),
    (
        "query ($v: OrderDirection) { serviceNodes(orderBy: {field: OPERATOR_FEE, direction: $v}) { totalCount } }",
        None,
        "orderBy.direction",
    ),
]


@pytest.mark.parametrize(("question", "argument"), LITERALS)
def test_a_bad_literal_is_refused_by_its_argument(make: Any, ask: Any, question: str, argument: str) -> None:
    error = ask(make.state()).error(question)
    assert error.extensions == {"code": "BAD_USER_INPUT", "argument": argument}
    assert argument in error.message


@pytest.mark.parametrize(("question", "value", "argument"), VARIABLES)
def test_a_bad_variable_is_refused_by_the_argument_that_uses_it(
    make: Any, ask: Any, question: str, value: object, argument: str
) -> None:
    error = ask(make.state()).error(question, v=value)
    assert error.extensions == {"code": "BAD_USER_INPUT", "argument": argument}
    assert argument in error.message


def test_a_bad_default_of_a_variable_is_refused_by_the_variable(make: Any, ask: Any) -> None:
    error = ask(make.state()).error('query ($v: Int = "x") { serviceNodes(first: $v) { totalCount } }')
    assert error.extensions == {"code": "BAD_USER_INPUT", "argument": "$v"}


@pytest.mark.parametrize("part", ["pubkeys", "states"])
def test_a_list_in_a_filter_is_bounded(make: Any, ask: Any, part: str) -> None:
    items = [KEY] * 2501 if part == "pubkeys" else ["RUNNING"] * 2501
    question = "query ($f: ServiceNodeFilter) { serviceNodes(filter: $f) { totalCount } }"
    asker = ask(make.state())
    assert asker.error(question, f={part: items}).extensions["argument"] == f"filter.{part}"
    assert asker.data(question, f={part: items[1:]}) == {"serviceNodes": {"totalCount": 0}}


def test_a_misspelt_field_gets_no_hint(make: Any, ask: Any) -> None:
    error = ask(make.state()).error("{ networkk { id } }")
    assert "Did you mean" not in error.message
    assert error.extensions == {"code": "GRAPHQL_VALIDATION_FAILED"}


def test_a_malformed_document_says_where(make: Any, ask: Any) -> None:
    error = ask(make.state()).error("{ network {")
    assert error.extensions == {"code": "GRAPHQL_PARSE_FAILED"}
    assert error.locations
