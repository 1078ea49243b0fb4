"""The schema put together for one network and its settings."""

from collections.abc import Iterator

import strawberry
import structlog
from graphql import GraphQLError, NoSchemaIntrospectionCustomRule, ValidationRule, ValuesOfCorrectTypeRule
from strawberry.extensions import MaxTokensLimiter, SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from sent_graphql.schema.contribution_contracts import ContributionContract
from sent_graphql.schema.documents import Documents, KnownDocuments
from sent_graphql.schema.limits import size_rule
from sent_graphql.schema.mutation import Mutation
from sent_graphql.schema.network import Network
from sent_graphql.schema.policy import ErrorLog, ErrorPolicy, operation_name
from sent_graphql.schema.query import Query
from sent_graphql.schema.refusals import NamedValuesRule
from sent_graphql.schema.scalars import scalars
from sent_graphql.schema.service_nodes import ServiceNode
from sent_graphql.schema.subscription import Subscription
from sent_graphql.schema.wallets import Stake, Wallet
from sent_graphql.settings import GraphqlSettings

NODE_TYPES = (ServiceNode, ContributionContract, Wallet, Stake, Network)
"""What `Query.node` can answer with."""


class ServedSchema(strawberry.Schema):
    """A Strawberry schema whose errors go to our log, and which remembers valid documents."""

    error_log: ErrorLog
    documents: Documents

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Called with all errors of an answer before they are masked."""
        for error in errors:
            self.error_log.record(error, operation_name(execution_context))


def build_schema(settings: GraphqlSettings, nettype: str) -> ServedSchema:
    """The schema for the network that oxend calls `nettype`. Its context value is a RequestContext."""
    rules = _rules(settings)
    documents = Documents()
    log = ErrorLog(structlog.get_logger("sent_graphql.schema"))
    schema = ServedSchema(
        Query,
        mutation=Mutation,
        subscription=Subscription,
        types=NODE_TYPES,
        config=StrawberryConfig(scalar_map=scalars(nettype)),
        extensions=[
            lambda: ErrorPolicy(log),
            lambda: MaxTokensLimiter(max_token_count=settings.max_tokens),
            lambda: Validation(rules),
            lambda: KnownDocuments(documents),
        ],
    )
    schema.error_log = log
    schema.documents = documents
    return schema


class Validation(SchemaExtension):
    """Checks documents by our rules: literals by one that names arguments, and the bounds of the settings."""

    def __init__(self, rules: tuple[type[ValidationRule], ...]) -> None:
        self._rules = rules

    def on_operation(self) -> Iterator[None]:
        """Set the rules before the document is read."""
        kept = (rule for rule in self.execution_context.validation_rules if rule is not ValuesOfCorrectTypeRule)
        self.execution_context.validation_rules = (*kept, *self._rules)
        yield


def _rules(settings: GraphqlSettings) -> tuple[type[ValidationRule], ...]:
    rules = (NamedValuesRule, size_rule(settings.max_depth, settings.max_aliases))
    return rules if settings.introspection else (*rules, NoSchemaIntrospectionCustomRule)
