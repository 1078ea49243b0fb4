"""The schema put together for one network and its settings."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import strawberry
import structlog
from graphql import GraphQLError, GraphQLObjectType, OperationType
from strawberry.extensions import SchemaExtension
from strawberry.extensions.runner import SchemaExtensionsRunner
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from sent_graphql.execution.encoded_objects import EncodedObjects, Room
from sent_graphql.execution.executor import compiled_execution
from sent_graphql.execution.plans import Plans
from sent_graphql.execution.whole import WholeAnswers
from sent_graphql.schema.at_once import AtOnce
from sent_graphql.schema.checks import Checker, Checks
from sent_graphql.schema.contribution_contracts import ContributionContract
from sent_graphql.schema.cost import CostAnalysis
from sent_graphql.schema.cost_limit import CostLimit
from sent_graphql.schema.direct_lookups import direct_lookup
from sent_graphql.schema.documents import Document, Documents, KnownDocuments
from sent_graphql.schema.history import StakingEvent
from sent_graphql.schema.hooks import Hooks
from sent_graphql.schema.mutation import Mutation
from sent_graphql.schema.network import Network
from sent_graphql.schema.policy import ErrorLog, ErrorPolicy, operation_name
from sent_graphql.schema.query import Query
from sent_graphql.schema.reading import Reading
from sent_graphql.schema.readings import parts_read_by
from sent_graphql.schema.registrations import Registration
from sent_graphql.schema.scalars import scalars
from sent_graphql.schema.service_nodes import ServiceNode
from sent_graphql.schema.subscription import Subscription
from sent_graphql.schema.wallets import Stake, Wallet
from sent_graphql.settings import GraphqlSettings

NODE_TYPES = (ServiceNode, ContributionContract, Wallet, Stake, Network, Registration, StakingEvent)
"""What `Query.node` can answer with."""

LASTING = frozenset({ServiceNode.__name__, ContributionContract.__name__})
"""Types whose structs are those of the last snapshot, where nothing of them has changed."""


class ServedSchema(strawberry.Schema):
    """A Strawberry schema whose errors go to our log, and which remembers valid documents."""

    error_log: ErrorLog
    documents: Documents
    costs: CostAnalysis
    checker: Checker
    """What documents are checked by."""
    objects: Room
    """Where its lasting objects are kept in JSON. It wants to be told of each new snapshot."""

    @cached_property
    def reading(self) -> Reading:
        """How its large documents are read."""
        return Reading(self.documents, self._make_ready)

    def _make_ready(self, document: Document, name: str | None, variables: Mapping[str, Any] | None) -> None:
        """Checks a document and finds out what is asked of one that is valid. Touches nothing else: see Reading."""
        document.errors = self.checker.errors(self._schema, document.tree)
        if document.errors:
            return
        with contextlib.suppress(RecursionError):  # who asks again will meet it
            self.costs.price(document, name, variables)
            parts_read_by(self._schema, document, name)
            asked = document.operation(name)
            if asked is not None and asked.definition.operation is OperationType.SUBSCRIPTION:
                _ = asked.canonical

    @cached_property
    def hooks(self) -> Hooks:
        """Those of its extensions."""
        return Hooks()

    def create_extensions_runner(
        self, execution_context: ExecutionContext, extensions: list[SchemaExtension]
    ) -> SchemaExtensionsRunner:
        """Called by Strawberry for each operation."""
        return self.hooks.runner(execution_context, extensions)

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Called with all errors of an answer before they are masked."""
        for error in errors:
            self.error_log.record(error, operation_name(execution_context))


def build_schema(
    settings: GraphqlSettings,
    nettype: str,
    *,
    watchers: Sequence[Callable[[], SchemaExtension]] = (),
    objects_bytes: int = 0,
) -> ServedSchema:
    """The schema for the network that oxend calls `nettype`. Its context value is a RequestContext.

    `watchers` make, for each execution, what observes all of it. `objects_bytes`: see Room.
    """
    objects = Room(objects_bytes)

    def find_place(kind: GraphQLObjectType) -> EncodedObjects | None:
        return EncodedObjects(objects) if kind.name in LASTING else None

    plans = Plans(direct_lookup, find_place=find_place)
    documents = Documents(settings.max_tokens)
    checker = Checker(settings)
    log = ErrorLog(structlog.get_logger("sent_graphql.schema"))
    schema = ServedSchema(
        Query,
        mutation=Mutation,
        subscription=Subscription,
        types=NODE_TYPES,
        config=StrawberryConfig(scalar_map=scalars(nettype)),
        execution_context_class=compiled_execution(plans),
        extensions=[
            *watchers,
            lambda: ErrorPolicy(log),
            lambda: KnownDocuments(documents),
            lambda: Checks(checker, documents),
            lambda: CostLimit(schema.costs, documents, settings.max_cost),
            lambda: AtOnce(whole, documents),
        ],
    )
    whole = WholeAnswers(plans, schema._schema)  # noqa: SLF001 - Strawberry has no other way to graphql-core's schema
    schema.error_log = log
    schema.documents = documents
    schema.checker = checker
    schema.objects = objects
    schema.costs = cost_analysis(schema, settings)
    return schema


def cost_analysis(schema: strawberry.Schema, settings: GraphqlSettings) -> CostAnalysis:
    """The prices of a schema's operations."""
    return CostAnalysis(
        schema._schema,  # noqa: SLF001 - Strawberry has no other way to graphql-core's schema
        default_page_size=settings.default_page_size,
        max_page_size=settings.max_page_size,
    )
