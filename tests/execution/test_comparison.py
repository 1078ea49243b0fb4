"""Compiled execution answers as plain Strawberry does: data, order of keys, errors, paths and locations."""

import asyncio
import gc
import os
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from graphql import GraphQLObjectType, parse, validate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from sent_graphql.execution.encoded_objects import EncodedObjects, Room
from sent_graphql.execution.executor import compiled_execution
from sent_graphql.execution.plans import Plans
from sent_graphql.execution.whole import WholeAnswers
from sent_graphql.models.contracts import Recipient
from sent_graphql.models.network import ServiceNodeState
from sent_graphql.models.proofs import ProofJudge, StoredRegistration
from sent_graphql.models.registrations import RegistrationError, RegistrationErrorCode
from sent_graphql.models.signatures import RequestErrorCode, RequestRefusedError, RewardsClaim
from sent_graphql.models.snapshot import NetworkState
from sent_graphql.models.validation import RegistrationValidation
from sent_graphql.resolvers.changes import Event
from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.resolvers.orders import service_node_order
from sent_graphql.resolvers.services import Services
from sent_graphql.schema.at_once import AtOnce
from sent_graphql.schema.build import LASTING, ServedSchema, build_schema
from sent_graphql.schema.direct_lookups import direct_lookup
from sent_graphql.schema.documents import KnownDocuments
from sent_graphql.settings import GraphqlSettings

EXAMPLES = int(os.environ.get("EXECUTION_EXAMPLES", "170"))
"""Random documents for each comparison; more by the environment."""

ILL = RegistrationError(code=RegistrationErrorCode.TOO_MUCH, message="too much", total=10**20)

# When a field fails while others wait for their turn, graphql-core drops what of those has not begun.
pytestmark = pytest.mark.filterwarnings(
    "ignore:coroutine .* was never awaited:RuntimeWarning",
    "ignore:.*was never awaited:pytest.PytestUnraisableExceptionWarning",
    "ignore:Exception ignored in. <coroutine object:pytest.PytestUnraisableExceptionWarning",
)


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    """What graphql-core has dropped is freed while that is known to happen, and not within another test."""
    yield
    gc.collect()


class Upstream:
    """Everything that is not in snapshots; it takes a turn of the event loop to answer."""

    async def validate(self, *_: object) -> Any:
        await asyncio.sleep(0)
        return RegistrationValidation(
            errors=(ILL,), remaining_contribution=1, remaining_spots=2**35, remaining_min_contribution=None
        )

    async def store(self, *_: object) -> Any:
        await asyncio.sleep(0)
        return StoredRegistration(registration=None, errors=(ILL, ILL), judged_by=(ProofJudge.SERVICE,))

    async def rewards_claim(self, address: str) -> RewardsClaim:
        await asyncio.sleep(0)
        return RewardsClaim(
            address=address,
            amount=7,
            height=8,
            message_to_sign="00",
            signature="11",
            non_signer_ids=(1, 2**33),
            sufficient=True,
        )

    async def exit(self, _pubkey: str) -> Any:
        raise RequestRefusedError(RequestErrorCode.RATE_LIMITED, "later")

    async def liquidation(self, _pubkey: str) -> Any:
        await asyncio.sleep(0)
        raise ZeroDivisionError("broken")


class Silence:
    """No log: thousands of errors with their tracebacks are slow to write."""

    def record(self, *_: object) -> None:
        pass


SILENCE: Any = Silence()
UPSTREAM: Any = Upstream()
SERVICES = Services(signatures=UPSTREAM, registration_desk=UPSTREAM, registration_validator=UPSTREAM)
OPTIONS = ResolverOptions(nettype="mainnet", default_page_size=3, max_page_size=2_500)


def schema_with(execution: Any) -> ServedSchema:
    """The served schema without its extensions, so that errors are seen as they are."""
    schema = build_schema(GraphqlSettings(), "mainnet")
    schema.extensions = ()
    schema.execution_context_class = execution
    schema.error_log = SILENCE
    return schema


@pytest.fixture(scope="module")
def ours() -> ServedSchema:
    """Compiled at once, never interrupted."""
    return schema_with(compiled_execution(Plans(direct_lookup, worth=1), slice_seconds=3_600.0))


