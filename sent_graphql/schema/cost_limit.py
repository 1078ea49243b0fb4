"""What an operation costs, told in its answer, and refused before it is executed where it is too much."""

from collections.abc import Iterator
from typing import Any, Final

from graphql import GraphQLError
from strawberry.extensions import SchemaExtension

from sent_graphql.schema.cost import CostAnalysis
from sent_graphql.schema.documents import Document, Documents
from sent_graphql.schema.price import Price

COST_LIMIT: Final = "COST_LIMIT"

COST: Final = "cost"
"""Where in the `extensions` of an answer its price is told."""


def too_dear(price: Price, max_cost: int) -> GraphQLError | None:
    """The refusal of an operation of that price; null for one that is within the budget."""
    if price.cost <= max_cost:
        return None
    return GraphQLError(
        f"The operation would cost {price.cost}, which is beyond the budget of {max_cost}: ask for smaller pages, or "
        "for less of each item.",
        extensions={"code": COST_LIMIT, **told(price, max_cost)},
    )


def told(price: Price, max_cost: int) -> dict[str, int]:
    """Estimate and budget as answers tell them."""
    return {"estimate": price.cost, "budget": max_cost}


class CostLimit(SchemaExtension):
    """Refuses operations beyond `max_cost`; `extensions.cost` tells what each costs. One instance per request."""

    def __init__(self, analysis: CostAnalysis, documents: Documents, max_cost: int) -> None:
        self._analysis = analysis
        self._documents = documents
        self._max_cost = max_cost

    def on_validate(self) -> Iterator[None]:
        """Reckon what is valid."""
        context = self.execution_context
        if not context.pre_execution_errors and context.graphql_document is not None:
            known = self._documents.get(context.query) or self._documents.unchecked(context.query)
            known = known or Document(context.graphql_document)
            price = self._analysis.price(known, context.operation_name, context.variables)
            refusal = too_dear(price, self._max_cost)
            if refusal is not None:
                context.pre_execution_errors = [refusal]
            context.extensions_results[COST] = told(price, self._max_cost)
        yield

    def get_results(self) -> dict[str, Any]:
        """`extensions.cost` of the answer."""
        return self.execution_context.extensions_results
