"""Documents are parsed as graphql-core parses them, and are no business of the garbage collector."""

import gc
import weakref
from collections.abc import Iterator

import pytest
from graphql import GraphQLError, Node, parse, print_ast

from sent_graphql.schema.trees import MAX_LINES, parsed

TEXT = """
query Q($a: [Int!] = [1, 2], $b: X) @d(e: "f") {
  # a comment
  g: h(i: $a, j: {k: null, l: [true, M, 1.5]}) { ...N @include(if: $b) ... on O { p } ... { q r } }
}
fragment N on S { t }
"""


@pytest.fixture
def without_collections() -> Iterator[None]:
    """What goes in a test goes by itself."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def nodes(part: object) -> Iterator[Node]:
    """All nodes of a tree."""
    if isinstance(part, Node):
        yield part
        for key in part.keys:
            yield from nodes(getattr(part, key))
    elif isinstance(part, list | tuple):
        for inner in part:
            yield from nodes(inner)


def test_the_tree_is_that_of_graphql_core() -> None:
    ours, theirs = list(nodes(parsed(TEXT, None))), list(nodes(parse(TEXT)))
    assert print_ast(ours[0]) == print_ast(theirs[0])
    assert [(type(node), node.loc and (node.loc.start, node.loc.end)) for node in ours] == [
        (type(node), node.loc and (node.loc.start, node.loc.end)) for node in theirs
    ]
    for our, their in zip(ours, theirs, strict=True):
        assert GraphQLError("", [our]).locations == GraphQLError("", [their]).locations


@pytest.mark.usefixtures("without_collections")
def test_no_part_of_a_tree_is_looked_at_by_the_collector() -> None:
    before = len(gc.get_objects())
    tree = parsed(TEXT, None)
    assert len(gc.get_objects()) - before <= 2  # the source, and what counts
    assert not [node for node in nodes(tree) if gc.is_tracked(node)]


@pytest.mark.usefixtures("without_collections")
def test_a_tree_goes_with_who_had_it() -> None:
    tree = parsed(TEXT, None)
    alive = weakref.ref(tree.definitions[0])
    del tree
    assert alive() is None


@pytest.mark.parametrize("text", ["{", "{ a }" * 4, '{ a(b: "c) }', "{ a } b"])
def test_what_is_no_document_is_told_as_graphql_core_tells_it(text: str) -> None:
    with pytest.raises(GraphQLError) as ours:
        parsed(text, 10)
    with pytest.raises(GraphQLError) as theirs:
        parse(text, max_tokens=10)
    assert ours.value.formatted == theirs.value.formatted


@pytest.mark.parametrize("end", ["\n", "\r"])
def test_the_number_of_lines_is_bounded(end: str) -> None:
    assert parsed("{ a }" + end * (MAX_LINES - 1), None)
    with pytest.raises(GraphQLError, match=f"more than {MAX_LINES} lines"):
        parsed("{ a }" + end * MAX_LINES, None)
