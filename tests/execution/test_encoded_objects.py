"""What lasts from snapshot to snapshot is encoded once, and never shown when it has changed."""

import asyncio
from typing import Any

import msgspec
import orjson
import pytest

from sent_graphql.execution.encoded_objects import MAX_BYTES, OBJECT_BYTES, EncodedObjects, Room
from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.schema.build import ServedSchema, build_schema
from sent_graphql.settings import GraphqlSettings

OPTIONS = ResolverOptions(nettype="mainnet", default_page_size=100, max_page_size=100)
NODES = "{ serviceNodes { nodes { id pubkey state totalContributed contributors { address amount } } } }"


class Struct:
    """Something to make an answer of; counts how often that was done."""

    def __init__(self, value: object) -> None:
        self.value = value
        self.made = 0


def answer_of(struct: Struct) -> object:
    """The answer, as a dict."""
    struct.made += 1
    return {"value": struct.value}


def in_json(answer: object) -> bytes:
    """The answer as it is sent."""
    return orjson.dumps(answer)


@pytest.fixture
def schema() -> ServedSchema:
    """A schema with room for its objects."""
    return build_schema(GraphqlSettings(), "mainnet", objects_bytes=1_000_000)


def asked(schema: ServedSchema, question: str, snapshot: Any, **variables: object) -> Any:
    """What is sent to who asks, read again."""
    context = RequestContext(snapshot, OPTIONS, encodes=True)
    result = asyncio.run(schema.execute(question, variable_values=variables, context_value=context))
    assert not result.errors
    return orjson.loads(orjson.dumps(result.data))


def test_the_first_execution_makes_dicts_and_keeps_nothing() -> None:
    room, struct = Room(10_000), Struct(1)
    assert EncodedObjects(room).keeping(answer_of)(struct) == {"value": 1}
    assert room.taken == 0


def test_an_object_is_made_once_for_all_further_executions() -> None:
    objects, struct = EncodedObjects(Room(10_000)), Struct("ß")
    objects.keeping(answer_of)
    answers = [in_json(objects.keeping(answer_of)(struct)) for _ in range(3)]
    assert set(answers) == {'{"value":"ß"}'.encode()}
    assert struct.made == 1


def test_another_struct_is_another_object_though_it_comes_to_lie_in_the_same_place() -> None:
    objects = EncodedObjects(Room(100_000_000))
    objects.keeping(answer_of)
    give = objects.keeping(answer_of)
    assert [in_json(give(Struct(number))) for number in range(1_000)] == [
        in_json({"value": number}) for number in range(1_000)
    ]


def test_with_no_room_left_objects_are_made_as_ever() -> None:
    room = Room(OBJECT_BYTES + 1)
    objects = EncodedObjects(room)
    objects.keeping(answer_of)
    give = objects.keeping(answer_of)
    structs = [Struct(number) for number in range(5)]
    for _ in range(2):
        assert [in_json(give(struct)) for struct in structs] == [in_json({"value": struct.value}) for struct in structs]
    assert [struct.made for struct in structs] == [1, 2, 2, 2, 2]
    assert room.taken <= 2 * OBJECT_BYTES


def test_no_room_at_all_keeps_nothing() -> None:
    objects, struct = EncodedObjects(Room(0)), Struct(1)
    objects.keeping(answer_of)
    assert [objects.keeping(answer_of)(struct) for _ in range(2)] == [{"value": 1}] * 2


def test_large_objects_are_not_kept() -> None:
    room, struct = Room(1_000_000), Struct("a" * MAX_BYTES)
    objects = EncodedObjects(room)
    objects.keeping(answer_of)
    assert objects.keeping(answer_of)(struct) == {"value": "a" * MAX_BYTES}
    assert room.taken == 0


def test_what_nobody_asks_for_any_more_goes_when_half_the_room_is_taken() -> None:
    room = Room(2 * OBJECT_BYTES)
    objects, asked_again, forgotten = EncodedObjects(room), Struct("kept"), Struct("forgotten")
    objects.keeping(answer_of)
    for struct in (asked_again, forgotten):
        objects.keeping(answer_of)(struct)
    for _ in range(3):
        room.renew()
        objects.keeping(answer_of)(asked_again)
    assert room.taken == objects.bytes == OBJECT_BYTES + len(in_json({"value": "kept"}))
    assert (asked_again.made, forgotten.made) == (1, 1)
    objects.keeping(answer_of)(forgotten)
    assert forgotten.made == 2


