"""The life of nodes and contribution contracts on a real EVM, as the source sees it."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import URL

from sent_graphql.bls import SecretKey
from sent_graphql.localdev.chain import Chain, Contract, Receipt
from sent_graphql.localdev.deployment import ENDLESS, STAKING_REQUIREMENT, Deployment
from sent_graphql.models.contracts import ContributionStatus, Recipient
from sent_graphql.models.keys import bls_from_ints, ed25519_from_int, eth_address
from sent_graphql.models.network import NetworkType
from sent_graphql.settings import ContractsSettings, NetworkSettings
from sent_graphql.sources.contracts.calls import BlockReader
from sent_graphql.sources.contracts.rpc import JsonRpc
from sent_graphql.sources.contracts.source import ContractsSource
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.events import EventStore

pytestmark = pytest.mark.xdist_group("evm")

PROOF = (1, 2, 3, 4)
GAS = 20_000_000


class Keys(NamedTuple):
    """A node's keys: a point on the curve, and an Ed25519 key with leading zeros."""

    point: tuple[int, int]
    ed25519: int

    @classmethod
    def of(cls, number: int) -> "Keys":
        key = SecretKey(number).public_key()
        return cls((key.x, key.y), number)

    @property
    def parameters(self) -> tuple[int, int, int, int]:
        return (self.ed25519, 5, 6, 700)


@pytest.fixture
def database_url(tmp_path: Path) -> URL:
    """One kind of database is enough here."""
    return URL.create("sqlite+aiosqlite", database=str(tmp_path / "test.db"))


@pytest.fixture(params=["multicall", "batches"])
async def source(
    request: pytest.FixtureRequest,
    chain: Chain,
    deployment: Deployment,
    database: Database,
    make_rpc: Callable[..., JsonRpc],
    contracts_settings: Callable[..., ContractsSettings],
) -> ContractsSource:
    addresses = deployment.addresses
    settings = contracts_settings(
        chain.url,
        service_node_rewards=addresses.service_node_rewards,
        contribution_factory=addresses.contribution_factory,
        reward_rate_pool=addresses.reward_rate_pool,
        token=addresses.token,
        multicall=deployment.multicall.address if request.param == "multicall" else None,
    )
    network = NetworkSettings(
        name="localdev", nettype=NetworkType.LOCALDEV, chain_id=31337, unlock_seconds=60, deregistration_lock_seconds=60
    )
    rpc = make_rpc(chain.url)
    store = EventStore(database, settings.reorg_depth)
    source = ContractsSource(settings, network, rpc, BlockReader(rpc, settings), store)
    await source.start()
    return source


@pytest.fixture
def send(chain: Chain) -> Callable[..., Awaitable[Receipt]]:
    """Sends a transaction, with gas named so that the node need not try it first."""

    async def send(contract: Contract, function: str, *arguments: Any, sender: str) -> Receipt:
        return await chain.send(contract, function, *arguments, sender=sender, gas=GAS)

    return send


async def test_a_node_registers_asks_to_leave_and_leaves(
    chain: Chain, deployment: Deployment, source: ContractsSource, send: Any
) -> None:
    rewards, (operator, other) = deployment.rewards, deployment.wallets[:2]
    empty = await source.fetch(None, ())
    keys = Keys.of(11)
    part = STAKING_REQUIREMENT // 4
    stakes = [((operator, other), STAKING_REQUIREMENT - part), ((other, other), part)]
    await send(rewards, "addBLSPublicKey", keys.point, PROOF, keys.parameters, stakes, sender=operator)
    registered = await source.fetch(empty, ())
    ((contract_id, node),) = registered.nodes.items()
    assert (node.pubkey, node.pubkey_bls) == (ed25519_from_int(11), bls_from_ints(*keys.point))
    assert [(stake.address, stake.beneficiary) for stake in node.contributors] == [(operator, other), (other, other)]
    assert node.leave_requested_at is None
    registration = registered.registrations[contract_id]
    assert (registration.fee, registration.contributors, registration.pubkey) == (700, node.contributors, node.pubkey)
    assert (registration.block_number, registration.contribution_contract) == (registered.block_number, None)

    await send(rewards, "initiateExitBLSPublicKey", contract_id, sender=operator)
    asked = await source.fetch(registered, ())
    assert asked.nodes[contract_id].leave_requested_at == asked.block_timestamp

    await chain.increase_time(3 * 3600)
    signed_at = await chain.timestamp()
    await send(rewards, "exitBLSPublicKeyWithSignature", keys.point, signed_at, PROOF, [], sender=other)
    left = await source.fetch(asked, ())
    assert (list(left.nodes), list(left.exits)) == ([], [contract_id])
    assert left.registrations == registered.registrations

    await send(rewards, "addBLSPublicKey", keys.point, PROOF, keys.parameters, [], sender=operator)
    again = await source.fetch(left, ())
    assert list(again.nodes) == [contract_id + 1]
    assert again.nodes[contract_id + 1].pubkey == node.pubkey


