"""Questions put to the schema as a request would."""

from collections.abc import Callable
from typing import Any

import pytest

from sent_graphql.models.snapshot import NetworkState
from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.schema.build import ServedSchema, build_schema
from sent_graphql.settings import GraphqlSettings


class Asker:
    """Asks the schema for mainnet about one state."""

    def __init__(self, schema: ServedSchema, snapshot: Any) -> None:
        self._schema = schema
        self._context = RequestContext(
            snapshot=snapshot,
            options=ResolverOptions(nettype="mainnet", default_page_size=100, max_page_size=2500),
        )

    def result(self, question: str, **variables: Any) -> Any:
        """Data and errors."""
        return self._schema.execute_sync(question, variable_values=variables, context_value=self._context)

    def data(self, question: str, **variables: Any) -> Any:
        """The answer, which must be free of errors."""
        result = self.result(question, **variables)
        assert result.errors is None, result.errors
        return result.data

    def error(self, question: str, **variables: Any) -> Any:
        """The one error of the answer."""
        (error,) = self.result(question, **variables).errors
        return error


@pytest.fixture(scope="session")
def schema() -> ServedSchema:
    """The schema as the default settings make it."""
    return build_schema(GraphqlSettings(), "mainnet")


@pytest.fixture(scope="session")
def ask(schema: ServedSchema, make: Any) -> Callable[[NetworkState | None], Asker]:
    """Whom to ask about a state; null for before there is one."""
    return lambda state: Asker(schema, make.snapshot(state))
