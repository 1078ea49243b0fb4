"""Documents checked before they are executed: by what is quick first, then by graphql-core's rules."""

from collections.abc import Iterator, Mapping
from typing import Final

from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    NoFragmentCyclesRule,
    NoSchemaIntrospectionCustomRule,
    NoUnusedFragmentsRule,
    OverlappingFieldsCanBeMergedRule,
    ValuesOfCorrectTypeRule,
    specified_rules,
    validate,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from sent_graphql.schema.documents import Documents
from sent_graphql.schema.limits import TOO_COMPLEX, refusals
from sent_graphql.schema.refusals import NamedValuesRule
from sent_graphql.settings import GraphqlSettings

MAX_ERRORS: Final = 10
"""Mistakes told of one document; some repeat a good part of it."""

FRAGMENT_RULES: Final = (NoFragmentCyclesRule, NoUnusedFragmentsRule)
"""What the measuring of a document relies on."""


class _FieldsCanBeMergedRule(OverlappingFieldsCanBeMergedRule):
    """The same; what it has found out goes with its end. Rules are parts of circles, and left to the collector."""

    def leave_document(self, *_: object) -> None:
        """All is checked."""
        del self.rule_context


REPLACED: Final[Mapping[type[ASTValidationRule], type[ASTValidationRule]]] = {
    ValuesOfCorrectTypeRule: NamedValuesRule,
    OverlappingFieldsCanBeMergedRule: _FieldsCanBeMergedRule,
}
"""Rules that are ours; literals are checked by one that names the argument."""


class Checks(SchemaExtension):
    """Runs the checks where nobody knows the document to be valid; then it is known. One instance per request."""

    def __init__(self, checker: "Checker", documents: Documents) -> None:
        self._checker = checker
        self._documents = documents

    def on_validate(self) -> Iterator[None]:
        """Take the place of the validation that follows: of none, where the document is known to be valid."""
        context = self.execution_context
        if self._documents.get(context.query) is not None:
            context.pre_execution_errors = []
        elif context.pre_execution_errors is None and context.graphql_document is not None:
            schema = context.schema._schema  # noqa: SLF001 - Strawberry has no other way to graphql-core's schema
            document = context.graphql_document
            read = self._documents.unchecked(context.query)
            if read is not None and read.tree is document and read.errors is not None:
                context.pre_execution_errors = list(read.errors)
            else:
                context.pre_execution_errors = self._checker.errors(schema, document, context.validation_rules)
            if context.query and not context.pre_execution_errors:
                self._documents.keep(context.query, document)
        yield


class Checker:
    """Checks documents. It keeps nothing, so that any thread may use it."""

    def __init__(self, settings: GraphqlSettings) -> None:
        self._settings = settings

    def errors(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        usual: tuple[type[ASTValidationRule], ...] = specified_rules,
    ) -> list[GraphQLError]:
        """What is not valid in a document; `usual` are the rules that Strawberry would have it checked by."""
        try:
            return (
                self._broken(schema, document, FRAGMENT_RULES)
                or refusals(document, self._settings)
                or self._broken(schema, document, self._rules(usual))
            )
        except RecursionError:
            return [GraphQLError("The document nests too deeply", extensions={"code": TOO_COMPLEX})]

    def _broken(
        self, schema: GraphQLSchema, document: DocumentNode, rules: tuple[type[ASTValidationRule], ...]
    ) -> list[GraphQLError]:
        hide = not self._settings.suggestions
        return validate(schema, document, rules, max_errors=MAX_ERRORS, hide_suggestions=hide)

    def _rules(self, usual: tuple[type[ASTValidationRule], ...]) -> tuple[type[ASTValidationRule], ...]:
        kept = (REPLACED.get(rule, rule) for rule in usual if rule not in FRAGMENT_RULES)
        rules = (*kept, MaybeNullValidationRule, OneOfInputValidationRule)
        return rules if self._settings.introspection else (*rules, NoSchemaIntrospectionCustomRule)
