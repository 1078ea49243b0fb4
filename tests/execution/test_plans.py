"""Projections are made once for a document, where it is worth it, and do not outlive it."""

import gc
from collections.abc import Callable
from typing import Any

import pytest
from graphql import GraphQLObjectType, OperationDefinitionNode, parse
from strawberry.types.arguments import convert_arguments

from sent_graphql.execution import arguments, projections
from sent_graphql.execution import plans as module
from sent_graphql.execution.executor import CompiledExecution, compiled_execution
from sent_graphql.execution.plans import WORTH, Plans
from sent_graphql.execution.projections import field_projection, projection
from sent_graphql.models.snapshot import NetworkState
from sent_graphql.models.wallets import Wallet
from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.schema.build import ServedSchema, build_schema
from sent_graphql.schema.direct_lookups import direct_lookup
from sent_graphql.settings import GraphqlSettings


class Asked:
    """A schema, and how often projections have been made for it."""

    def __init__(self, schema: ServedSchema, made: list[str], contexts: Callable[[], Any]) -> None:
        self.schema = schema
        self.made = made
        self.context = contexts

    def ask(self, document: str, **variables: Any) -> Any:
        result = self.schema.execute_sync(document, variable_values=variables, context_value=self.context())
        assert result.errors is None
        return result.data