@pytest.fixture(scope="module")
def interrupted() -> ServedSchema:
    """Compiled at once, and interrupted before every single object."""
    return schema_with(compiled_execution(Plans(direct_lookup, worth=1), slice_seconds=0.0))


@pytest.fixture(scope="module")
def keeping() -> ServedSchema:
    """Knows its documents, and keeps in JSON what lasts."""
    room = Room(1_000_000)

    def find_place(kind: GraphQLObjectType) -> EncodedObjects | None:
        return EncodedObjects(room) if kind.name in LASTING else None

    plans = Plans(direct_lookup, find_place=find_place, worth=1)
    schema = schema_with(compiled_execution(plans, slice_seconds=3_600.0))
    whole = WholeAnswers(plans, schema._schema)
    schema.extensions = (lambda: KnownDocuments(schema.documents), lambda: AtOnce(whole, schema.documents))
    return schema


@pytest.fixture(scope="module")
def plain() -> ServedSchema:
    """Strawberry's own execution."""
    return schema_with(StrawberryGraphQLCoreExecutionContext)


class Networks:
    """Random states of small networks whose nodes, contracts and wallets refer to each other."""

    def __init__(self, make: Any, illness: Any) -> None:
        self._make = make
        self._illness = illness

    def snapshot(self, chance: random.Random) -> Any:
        """One of them, more often ill than not; rarely none yet."""
        make = self._make
        if chance.random() < 0.03:
            return make.snapshot(None)
        nodes = [self._node(chance, number) for number in range(chance.choice((0, 1, 3, 8)))]
        contracts = tuple(
            make.contract(number, service_node_id=nodes[number].id if number < len(nodes) else None)
            for number in range(chance.choice((0, 2)))
        )
        state = make.state(
            *nodes,
            contracts=contracts,
            accrued={make.address(1): 70},
            recipients={make.address(1): Recipient(credited=60, claimed=50)},
        )
        snapshot = make.snapshot(state)
        if chance.random() < 0.7:
            parts = [*nodes, *contracts, *snapshot.sources]
            parts += [contributor for holder in (*nodes, *contracts) for contributor in holder.contributors]
            network = state.network
            parts += [network, network.claim_limit, network.node_counts, network.contracts]
            self._illness(chance).strike(*chance.sample(parts, min(len(parts), chance.choice((1, 3, 10)))))
        return snapshot

    def following(self, first: NetworkState, chance: random.Random, *, known: bool) -> NetworkState:
        """A state in which some of it has changed: as it follows the first, or made from nothing."""
        nodes = [
            self._node(chance, number) if chance.random() < 0.3 else node for number, node in enumerate(first.nodes)
        ]
        contracts = [*first.contribution_contracts]
        if chance.random() < 0.3:
            contracts[0] = self._make.contract(0, contributors=nodes[0].contributors)
        accrued = {self._make.address(2): 80} if chance.random() < 0.3 else first.accrued
        return self._state(nodes, contracts, accrued, first if known else None)

    def state(self, chance: random.Random) -> NetworkState:
        """A state without illness."""
        nodes = [self._node(chance, number) for number in range(chance.choice((1, 3, 8)))]
        return self._state(nodes, [self._make.contract(number) for number in range(2)], {self._make.address(1): 70})

    def _state(
        self, nodes: Any, contracts: Any, accrued: Mapping[str, int], previous: NetworkState | None = None
    ) -> NetworkState:
        return NetworkState(
            network=self._make.network(),
            nodes=nodes if previous is None else previous.present.next(nodes),
            contribution_contracts=contracts,
            accrued=accrued,
            recipients={},
            previous=previous,
        )

    def _node(self, chance: random.Random, number: int) -> Any:
        make = self._make
        operator = make.contributor(chance.choice((1, 2)), is_operator=True, leave_allowed_at=make.moment)
        others = (make.contributor(3, 7), make.contributor(4, 8))
        return make.node(
            number,
            contributors=(operator, *others[: chance.randrange(3)]),
            state=chance.choice(list(ServiceNodeState)),
            swarm_id=chance.choice((None, "00")),
            contribution_contract_address=chance.choice((None, make.address(0xC000 + number))),
        )

    def values(self) -> dict[str, list[Any]]:
        """What may be asked for."""
        make = self._make
        nodes = [make.node(number) for number in range(3)]
        cursors = [service_node_order().arrange(nodes).cursor(node) for node in nodes]
        return {
            "Address": [make.address(number) for number in (1, 2, 3, 4, 99, 0xC000)],
            "Ed25519PublicKey": [node.pubkey for node in nodes] + ["ff" * 32],
            "BlsPublicKey": [node.pubkey_bls for node in nodes],
            "ID": [nodes[0].id, make.contract(0).id, make.network().id, self._wallet_id(1), "bad", "V2FsbGV0OjB4MQ=="],
            "Int": [0, 1, 2, 3, 5, 100, -1, 3_000],
            "String": ["", "0001", "bad cursor", *cursors],
            "Boolean": [True, False],
            "BigInt": [0, 1, "12345678901234567890"],
            "HexBytes": ["00"],
            "EthHash": ["0x" + "00" * 32],
            "DateTime": ["2025-05-21T01:00:00Z"],
        }

    def shown(self, state: NetworkState) -> Any:
        """A snapshot of it."""
        return self._make.snapshot(state)

    def _wallet_id(self, number: int) -> Any:
        return self._make.state().wallet(self._make.address(number)).id