def test_an_execution_under_way_goes_on_when_a_snapshot_comes() -> None:
    room = Room(2 * OBJECT_BYTES)
    objects, structs = EncodedObjects(room), [Struct(number) for number in range(2)]
    objects.keeping(answer_of)
    give = objects.keeping(answer_of)
    for _ in range(3):
        assert [in_json(give(struct)) for struct in structs] == [in_json({"value": 0}), in_json({"value": 1})]
        room.renew()


def test_below_half_of_the_room_everything_stays() -> None:
    room = Room(100 * OBJECT_BYTES)
    objects, struct = EncodedObjects(room), Struct(1)
    objects.keeping(answer_of)
    for _ in range(5):
        objects.keeping(answer_of)(struct)
        room.renew()
        room.renew()
    assert struct.made == 1


def test_what_cannot_be_written_as_json_is_left_to_who_made_it() -> None:
    objects, struct = EncodedObjects(Room(10_000)), Struct(object())
    objects.keeping(answer_of)
    with pytest.raises(TypeError):
        objects.keeping(answer_of)(struct)


def test_a_changed_node_is_shown_as_it_is_beside_those_that_are_as_before(schema: ServedSchema, make: Any) -> None:
    nodes = [make.node(number) for number in range(5)]
    before = make.snapshot(make.state(*nodes))
    wanted = asked(schema, NODES, before)
    assert asked(schema, NODES, before) == asked(schema, NODES, before) == wanted
    nodes[2] = msgspec.structs.replace(nodes[2], total_contributed=12_345)
    after = asked(schema, NODES, make.snapshot(make.state(*nodes)))["serviceNodes"]["nodes"]
    changed = next(node for node in after if node["id"] == nodes[2].id)
    assert changed["totalContributed"] == "12345"
    assert [node for node in after if node != changed] == [
        node for node in wanted["serviceNodes"]["nodes"] if node["id"] != nodes[2].id
    ]
    assert schema.objects.taken > 0


def test_other_lists_of_the_same_selection_find_the_objects_ready(schema: ServedSchema, make: Any) -> None:
    snapshot = make.snapshot(make.state(*[make.node(number) for number in range(8)]))
    question = "query Q($first: Int) { serviceNodes(first: $first) { nodes { id pubkey state operator } } }"
    for first in (8, 8):
        asked(schema, question, snapshot, first=first)
    taken = schema.objects.taken
    assert len(asked(schema, question, snapshot, first=3)["serviceNodes"]["nodes"]) == 3
    assert 0 < taken == schema.objects.taken


def test_conditions_have_objects_of_their_own(schema: ServedSchema, make: Any) -> None:
    snapshot = make.snapshot(make.state(*[make.node(number) for number in range(5)]))
    fields = "id pubkey state operator payable @skip(if: $short)"
    question = f"query Q($short: Boolean!) {{ serviceNodes {{ nodes {{ {fields} }} }} }}"
    for _ in range(3):
        short, long = (asked(schema, question, snapshot, short=value) for value in (True, False))
        assert all("payable" not in node for node in short["serviceNodes"]["nodes"])
        assert all("payable" in node for node in long["serviceNodes"]["nodes"])
    assert schema.objects.taken > 0


def test_nothing_is_kept_that_is_made_of_more_than_the_struct(schema: ServedSchema, make: Any) -> None:
    node = make.node(1, contribution_contract_address=make.address(0xC000))
    question = "{ serviceNodes { nodes { id pubkey state operator contributionContract { address } } } }"
    for contracts in ((), (make.contract(0),)):
        snapshot = make.snapshot(make.state(node, contracts=contracts))
        for _ in range(3):
            (shown,) = asked(schema, question, snapshot)["serviceNodes"]["nodes"]
            assert bool(shown["contributionContract"]) == bool(contracts)
    assert schema.objects.taken == 0


def test_who_reads_results_gets_no_json_in_them(schema: ServedSchema, make: Any) -> None:
    context = RequestContext(make.snapshot(make.state(make.node(1))), OPTIONS)
    for _ in range(4):
        result = asyncio.run(schema.execute(NODES, context_value=context))
        assert result.data is not None
        assert type(result.data["serviceNodes"]["nodes"][0]) is dict
    assert schema.objects.taken == 0
