"""Pages: sizes, cursors, and that walking them gives exactly the list."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sent_graphql.models.network import ServiceNode
from sent_graphql.resolvers.context import ResolverOptions
from sent_graphql.resolvers.errors import BadUserInputError
from sent_graphql.resolvers.orders import OrderDirection, ServiceNodeOrderField, service_node_order
from sent_graphql.resolvers.paging import Page, PageArguments, decode_cursor, encode_cursor, paginate

OPTIONS = ResolverOptions(nettype="mainnet", default_page_size=3, max_page_size=5)


@pytest.fixture(scope="session")
def page(make: Any) -> Any:
    """A page of nodes 0 to 9 by contract id."""
    whole = service_node_order().arrange(make.node(number) for number in range(10))

    def turn(**arguments: Any) -> Page[ServiceNode]:
        return paginate(whole, PageArguments(**arguments), OPTIONS)

    return turn


def numbers(page: Page[ServiceNode]) -> list[int | None]:
    return [node.contract_id for node in page.nodes]


def around(page: Any) -> tuple[bool, bool]:
    return page.page_info.has_previous_page, page.page_info.has_next_page


def test_the_default_size_holds_when_none_is_given(page: Any) -> None:
    assert numbers(page()) == [0, 1, 2]


def test_first_takes_from_the_front_and_last_from_the_back(page: Any) -> None:
    assert numbers(page(first=4)) == [0, 1, 2, 3]
    assert numbers(page(last=4)) == [6, 7, 8, 9]


def test_none_at_all_can_be_asked_for(page: Any) -> None:
    empty = page(first=0)
    assert numbers(empty) == []
    assert empty.total_count == 10
    assert around(empty) == (False, True)
    assert (empty.page_info.start_cursor, empty.page_info.end_cursor) == (None, None)


def test_first_with_after_goes_on_behind_the_cursor(page: Any) -> None:
    going_on = page(first=2, after=page(first=4).page_info.end_cursor)
    assert numbers(going_on) == [4, 5]
    assert around(going_on) == (True, True)


def test_last_with_before_goes_back_from_the_cursor(page: Any) -> None:
    going_back = page(last=2, before=page(last=4).page_info.start_cursor)
    assert numbers(going_back) == [4, 5]
    assert around(going_back) == (True, True)


def test_first_with_before_is_allowed(page: Any) -> None:
    assert numbers(page(first=5, before=page(first=3).page_info.end_cursor)) == [0, 1]


def test_after_with_before_takes_what_lies_between(page: Any) -> None:
    edges = page(first=5).edges
    between = page(after=edges[0].cursor, before=edges[4].cursor, last=5)
    assert numbers(between) == [1, 2, 3]
    assert around(between) == (True, True)


def test_cursors_the_wrong_way_round_give_an_empty_page(page: Any) -> None:
    edges = page(first=5).edges
    assert numbers(page(after=edges[4].cursor, before=edges[0].cursor)) == []


def test_the_ends_know_that_there_is_nothing_beyond(page: Any) -> None:
    assert around(page(first=5)) == (False, True)
    assert around(page(last=5)) == (True, False)
    assert around(page(first=5, after=page(first=5).page_info.end_cursor)) == (True, False)


def test_total_count_is_the_same_on_every_page(page: Any) -> None:
    assert page(first=1).total_count == page(last=5).total_count == 10


@pytest.mark.parametrize("argument", ["first", "last"])
@pytest.mark.parametrize("size", [-1, 6, 2**31])
def test_a_size_out_of_bounds_is_refused(page: Any, argument: str, size: int) -> None:
    with pytest.raises(BadUserInputError, match="from 0 to 5") as caught:
        page(**{argument: size})
    assert caught.value.extensions == {"code": "BAD_USER_INPUT", "argument": argument}


def test_first_with_last_is_refused(page: Any) -> None:
    with pytest.raises(BadUserInputError, match="cannot be given together"):
        page(first=1, last=1)


@pytest.mark.parametrize("argument", ["after", "before"])
@pytest.mark.parametrize("garbage", ["", "?", "AAAA", "x" * 5_000, "ünï", "c2VydmljZU5vZGVz", " "])
def test_a_garbage_cursor_is_refused(page: Any, argument: str, garbage: str) -> None:
    with pytest.raises(BadUserInputError, match="is not a cursor") as caught:
        page(**{argument: garbage})
    assert caught.value.extensions == {"code": "BAD_USER_INPUT", "argument": argument}


@pytest.mark.parametrize(
    ("field", "direction"),
    [
        (ServiceNodeOrderField.CONTRACT_ID, OrderDirection.DESC),
        (ServiceNodeOrderField.OPERATOR_FEE, OrderDirection.ASC),
    ],
)
def test_a_cursor_of_another_order_is_refused(
    make: Any, page: Any, field: ServiceNodeOrderField, direction: OrderDirection
) -> None:
    other = paginate(service_node_order(field, direction).arrange([make.node(1)]), PageArguments(first=1), OPTIONS)
    with pytest.raises(BadUserInputError, match="another list or order"):
        page(after=other.page_info.end_cursor)


def test_a_cursor_of_another_connection_is_refused(page: Any) -> None:
    with pytest.raises(BadUserInputError, match="another list or order"):
        page(after=encode_cursor("contributionContracts.CREATED.DESC", (False, 1, "id")))


def test_a_cursor_whose_item_has_left_goes_on_from_its_place(make: Any, page: Any) -> None:
    after = page(first=4).page_info.end_cursor
    remaining = service_node_order().arrange(make.node(number) for number in range(10) if number != 3)
    assert numbers(paginate(remaining, PageArguments(first=2, after=after), OPTIONS)) == [4, 5]
    assert numbers(paginate(remaining, PageArguments(last=2, before=after), OPTIONS)) == [1, 2]


@given(
    st.tuples(st.booleans(), st.integers(-(10**70), 10**70), st.text(min_size=1, max_size=80)),
)
def test_a_cursor_reads_back_its_place(position: tuple[bool, int, str]) -> None:
    is_null, value, item_id = position
    place = (is_null, 0 if is_null else value, item_id)
    assert decode_cursor("list.FIELD.ASC", encode_cursor("list.FIELD.ASC", place), argument="after") == place


values = st.none() | st.integers(0, 4)
orders = st.builds(service_node_order, st.sampled_from(ServiceNodeOrderField), st.sampled_from(OrderDirection))


@settings(max_examples=60, deadline=None)
@given(data=st.data(), order=orders, forward=st.booleans())
def test_walking_all_pages_gives_exactly_the_sorted_filtered_list(
    make: Any, data: st.DataObject, order: Any, forward: bool
) -> None:
    nodes = some_nodes(make, data)
    whole = order.arrange(nodes).where(lambda node: node.operator_fee != 1)
    assert walk(lambda _: whole, data, forward=forward) == list(whole.items)
    assert sorted(whole.items, key=order.position) == list(whole.items)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), order=orders, forward=st.booleans())
def test_what_stays_is_seen_once_though_others_vanish_between_pages(
    make: Any, data: st.DataObject, order: Any, forward: bool
) -> None:
    nodes = some_nodes(make, data)
    steady = [node for node in nodes if data.draw(st.booleans())]

    def present(_: int) -> Any:
        others = [node for node in nodes if node not in steady and data.draw(st.booleans())]
        return order.arrange(steady + others)

    seen = walk(present, data, forward=forward)
    assert [node for node in seen if node in steady] == list(order.arrange(steady).items)
    assert len({node.id for node in seen}) == len(seen)


def some_nodes(make: Any, data: st.DataObject) -> list[ServiceNode]:
    """Up to 12 nodes with many equal and many null values."""
    return [
        make.node(
            number,
            contract_id=data.draw(values),
            operator_fee=data.draw(values),
            registration_height=data.draw(values),
            last_reward_block_height=data.draw(values),
            requested_unlock_height=data.draw(values),
            last_uptime_proof=data.draw(st.sampled_from([None, make.moment, make.moment.replace(hour=2)])),
            total_contributed=data.draw(st.integers(0, 3)),
        )
        for number in range(data.draw(st.integers(0, 12)))
    ]


def walk(present: Any, data: st.DataObject, *, forward: bool) -> list[ServiceNode]:
    """All items, page after page from the front or from the back; `present` gives the list for each page."""
    seen: list[ServiceNode] = []
    place: str | None = None
    for turn in range(100):
        size = data.draw(st.integers(1, 5))
        arguments = PageArguments(first=size, after=place) if forward else PageArguments(last=size, before=place)
        page = paginate(present(turn), arguments, OPTIONS)
        seen = [*seen, *page.nodes] if forward else [*page.nodes, *seen]
        assert [edge.node for edge in page.edges] == list(page.nodes)
        info = page.page_info
        if not (info.has_next_page if forward else info.has_previous_page):
            return seen
        place = info.end_cursor if forward else info.start_cursor
    raise AssertionError("the pages never end")