@pytest.fixture
def asked(make: Any, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """About a network of ten nodes, another snapshot each time."""
    made: list[str] = []

    def counted(make: Callable[..., Any]) -> Callable[..., Any]:
        def making(kind: GraphQLObjectType, details: Any, *arguments: Any) -> Any:
            name = details[0].node.name.value
            made.append(kind.name if make is projection else f"{kind.name}.{name}")
            return make(kind, details, *arguments)

        return making

    monkeypatch.setattr(module, "projection", counted(projection))
    monkeypatch.setattr(module, "field_projection", counted(field_projection))
    options = ResolverOptions(nettype="mainnet", default_page_size=100, max_page_size=2_500)
    return Asked(
        build_schema(GraphqlSettings(), "mainnet"),
        made,
        lambda: RequestContext(make.snapshot(make.state(*map(make.node, range(10)))), options),
    )


def test_a_list_is_compiled_once_for_all_snapshots(asked: Asked) -> None:
    for _ in range(3):
        nodes = asked.ask("{ serviceNodes { nodes { pubkey contributors { amount } } } }")["serviceNodes"]["nodes"]
        assert len(nodes) == 10
    assert asked.made == ["ServiceNode"]


def test_a_single_object_is_compiled_when_it_has_been_asked_for_some_times(asked: Asked) -> None:
    for times in range(WORTH + 3):
        assert asked.ask("{ network { version } }") == {"network": {"version": "11.0.6"}}
        assert asked.made == (["Query.network"] if times + 1 >= WORTH else [])


def test_a_field_whose_list_is_too_long_for_one_piece_is_not_tried_for_ever(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projections, "MAX_VALUES", 5)
    tried: list[object] = []
    real = projections.attempt

    def noted(project: Any, value: object) -> Any:
        tried.append(value)
        return real(project, value)

    monkeypatch.setattr("sent_graphql.execution.executor.attempt", noted)
    monkeypatch.setattr("sent_graphql.execution.whole.attempt", noted)
    question = "{ serviceNodes { nodes { pubkey } } }"

    def ask(times: int) -> int:
        tried.clear()
        for _ in range(times):
            assert len(asked.ask(question)["serviceNodes"]["nodes"]) == 10
        return len(tried)

    ask(30)
    assert ask(40) == 40  # the object that has the list
    assert ask(module.RETRY) == module.RETRY + 3  # the whole, its field, and the field that is the list: once each
    assert asked.made.count("Query.serviceNodes") == 1


def test_a_field_is_tried_again_when_there_is_something_to_answer_from(asked: Asked, make: Any) -> None:
    question = "{ network { version } }"
    nothing = RequestContext(make.snapshot(None), ResolverOptions("mainnet", 100, 2_500))
    for _ in range(WORTH):
        asked.ask(question)
    for _ in range(module.MAX_FAILURES + 1):
        assert asked.schema.execute_sync(question, context_value=nothing).errors
    execution: Any = asked.schema.execution_context_class
    (plans,) = [plans for _, plans in execution.plans._operations.values()]
    plan = next(iter(plans._whole_plans.values()))
    assert plan.failures == module.MAX_FAILURES
    for _ in range(module.RETRY):
        assert asked.ask(question) == {"network": {"version": "11.0.6"}}
    assert plan.failures == 0


def test_an_operation_is_compiled_whole_and_then_answered_without_graphql_cores_executor(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[object] = []
    execution: Any = asked.schema.execution_context_class
    real = execution.__init__

    def noted(self: object, *arguments: Any, **named: Any) -> None:
        built.append(self)
        real(self, *arguments, **named)

    monkeypatch.setattr(execution, "__init__", noted)
    question = "query ($id: Int!) { network { version } a: serviceNode(by: { contractId: $id }) { contractId } }"
    for number in range(WORTH + 5):
        data = asked.ask(question, id=number)
        assert list(data) == ["network", "a"]
        assert data == {"network": {"version": "11.0.6"}, "a": {"contractId": number}}
    assert len(built) == WORTH
    refused = asked.schema.execute_sync(question, variable_values={"id": "ten"}, context_value=asked.context())
    assert refused.errors
    assert len(built) == WORTH


@pytest.mark.parametrize(
    "question",
    [
        "{ __schema { queryType { name } } network { version } }",
        "{ " + " ".join(f"a{number}: network {{ version }}" for number in range(5)) + " }",
    ],
)
def test_what_is_not_all_regular_or_asks_much_is_not_compiled_whole(asked: Asked, question: str) -> None:
    for _ in range(WORTH + 2):
        assert asked.ask(question)
    execution: Any = asked.schema.execution_context_class
    (plans,) = [plans for _, plans in execution.plans._operations.values()]
    assert all(plan.projection is None for plan in plans._whole_plans.values())


def test_arguments_that_no_variable_has_a_part_in_are_read_once(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []

    def noted(given: Any, *rest: Any, **named: Any) -> Any:
        read.append(given)
        return convert_arguments(given, *rest, **named)

    monkeypatch.setattr(arguments, "convert_arguments", noted)
    literal = "{ serviceNode(by: { contractId: 3 }) { contractId } }"
    variable = "query ($id: Int!) { serviceNode(by: { contractId: $id }) { contractId } }"
    for _ in range(WORTH + 3):
        assert asked.ask(literal) == {"serviceNode": {"contractId": 3}}
    once = len(read)
    assert once == 2  # by its field's projection, and by that of the whole
    for number in range(WORTH + 3):
        assert asked.ask(variable, id=number) == {"serviceNode": {"contractId": number}}
    assert len(read) == once + 1 + 3


def test_what_a_key_tells_is_looked_up_once_for_each(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []
    look_up = NetworkState.wallet

    def counted(state: NetworkState, address: str) -> Wallet:
        found.append(address)
        return look_up(state, address)

    monkeypatch.setattr(NetworkState, "wallet", counted)
    answer = asked.ask("{ serviceNodes { nodes { contributors { wallet { address } } } } }")
    assert len(answer["serviceNodes"]["nodes"]) == 10
    assert len(found) == 1


def test_conditions_have_projections_of_their_own(asked: Asked) -> None:
    question = "query ($wanted: Boolean!) { serviceNodes { nodes { pubkey state @include(if: $wanted) } } }"
    for _ in range(2):
        for wanted in (True, False):
            for node in asked.ask(question, wanted=wanted)["serviceNodes"]["nodes"]:
                assert ("state" in node) is wanted
    assert asked.made == ["ServiceNode", "ServiceNode"]


def test_plans_go_with_their_document() -> None:
    plans = Plans(direct_lookup)
    document = parse("{ network { version } }")
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    kept = plans.of(operation)
    assert plans.of(operation) is kept
    assert len(plans._operations) == 1
    del document, operation
    gc.collect()
    assert not plans._operations


def test_no_more_fields_are_kept_than_the_bound_allows(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FIELDS_KEPT", 10)
    execution: Any = asked.schema.execution_context_class
    assert issubclass(execution, CompiledExecution)
    for number in range(8):
        asked.ask(f"{{ serviceNodes {{ nodes {{ pubkey state a{number}: id }} }} }}")
    assert 0 < sum(plans.size for _, plans in execution.plans._operations.values()) <= 10


def test_no_more_selections_of_an_operation_are_kept_than_the_bound_allows(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_SELECTIONS", 3)
    question = "{ " + " ".join(f"a{number}: network {{ version }}" for number in range(20)) + " }"
    assert len(asked.ask(question)) == 20
    execution: Any = asked.schema.execution_context_class
    assert issubclass(execution, CompiledExecution)
    assert all(len(plans._plans) <= 3 for _, plans in execution.plans._operations.values())


def test_what_a_user_writes_is_never_part_of_the_source(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    sources: list[str] = []
    real = compile

    def noted(source: str, *arguments: Any) -> Any:
        sources.append(source)
        return real(source, *arguments)

    monkeypatch.setattr("builtins.compile", noted)
    asked.ask("{ serviceNodes { nodes { written_by_a_user: pubkey __typename } } }")
    assert any("o.pubkey" in source for source in sources)
    assert not any("written_by_a_user" in source for source in sources)


def test_every_schema_has_plans_of_its_own() -> None:
    one, other = (compiled_execution(Plans(direct_lookup)) for _ in range(2))
    assert one.plans is not other.plans
