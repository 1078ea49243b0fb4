"""Both sides of a made network, as they are when a stage begins; sizes by `nodes`."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest
import uvloop
from block_network import CHAIN_ID, REWARDS, Chain, Inhabitants, Oxend
from contest.data import snapshot
from contest.servers import settings

from sent_graphql.models.contracts import ContractAddresses, ContractParameters, ContractsView, Recipient, ScanProgress
from sent_graphql.models.oxend import OxendView
from sent_graphql.models.snapshot import Snapshot
from sent_graphql.pollers.assembly import Assembly, assemble
from sent_graphql.pollers.lives import NO_LIVES
from sent_graphql.settings import NetworkSettings
from sent_graphql.sources.contracts import decoding
from sent_graphql.sources.contracts.abi import View, call_data
from sent_graphql.sources.oxend.recall import RoundRecall
from sent_graphql.sources.oxend.replies import (
    AccruedRewards,
    Info,
    LastBlockHeader,
    PendingEvents,
    RemovedEntry,
    ServiceNodes,
    decode_reply,
)
from sent_graphql.sources.oxend.rounds import Round

T = TypeVar("T")


class Sides:
    """oxend and the L2 of one network, and what they have said so far."""

    def __init__(self, nodes: int) -> None:
        self._people = Inhabitants(nodes)
        self._oxend = Oxend(self._people)
        self._chain = Chain(self._people)
        self.constants: NetworkSettings = settings().network
        self.recall = RoundRecall()
        """Of the last round."""

    def move(self) -> None:
        """The next block, in which some nodes change a little."""
        self._oxend.move("few")

    def replies(self) -> dict[str, bytes]:
        """oxend's to all that is asked in a round."""

        async def asked() -> dict[str, bytes]:
            said = {command: await handler(None) for command, handler in self._oxend.handlers().items()}
            return {command: reply[1] for command, reply in said.items() if reply is not None}

        return asyncio.run(asked())

    def oxend_view(self, replies: dict[str, bytes], recall: RoundRecall) -> OxendView:
        """Decodes them."""

        def decoded(command: str, kind: type[T]) -> T:
            return decode_reply(command, replies[command], kind)

        info = decoded("rpc.get_info", Info)
        answers = Round(
            first=info,
            header=decoded("rpc.get_last_block_header", LastBlockHeader).block_header,
            nodes=decoded("rpc.get_service_nodes", ServiceNodes),
            exit_list=decoded("rpc.bls_exit_liquidation_list", tuple[RemovedEntry, ...]),
            pending=decoded("rpc.get_pending_events", PendingEvents),
            accrued=decoded("rpc.get_accrued_rewards", AccruedRewards),
            last=info,
        )
        return answers.view(self.constants.block_seconds, recall)

    def contract_replies(self) -> dict[int, bytes]:
        """What `serviceNodes(id)` returns, by id."""
        return {number: self._returned(call_data(View.SERVICE_NODES, number)) for number in self._ids()}

    def contracts_view(self) -> ContractsView:
        """The L2's side, decoded."""
        nodes = {number: decoding.node(data, number) for number, data in self.contract_replies().items()}
        return ContractsView(
            chain_id=CHAIN_ID,
            block_number=self._chain.head,
            block_hash="0x" + "cd" * 32,
            block_timestamp=self._oxend.timestamp,
            addresses=ContractAddresses(service_node_rewards=REWARDS),
            parameters=ContractParameters(
                staking_requirement=1,
                max_contributors=10,
                paused=False,
                claim_threshold=1,
                claim_cycle_seconds=43_200,
                current_claim_cycle=0,
                current_claim_total=0,
                bls_non_signer_threshold=0,
                aggregate_pubkey="00" * 64,
                signature_expiry=600,
                reward_rate=None,
            ),
            nodes={number: node for number, node in nodes.items() if node is not None},
            contribution_contracts={},
            registrations={},
            exits={},
            recipients={wallet: Recipient(credited=2, claimed=1) for wallet in self._people.wallets},
            scan=ScanProgress(from_block=0, scanned_to=1, target=1, complete=True),
        )

    def assembled(self, oxend: OxendView, contracts: ContractsView, last: Assembly | None = None) -> Assembly:
        """Both joined, going on from the last time."""
        if last is None:
            return assemble(oxend, contracts, self.constants, NO_LIVES)
        return assemble(oxend, contracts, self.constants, last.lives, last.state, last.archive, last.known)

    def _ids(self) -> range:
        return range(1, self._people.nodes + 1)

    def _returned(self, data: bytes) -> bytes:
        call = {"id": 1, "method": "eth_call", "params": [{"data": "0x" + data.hex()}]}
        return bytes.fromhex(self._chain.answer(call)["result"][2:])


@pytest.fixture(scope="session", params=[2_000, 10_000], ids="{:,} nodes".format)
def nodes(request: pytest.FixtureRequest) -> int:
    """How many there are."""
    number: int = request.param
    return number


@pytest.fixture
def sides(nodes: int) -> Sides:
    """A network that nobody has asked yet."""
    return Sides(nodes)


@pytest.fixture(scope="session")
def shown(nodes: int) -> Snapshot:
    """The contest's snapshot."""
    return snapshot(nodes)


@pytest.fixture(scope="session")
def run() -> Iterator[Callable[[Awaitable[Any]], Any]]:
    """Waits for something on a loop as the service has it."""
    loop = uvloop.new_event_loop()
    yield loop.run_until_complete
    loop.close()
