"""Unexpected errors are logged and hidden; a user's own are shown."""

from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from graphql import GraphQLError
from structlog.testing import capture_logs

from sent_graphql.schema.build import build_schema
from sent_graphql.schema.policy import ErrorLog, ErrorPolicy
from sent_graphql.settings import GraphqlSettings

SECRET = "https://rpc.example/key-123"


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    """What is logged during the test."""
    with capture_logs() as lines:
        yield lines


@pytest.fixture
def asker(make: Any, ask: Any, logs: list[Any]) -> Any:
    """Asks a state whose wallets cannot be read and whose network has an impossible height."""

    class Broken(dict[str, int]):
        def get(self, key: object, default: Any = None) -> Any:
            raise RuntimeError(SECRET)

    state = make.state(accrued=Broken({"x": 1}), block_height=2**40)
    asker = ask(state)
    asker._schema = build_schema(GraphqlSettings(), "mainnet")
    return asker


WALLET = '{ wallet(address: "0x0000000000000000000000000000000000000001") { id } }'


def test_an_unexpected_exception_never_reaches_the_user(asker: Any) -> None:
    error = asker.error(WALLET)
    assert SECRET not in str(error.formatted)
    assert error.message == "Internal error"
    assert error.extensions["code"] == "INTERNAL"
    assert error.path == ["wallet"]


def test_the_log_explains_an_unexpected_exception_under_the_id_that_the_user_got(asker: Any, logs: list[Any]) -> None:
    error = asker.error(WALLET)
    (line,) = [line for line in logs if line["log_level"] == "error"]
    assert line["id"] == error.extensions["id"]
    assert isinstance(line["exc_info"], RuntimeError)


def test_a_value_that_its_field_cannot_show_is_ours_to_explain(asker: Any, logs: list[Any]) -> None:
    error = asker.error("query heights { network { blockHeight } }")
    assert error.extensions["code"] == "INTERNAL"
    assert [line["operation"] for line in logs if line["log_level"] == "error"] == ["heights"]


def test_a_users_mistake_is_logged_at_debug_only(asker: Any, logs: list[Any]) -> None:
    asker.error("{ nothing }")
    asker.error("{ serviceNodes(first: -1) { totalCount } }")
    assert {line["log_level"] for line in logs} == {"debug"}


def test_unexpected_errors_are_told_apart_by_id(asker: Any) -> None:
    assert asker.error(WALLET).extensions["id"] != asker.error(WALLET).extensions["id"]


def test_an_error_that_was_never_logged_is_logged_when_it_is_masked(logs: list[Any]) -> None:
    policy = ErrorPolicy(ErrorLog(structlog.get_logger()))
    policy.execution_context = None  # type: ignore[assignment]
    shown = policy.anonymise_error(GraphQLError(SECRET, original_error=RuntimeError(SECRET)))
    assert SECRET not in str(shown.formatted)
    assert [line["id"] for line in logs] == [(shown.extensions or {})["id"]]
