"""What operations cost, and that those beyond the budget are not executed."""

from typing import Any

import pytest
from graphql import GraphQLList, GraphQLNonNull, GraphQLObjectType, get_introspection_query, is_leaf_type

from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.schema.build import ServedSchema, build_schema
from sent_graphql.schema.cost import ROW
from sent_graphql.schema.documents import Document, Documents
from sent_graphql.schema.fields import Effort, items_of
from sent_graphql.schema.price import Price
from sent_graphql.settings import GraphqlSettings

LIST = int(Effort.LIST)


@pytest.fixture(scope="module")
def price(schema: ServedSchema) -> Any:
    """The price of a document's operation."""

    def price(text: str, name: str | None = None, **variables: Any) -> Price:
        document = Documents().read(text)
        assert document is not None
        return schema.costs.price(document, name, variables)

    return price


@pytest.fixture
def executed(make: Any) -> Any:
    """The result of a question under given settings."""

    def ask(question: str, **settings: Any) -> Any:
        schema = build_schema(GraphqlSettings(**settings), "mainnet")
        context = RequestContext(make.snapshot(make.state(make.node(1))), ResolverOptions("mainnet", 100, 2500))
        return schema.execute_sync(question, context_value=context)

    return ask


def test_each_value_that_is_shown_costs_one(price: Any) -> None:
    assert price("{ network { blockHeight } }").cost == Effort.LOOK_UP + 2
    assert price("{ network { blockHeight hardFork } }").cost == Effort.LOOK_UP + 3
    assert price("{ network { claimLimit { remaining } } }").cost == Effort.LOOK_UP + 3


@pytest.mark.parametrize(
    ("page", "items"),
    [
        ("", 100),
        ("(first: 7)", 7),
        ("(last: 8)", 8),
        ("(first: 0)", 0),
        ("(first: $n)", 20),
        ("(last: $n)", 20),
        ("(first: $d)", 30),
        ("(first: $missing)", 100),
        ("(first: null)", 100),
        ("(first: 2500)", 2500),
        ("(first: 2501)", 100),
        ("(first: -1)", 100),
        ("(first: 99999999999999999999)", 100),
    ],
)
def test_a_page_costs_as_much_as_its_items(price: Any, page: str, items: int) -> None:
    text = f"query ($n: Int, $d: Int = 30, $missing: Int) {{ serviceNodes{page} {{ totalCount nodes {{ pubkey }} }} }}"
    assert price(text, n=20).cost == LIST + 1 + 1 + items * 2


def test_a_page_size_may_come_as_a_number_with_a_point(price: Any) -> None:
    text = "query ($n: Int) { serviceNodes(first: $n) { nodes { pubkey } } }"
    assert price(text, n=2500.0) == price(text, n=2500)


def test_rows_of_the_database_are_paid_though_nothing_is_shown_of_them(price: Any) -> None:
    ends = "{ events(first: 200) { pageInfo { endCursor } } }"
    assert price(ends).cost == Effort.DATABASE + 200 * ROW + 1 + 2
    assert price(ends.replace("events(", 'registrations(by: {operator: "0x"} ')).cost == price(ends).cost


def test_the_two_lists_of_a_page_cost_both(price: Any) -> None:
    text = "{ serviceNodes(first: 10) { edges { cursor node { pubkey } } nodes { pubkey } pageInfo { hasNextPage } } }"
    assert price(text).cost == LIST + 1 + 10 * (1 + 1 + 2) + 10 * 2 + 2


def test_lists_without_pages_cost_what_is_assumed_of_them(price: Any) -> None:
    assert price("{ serviceNodes(first: 3) { nodes { contributors { address } } } }").cost == LIST + 1 + 3 * (
        1 + 10 * (1 + 1)
    )
    assert price("{ exitList { pubkey } }").cost == Effort.LOOK_UP + 100 * 2


def test_lists_within_lists_multiply(price: Any) -> None:
    inner = "wallet { stakes { serviceNode { pubkey } } }"
    whole = price(f"{{ serviceNodes(first: 2500) {{ nodes {{ contributors {{ {inner} }} }} }} }}").cost
    assert whole > 2500 * 10 * 20