@pytest.fixture(scope="module")
def networks(make: Any, illness: Any) -> Networks:
    """The maker of networks."""
    return Networks(make, illness)


@pytest.mark.parametrize("kind", ["query", "mutation", "subscription"])
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(min_value=0))
def test_random_documents_are_answered_alike(
    seed: int,
    kind: str,
    ours: ServedSchema,
    interrupted: ServedSchema,
    keeping: ServedSchema,
    plain: ServedSchema,
    networks: Networks,
    writer: Any,
    answer: Any,
) -> None:
    chance = random.Random(seed)
    document, variables = writer(ours._schema, networks.values(), chance).write(kind)
    assert validate(ours._schema, parse(document)) == []
    asked: dict[str, Any] = {
        "variable_values": variables,
        "context_value": RequestContext(networks.snapshot(chance), OPTIONS, SERVICES),
        "root_value": Event(),
    }
    wanted, got = answer(plain, document, **asked), answer(ours, document, **asked)
    assert (got.data, got.errors) == (wanted.data, wanted.errors)
    # Of several errors in fields that may not be null, which one is told depends on which is met first.
    in_slices = answer(interrupted, document, **asked)
    assert in_slices.data == wanted.data
    assert bool(in_slices.errors) == bool(wanted.errors)
    if kind == "query":
        keeping.documents.keep(document, parse(document))
        asked["context_value"] = replace(asked["context_value"], encodes=True)
        for _ in range(3):
            kept = answer(keeping, document, **asked)
            assert (kept.json, kept.errors) == (wanted.json, wanted.errors)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(min_value=0))
def test_what_is_handed_on_from_the_last_snapshot_changes_no_answer(
    seed: int,
    ours: ServedSchema,
    keeping: ServedSchema,
    plain: ServedSchema,
    networks: Networks,
    writer: Any,
    answer: Any,
) -> None:
    chance = random.Random(seed)
    document, variables = writer(ours._schema, networks.values(), chance).write("query")
    keeping.documents.keep(document, parse(document))
    first, changes = networks.state(chance), chance.randrange(2**32)

    def asked(schema: ServedSchema, state: NetworkState, *, encodes: bool = False) -> Any:
        context = RequestContext(networks.shown(state), OPTIONS, SERVICES, encodes)
        return answer(schema, document, variable_values=variables, context_value=context)

    wanted = asked(plain, networks.following(first, random.Random(changes), known=False))
    for schema, encodes in ((ours, False), (keeping, True)):
        for _ in range(2):
            asked(schema, first, encodes=encodes)
        second = networks.following(first, random.Random(changes), known=True)
        got = asked(schema, second, encodes=encodes)
        assert (got.json, got.errors) == (wanted.json, wanted.errors)