async def test_a_contribution_contract_gathers_registers_and_begins_anew(
    chain: Chain, deployment: Deployment, source: ContractsSource, send: Any
) -> None:
    operator, other = deployment.wallets[:2]
    keys = Keys.of(12)
    empty = await source.fetch(None, ())
    deployed = await send(deployment.factory, "deploy", keys.point, PROOF, keys.parameters, [], True, sender=operator)
    made = next(event for event in deployed.events if event.name == "NewServiceNodeContributionContract")
    contract = Contract.at(made.arguments["contributorContract"], "ServiceNodeContribution")
    address = eth_address(contract.address)
    view = await source.fetch(empty, ())
    state = view.contribution_contracts[address]
    assert (state.status, state.operator, state.fee) == (
        ContributionStatus.WAIT_FOR_OPERATOR_CONTRIBUTION,
        operator,
        700,
    )
    assert (state.pubkey, state.pubkey_bls) == (ed25519_from_int(12), bls_from_ints(*keys.point))
    assert (state.minimum_contribution, state.manual_finalize) == (STAKING_REQUIREMENT // 4, True)
    assert state.created_at_block == view.block_number

    for staker in (operator, other):
        await send(deployment.token, "approve", contract.address, ENDLESS, sender=staker)
    await send(contract, "contributeFunds", STAKING_REQUIREMENT // 2, operator, sender=operator)
    view = await source.fetch(view, ())
    state = view.contribution_contracts[address]
    assert state.status is ContributionStatus.OPEN_FOR_PUBLIC_CONTRIBUTION
    assert [(entry.address, entry.contributed_at) for entry in state.contributions] == [
        (operator, view.block_timestamp)
    ]
    await send(contract, "contributeFunds", STAKING_REQUIREMENT // 2, other, sender=other)
    view = await source.fetch(view, ())
    state = view.contribution_contracts[address]
    assert (state.status, state.total_contributed) == (ContributionStatus.WAIT_FOR_FINALIZED, STAKING_REQUIREMENT)
    assert state.minimum_contribution is None, "minimumContribution() reverts when there is no room"

    await send(contract, "finalize", sender=operator)
    view = await source.fetch(view, ())
    assert view.contribution_contracts[address].status is ContributionStatus.FINALIZED
    ((contract_id, registration),) = view.registrations.items()
    assert registration.contribution_contract == address
    assert [stake.address for stake in view.nodes[contract_id].contributors] == [operator, other]

    await send(contract, "reset", sender=operator)
    view = await source.fetch(view, ())
    state = view.contribution_contracts[address]
    assert (state.status, state.contributions) == (ContributionStatus.WAIT_FOR_OPERATOR_CONTRIBUTION, ())
    assert list(view.nodes) == [contract_id], "the node stays registered"


async def test_rewards_are_credited_and_claimed(
    chain: Chain, deployment: Deployment, source: ContractsSource, send: Any
) -> None:
    rewards, (operator, other) = deployment.rewards, deployment.wallets[:2]
    keys = Keys.of(13)
    await send(rewards, "addBLSPublicKey", keys.point, PROOF, keys.parameters, [], sender=operator)
    view = await source.fetch(None, {other})
    assert view.recipients == {operator: Recipient(0, 0), other: Recipient(0, 0)}
    await send(rewards, "updateRewardsBalance", operator, 5_000, PROOF, [], sender=other)
    view = await source.fetch(view, {other})
    assert view.recipients[operator] == Recipient(5_000, 0)
    await send(rewards, "claimRewards(uint256)", 2_000, sender=operator)
    view = await source.fetch(view, {other})
    assert view.recipients[operator] == Recipient(5_000, 2_000)
    assert view.parameters.current_claim_total == 2_000
    assert view.parameters.reward_rate is not None


async def test_what_happened_before_the_start_becomes_known(
    chain: Chain, deployment: Deployment, source: ContractsSource, send: Any, scan_through: Any
) -> None:
    operator = deployment.wallets[0]
    keys = Keys.of(14)
    await send(deployment.factory, "deploy", keys.point, PROOF, keys.parameters, [], False, sender=operator)
    keys = Keys.of(15)
    await send(deployment.rewards, "addBLSPublicKey", keys.point, PROOF, keys.parameters, [], sender=operator)
    first = await source.fetch(None, ())
    assert (len(first.nodes), first.registrations) == (1, {})
    await scan_through(source)
    view = await source.fetch(first, ())
    assert view.scan.complete
    assert view.scan.from_block is not None
    assert view.scan.from_block >= deployment.block_number, "the first block with the rewards contract's code"
    assert [entry.fee for entry in view.registrations.values()] == [700]
    assert len(view.contribution_contracts) == 1


async def test_a_reorganisation_takes_back_what_was_done(
    chain: Chain, deployment: Deployment, source: ContractsSource, send: Any
) -> None:
    rewards, operator = deployment.rewards, deployment.wallets[0]
    await chain.mine(3)
    before = await source.fetch(None, ())
    snapshot = await chain.snapshot()
    first, second = Keys.of(16), Keys.of(17)
    await send(rewards, "addBLSPublicKey", first.point, PROOF, first.parameters, [], sender=operator)
    view = await source.fetch(before, ())
    assert [node.pubkey for node in view.nodes.values()] == [ed25519_from_int(16)]
    await chain.revert(snapshot)
    await send(rewards, "addBLSPublicKey", second.point, PROOF, second.parameters, [], sender=operator)
    view = await source.fetch(view, ())
    assert [node.pubkey for node in view.nodes.values()] == [ed25519_from_int(17)]
    assert [entry.pubkey for entry in view.registrations.values()] == [ed25519_from_int(17)]