def test_a_list_of_plain_values_costs_one(price: Any) -> None:
    assert price("{ exitList { knownTo } }") == price("{ exitList { pubkey } }")


@pytest.mark.parametrize("fragment", ["...F", "... on ServiceNodeConnection { nodes { pubkey } }", "... { ...F }"])
def test_fragments_cost_what_their_fields_cost_on_the_page_around_them(price: Any, fragment: str) -> None:
    tail = "fragment F on ServiceNodeConnection { nodes { pubkey } }"
    assert price(f"{{ serviceNodes(first: 9) {{ {fragment} }} }} {tail}").cost == LIST + 1 + 9 * 2


def test_a_fragment_on_two_pages_costs_by_the_size_of_each(price: Any) -> None:
    text = (
        "{ a: serviceNodes(first: 1) { ...F } b: serviceNodes(first: 1000) { ...F } } "
        "fragment F on ServiceNodeConnection { ...G } fragment G on ServiceNodeConnection { nodes { pubkey } }"
    )
    assert price(text).cost == 2 * (LIST + 1) + 1001 * 2


def test_fragments_that_double_at_each_step_are_reckoned_at_once(price: Any) -> None:
    steps = "".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }} " for n in range(200))
    assert price(f"{{ ...f0 }} {steps} fragment f200 on Query {{ network {{ id }} }}").cost == 2**200 * 3


def test_fragments_in_circles_and_unknown_ones_have_a_price(price: Any) -> None:
    text = "{ ...f ...nowhere } fragment f on Query { network { id } ...g } fragment g on Query { ...f }"
    assert price(text).cost == Effort.LOOK_UP + 2


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("@skip(if: true)", False),
        ("@skip(if: false)", True),
        ("@include(if: true)", True),
        ("@include(if: false)", False),
        ("@include(if: $yes)", True),
        ("@skip(if: $yes)", False),
        ("@include(if: $no)", False),
        ("@include(if: $yes) @skip(if: $yes)", False),
    ],
)
def test_what_is_left_out_costs_nothing(price: Any, condition: str, wanted: bool) -> None:
    head = "query ($yes: Boolean!, $no: Boolean = false)"
    for text in (
        f"{head} {{ network {condition} {{ id }} }}",
        f"{head} {{ ... {condition} {{ network {{ id }} }} }}",
        f"{head} {{ ...F {condition} }} fragment F on Query {{ network {{ id }} }}",
    ):
        assert price(text, yes=True).cost == (3 if wanted else 0)


def test_what_asks_oxend_or_computes_pairings_is_dear_and_counted(price: Any) -> None:
    claim = 'requestRewardsClaim(address: "0x") { errors { code } }'
    assert price(f"mutation {{ a: {claim} b: {claim} }}") == Price(2 * (Effort.DEAR + 3), dear=2)
    assert price("{ validateRegistration(input: {}) { valid } }").dear == 1
    assert price("{ network { id } }").dear == 0


def test_subscriptions_cost_the_whole_list(price: Any) -> None:
    assert price("subscription { serviceNodes { upserted { pubkey } } }").cost == LIST + 1 + 2500 * 2


def test_the_named_operation_is_reckoned(price: Any) -> None:
    text = "query A { network { id } } query B { exitList { pubkey } }"
    assert price(text) == price(text, "A")
    assert price(text, "B").cost > 100
    assert price(text, "C") == Price()


def test_introspection_has_a_price(price: Any) -> None:
    assert 0 < price(get_introspection_query()).cost < GraphqlSettings().max_cost


def test_prices_that_no_variable_has_a_part_in_are_kept(schema: ServedSchema) -> None:
    documents = Documents()
    fixed = documents.read("query A { exitList { pubkey } }")
    moving = documents.read("query ($n: Int) { serviceNodes(first: $n) { nodes { pubkey } } }")
    assert isinstance(fixed, Document)
    assert isinstance(moving, Document)
    kept = schema.costs.price(fixed, "A", {})
    assert schema.costs.price(fixed, "A", {"n": 1}) is kept
    assert schema.costs.price(moving, None, {"n": 1}) != schema.costs.price(moving, None, {"n": 2})


