"""A simulated oxend without sockets, chains or clocks: its ledger, moved by the tests."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from sent_graphql.bls import SigningDomain
from sent_graphql.localdev.aggregates import Aggregator
from sent_graphql.localdev.constants import CHAIN_ID, Timing
from sent_graphql.localdev.genesis import GenesisMaker, PastNode
from sent_graphql.localdev.identities import Identities, NodeIdentity
from sent_graphql.localdev.ledger import Ledger
from sent_graphql.localdev.ledger_events import Registered
from sent_graphql.localdev.ledger_state import LedgerState
from sent_graphql.localdev.oxend_rpc import OxendRpc
from sent_graphql.localdev.population import PAST, REQUIREMENT, plan_population
from sent_graphql.localdev.service_nodes import NodeStake
from sent_graphql.models.keys import eth_address

NOW = 1_800_000_000
SEED = 7
OPERATORS = tuple(eth_address(f"{number:040x}") for number in range(0x1000, 0x1010))
REWARDS_CONTRACT = "0x5FC8d32690cc91D4c39d9d3abcBD16989F875707"


def make_genesis(seed: int = SEED, nodes: int = 40) -> LedgerState:
    """The first state of a network, as if its past had been played on a chain."""
    population = plan_population(Identities(seed), seed=seed, nodes=nodes, operators=OPERATORS, now=NOW)
    past = [
        PastNode(
            registration=node.registration,
            added_at=node.added_at,
            fate=node.fate,
            returned_amount=node.registration.deposit if node.fate in PAST else 0,
        )
        for node in population.nodes
    ]
    return GenesisMaker(seed=seed, now=NOW, l2_height=100, timing=Timing.of(5)).make(past, REQUIREMENT)


class Network:
    """A ledger with the identities behind it and the commands in front of it."""

    def __init__(self) -> None:
        self.identities = Identities(SEED)
        self.ledger = Ledger(make_genesis(), Timing.of(5))
        self.now = NOW
        self.domain = SigningDomain(CHAIN_ID, REWARDS_CONTRACT)
        self.secrets = {
            identity.pubkey_bls: identity.bls_secret.scalar for identity in (self.identities[i] for i in range(80))
        }
        top = self.ledger.top
        held = [node.pubkey_bls for node in top.nodes.values()] + list(top.removed)
        self.contract_ids = {pubkey_bls: number for number, pubkey_bls in enumerate(held, 1)}
        self.rpc = OxendRpc(self.ledger, Aggregator(self.domain, self.secrets, self.contract_ids, lambda: self.now))
        self.handlers = self.rpc.handlers()

    @property
    def top(self) -> LedgerState:
        """The state at the top block."""
        return self.ledger.top

    def mine(self, blocks: int = 1) -> LedgerState:
        """Adds blocks five seconds apart."""
        for _ in range(blocks):
            self.now += 5
            self.ledger.advance(self.now, 200)
        return self.ledger.top

    def newcomer(self, index: int = 70) -> NodeIdentity:
        """Keys that no node has."""
        return self.identities[index]

    def registration(self, identity: NodeIdentity, *, valid: bool = True) -> Registered:
        """The event of a solo registration."""
        stake = NodeStake(OPERATORS[0], OPERATORS[1], REQUIREMENT)
        return Registered(l2_height=150, registration=identity.register((stake,), 1000), valid=valid)

    async def ask(self, command: str, **body: Any) -> Any:
        """The parsed body of a good answer."""
        status, answer = await self.ask_raw(command, orjson.dumps(body) if body else None)
        assert status == b"200", answer
        return orjson.loads(answer)

    async def ask_raw(self, command: str, body: bytes | None = None) -> tuple[bytes, bytes]:
        """Status and body of any answer."""
        reply = await self.handlers[command](body)
        assert reply is not None
        return reply


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def genesis() -> Callable[..., LedgerState]:
    return make_genesis
