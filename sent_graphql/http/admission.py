"""Who may have an operation executed now: its price is told from the document, and the client is charged."""

from sent_graphql.http.graphql_request import Parameters
from sent_graphql.http.rate_limit import RateLimit
from sent_graphql.schema.cost import CostAnalysis
from sent_graphql.schema.documents import Documents
from sent_graphql.schema.price import Price


class Admission:
    """Charges clients for operations. What costs more than `max_cost` is refused elsewhere, and costs its reading."""

    def __init__(self, documents: Documents, costs: CostAnalysis, limit: RateLimit, *, max_cost: int) -> None:
        self._documents = documents
        self._costs = costs
        self._limit = limit
        self._max_cost = max_cost

    def admit(self, client: str, parameters: Parameters) -> Price:
        """The price that the client has been charged for the operation; RateLimitedError where it cannot be.

        A document that is not known to be valid costs one for each character, to read and check it, beforehand.
        """
        text = parameters.query or ""
        if self._documents.get(text) is None:
            self._limit.charge(client, Price(len(text)))
        price = self._price(text, parameters)
        self._limit.charge(client, price)
        return price

    def _price(self, text: str, parameters: Parameters) -> Price:
        document = self._documents.read(text)
        if document is None:
            return Price()
        try:
            price = self._costs.price(document, parameters.operation_name or None, parameters.variables)
        except RecursionError:
            return Price()
        return price if price.cost <= self._max_cost else Price()
