"""Who may have an operation executed now: its price is told from the document, and the client is charged."""

import asyncio

from sent_graphql.http.graphql_request import Parameters
from sent_graphql.http.rate_limit import RateLimit
from sent_graphql.http.workload import NO_PLACE, NO_TURN, Workload
from sent_graphql.schema.cost import CostAnalysis
from sent_graphql.schema.documents import Documents
from sent_graphql.schema.price import Price
from sent_graphql.schema.reading import Reading
from sent_graphql.settings import GraphqlSettings


class Admission:
    """Charges clients for operations. What is beyond the budget is refused elsewhere, and costs its reading."""

    def __init__(
        self,
        documents: Documents,
        reading: Reading,
        costs: CostAnalysis,
        limit: RateLimit,
        workload: Workload,
        settings: GraphqlSettings,
    ) -> None:
        self._documents = documents
        self._reading = reading
        self._costs = costs
        self._limit = limit
        self._workload = workload
        self._settings = settings

    async def admit(self, client: str, parameters: Parameters) -> Price:
        """The price that the client has been charged for the operation; RateLimitedError where it cannot be.

        OverloadError where too many large documents wait to be read, or this one has waited too long.
        A document that is not known to be valid costs one for each character, to read and check it, beforehand.
        """
        text = parameters.query or ""
        if self._documents.get(text) is None:
            self._limit.charge(client, Price(len(text)))
            if self._reading.is_due(text):
                await self._read(text, parameters)
        price = self._price(text, parameters)
        self._limit.charge(client, price)
        return price

    async def _read(self, text: str, parameters: Parameters) -> None:
        if self._reading.waiting > self._settings.max_waiting:
            raise self._workload.refusal(NO_PLACE)
        try:
            async with asyncio.timeout(self._settings.max_wait):
                await self._reading.read(text, parameters.operation_name or None, parameters.variables)
        except TimeoutError:
            raise self._workload.refusal(NO_TURN) from None

    def _price(self, text: str, parameters: Parameters) -> Price:
        document = self._documents.read(text)
        if document is None:
            return Price()
        try:
            price = self._costs.price(document, parameters.operation_name or None, parameters.variables)
        except RecursionError:
            return Price()
        return price if price.cost <= self._settings.max_cost else Price()
