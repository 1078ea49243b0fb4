"""Variables that hold too much, which are not tried."""

from typing import Any

import pytest

from sent_graphql.schema.operations import MAX_CONTAINERS, MAX_VALUES, excess


@pytest.mark.parametrize(
    "variables",
    [
        None,
        {},
        {"keys": ["a"] * (MAX_VALUES - 1)},
        {str(number): number for number in range(MAX_VALUES)},
        {"a": [{}] * (MAX_CONTAINERS - 2)},
        {"text": "[" * 100_000},
    ],
)
def test_what_an_operation_may_need_is_taken(variables: dict[str, Any] | None) -> None:
    assert excess(variables) is None


@pytest.mark.parametrize(
    "variables",
    [
        {"keys": ["a"] * MAX_VALUES},
        {str(number): number for number in range(MAX_VALUES + 1)},
        {"a": [{}] * (MAX_CONTAINERS - 1)},
        {"a": {"b": [[1] * 1_000] * 3}},
    ],
)
def test_more_is_refused(variables: dict[str, Any]) -> None:
    error = excess(variables)
    assert error is not None
    assert error.extensions == {"code": "QUERY_TOO_COMPLEX"}