def test_a_dashboard_may_take_the_whole_network_at_once(schema: ServedSchema) -> None:
    budget = GraphqlSettings().max_cost
    assert _everything(schema, 2_500, "") < budget
    assert _everything(schema, 100, "wallet { address stakes { amount serviceNode { pubkey } } }") < budget
    assert _everything(schema, 2_500, "wallet { address stakes { amount } }") > budget
    assert _everything(schema, 120, "wallet { stakes { serviceNode { contributors { address } } } }") > budget


def test_a_dashboard_may_watch_all_that_there_is_of_all_nodes(schema: ServedSchema) -> None:
    kinds = ("ServiceNode", "Contributor", "ContributionContract", "ServiceNodeExit", "ServiceNodeChanges")
    node, contributor, contract, exit_, changes = (f"__typename {_leaves(schema, kind)}" for kind in kinds)
    question = f"""subscription {{ serviceNodes {{ {changes} upserted {{
        {node} contributors {{ {contributor} }} contributionContract {{ {contract} }} exit {{ {exit_} }}
    }} }} }}"""
    document = Documents().read(question)
    assert document is not None
    assert schema.costs.price(document, None, None).cost < 0.8 * GraphqlSettings().max_cost


def _everything(schema: ServedSchema, first: int, of_contributors: str) -> int:
    node, contributor = (_leaves(schema, name) for name in ("ServiceNode", "Contributor"))
    question = f"""{{ meta {{ version stale }} serviceNodes(first: {first}) {{
        totalCount pageInfo {{ hasNextPage }} nodes {{ {node} contributors {{ {contributor} {of_contributors} }} }}
    }} }}"""
    document = Documents().read(question)
    assert document is not None
    return schema.costs.price(document, None, None).cost


def _leaves(schema: ServedSchema, name: str) -> str:
    kind = schema._schema.type_map[name]
    assert isinstance(kind, GraphQLObjectType)
    return " ".join(
        key for key, field in kind.fields.items() if is_leaf_type(getattr(field.type, "of_type", field.type))
    )


def test_every_answer_tells_its_cost(executed: Any) -> None:
    result = executed("{ network { id } }", max_cost=3)
    assert result.errors is None
    assert result.extensions == {"cost": {"estimate": 3, "budget": 3}}


def test_what_is_beyond_the_budget_is_refused_before_it_is_executed(executed: Any) -> None:
    result = executed("{ network { id } }", max_cost=2)
    (error,) = result.errors
    assert result.data is None
    assert error.path is None
    assert error.extensions == {"code": "COST_LIMIT", "estimate": 3, "budget": 2}
    assert "cost 3" in error.message
    assert "budget of 2" in error.message
    assert result.extensions == {"cost": {"estimate": 3, "budget": 2}}


def test_what_is_refused_is_not_parsed_and_validated_again(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = build_schema(GraphqlSettings(max_cost=2), "mainnet")
    question = "{ network { id } }"
    assert schema.execute_sync(question).errors is not None
    monkeypatch.setattr("sent_graphql.schema.checks.validate", None)
    errors = schema.execute_sync(question).errors or ()
    assert [(error.extensions or {})["code"] for error in errors] == ["COST_LIMIT"]


def test_every_list_of_objects_has_a_size(schema: ServedSchema) -> None:
    untold = []
    for (kind, name), known in schema.costs.fields.items():
        owner = schema._schema.type_map[kind]
        field = getattr(owner, "fields")[name]  # noqa: B009 - interfaces and objects have them
        declared = field.extensions["strawberry-definition"]
        if _is_list(field.type) and not (known.is_leaf or known.in_page) and items_of(declared) is None:
            untold.append(f"{kind}.{name}")
    assert untold == []


def _is_list(kind: Any) -> bool:
    return isinstance(kind.of_type if isinstance(kind, GraphQLNonNull) else kind, GraphQLList)
