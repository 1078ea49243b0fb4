"""Events of every kind, emitted by contracts on a real EVM, and what the history makes of them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sent_graphql.bls import SecretKey
from sent_graphql.localdev.chain import Chain, Contract
from sent_graphql.localdev.chain import Event as EmittedEvent
from sent_graphql.localdev.deployment import ENDLESS, MAX_CONTRIBUTORS, STAKING_REQUIREMENT, Deployment
from sent_graphql.models.contracts import ContractAddresses
from sent_graphql.models.history import EventFilter, StakingEvent, StakingEventKind
from sent_graphql.models.keys import ed25519_from_int
from sent_graphql.models.network import NetworkType
from sent_graphql.models.pages import Window
from sent_graphql.settings import ContractsSettings, NetworkSettings
from sent_graphql.sources.contracts.abi import Event
from sent_graphql.sources.contracts.calls import BlockReader
from sent_graphql.sources.contracts.rpc import JsonRpc
from sent_graphql.sources.contracts.source import ContractsSource
from sent_graphql.sources.database.database import Database
from sent_graphql.sources.database.events import EventStore

pytestmark = [pytest.mark.xdist_group("evm")]

PROOF = (1, 2, 3, 4)
GAS = 20_000_000

LOGGER = bytes.fromhex("601b80600b6000396000f3" + "60403603806040600037602035600035826000a200")
"""A contract that emits its call data: two topics, and the rest as data."""

NETWORK = NetworkSettings(
    name="localdev", nettype=NetworkType.LOCALDEV, chain_id=31337, unlock_seconds=60, deregistration_lock_seconds=60
)


def keys(number: int) -> tuple[tuple[int, int], tuple[int, int, int, int]]:
    """A BLS key and the parameters of a node."""
    key = SecretKey(number).public_key()
    return (key.x, key.y), (number, 5, 6, 700)


Followed = Callable[[ContractAddresses, int], Awaitable[tuple[ContractsSource, EventStore]]]


@pytest.fixture
def follow(
    chain: Chain,
    database: Database,
    make_rpc: Callable[..., JsonRpc],
    contracts_settings: Callable[..., ContractsSettings],
) -> Followed:
    """A source that follows contracts deployed at or after a block."""

    async def make(addresses: ContractAddresses, block: int) -> tuple[ContractsSource, EventStore]:
        settings = contracts_settings(
            chain.url,
            service_node_rewards=addresses.service_node_rewards,
            contribution_factory=addresses.contribution_factory,
            reward_rate_pool=addresses.reward_rate_pool,
            deployment_block=block,
        )
        rpc = make_rpc(chain.url)
        store = EventStore(database, settings.reorg_depth)
        source = ContractsSource(settings, NETWORK, rpc, BlockReader(rpc, settings), store)
        await source.start()
        return source, store

    return make


async def history(store: EventStore) -> list[StakingEvent]:
    """All of it, oldest first."""
    return list(reversed((await store.events(EventFilter(), Window(first=1_000))).items))


async def live(chain: Chain, deployment: Deployment, step: Callable[[], Awaitable[None]]) -> list[str]:
    """The life of a network, with a `step` now and then; returns the contribution contracts."""
    rewards, factory, pool, token = deployment.rewards, deployment.factory, deployment.pool, deployment.token
    owner, (operator, other) = deployment.owner, deployment.wallets[:2]

    async def send(contract: Contract, function: str, *arguments: Any, sender: str = operator) -> tuple[Any, ...]:
        return (await chain.send(contract, function, *arguments, sender=sender, gas=GAS)).events

    def told(events: tuple[EmittedEvent, ...], name: str) -> dict[str, Any]:
        return next(event.arguments for event in events if event.name == name)

    for number in (21, 22):
        point, parameters = keys(number)
        await send(rewards, "addBLSPublicKey", point, PROOF, parameters, [])
    await step()
    leaving = keys(21)[0]
    first = await chain.call(rewards, "ed25519ToServiceNodeID", 21)
    await send(rewards, "initiateExitBLSPublicKey", first)
    await chain.increase_time(3 * 3600)
    await send(rewards, "exitBLSPublicKeyWithSignature", leaving, await chain.timestamp(), PROOF, [], sender=other)
    liquidated = keys(22)[0]
    await send(rewards, "liquidateBLSPublicKeyWithSignature", liquidated, await chain.timestamp(), PROOF, [])
    await send(rewards, "updateRewardsBalance", other, 5_000, PROOF, [])
    await send(rewards, "claimRewards(uint256)", 2_000, sender=other)
    await step()

    point, parameters = keys(23)
    reserved = [(operator, STAKING_REQUIREMENT // 2)]
    events = await send(factory, "deploy", point, PROOF, parameters, reserved, True)
    contract = Contract.at(
        told(events, "NewServiceNodeContributionContract")["contributorContract"], "ServiceNodeContribution"
    )
    await send(contract, "updateFee", 800)
    await send(contract, "updateManualFinalize", True)
    new_point, _ = keys(24)
    await send(contract, "updatePubkeys", new_point, PROOF, 24, 7, 8)
    await send(contract, "updateReservedContributors", [])
    await step()
    for staker in (operator, other):
        await send(token, "approve", contract.address, ENDLESS, sender=staker)
    await send(contract, "contributeFunds", STAKING_REQUIREMENT // 2, operator)
    await send(contract, "contributeFunds", STAKING_REQUIREMENT // 4, other, sender=other)
    await send(contract, "updateBeneficiary", owner, sender=other)
    await chain.increase_time(25 * 3600)
    await send(contract, "withdrawContribution", sender=other)
    await send(contract, "contributeFunds", STAKING_REQUIREMENT // 2, other, sender=other)
    await send(contract, "finalize")
    await send(contract, "reset")
    await step()

    await send(pool, "payoutReleased")
    for paused in (rewards, factory):
        await send(paused, "pause", sender=owner)
        await send(paused, "unpause", sender=owner)
    await send(rewards, "setSignatureExpiry", 601, sender=owner)
    await send(rewards, "setBLSNonSignerThresholdMax", 301, sender=owner)
    await send(rewards, "setClaimThreshold", 10**15, sender=owner)
    await send(rewards, "setClaimCycle", 3_600, sender=owner)
    await send(rewards, "setLiquidationRatios", 4, 18, 9_978, sender=owner)
    await send(rewards, "setStakingRequirement", STAKING_REQUIREMENT + 1, sender=owner)
    await send(pool, "setBeneficiary", rewards.address, sender=owner)
    await step()
    return [contract.address]


async def test_every_event_is_kept_as_the_contracts_tell_it(
    chain: Chain, deployment: Deployment, follow: Followed, scan_through: Any
) -> None:
    begun = await chain.block_number() + 1
    await chain.mine()
    source, store = await follow(deployment.addresses, begun)
    view = await source.fetch(None, ())
    await scan_through(source)

    async def step() -> None:
        nonlocal view
        view = await source.fetch(view, ())

    contracts = await live(chain, deployment, step)
    followed = await history(store)

    unseen = {StakingEventKind.SEEDED_SERVICE_NODE, StakingEventKind.UPGRADED}
    assert {event.kind for event in followed} == set(StakingEventKind) - unseen
    ours = [deployment.rewards.address, deployment.factory.address, deployment.pool.address, *contracts]
    emitted = await chain.logs(begun, address=ours)
    assert [(event.block_number, event.log_index) for event in followed] == [
        (event.block_number, event.log_index) for event in emitted
    ]
    for event, log in zip(followed, emitted, strict=True):
        assert {argument.name: plain(argument.value) for argument in event.arguments} == {
            name: plain(value) for name, value in log.arguments.items()
        }, log.name
        assert (event.contract, event.transaction_hash) == (log.contract, log.transaction_hash)
        block = await chain.request("eth_getBlockByNumber", hex(event.block_number), False)
        assert (event.block_hash, int(event.timestamp.timestamp())) == (block["hash"], int(block["timestamp"], 16))

    of_contract = [event for event in followed if event.contribution_contract_address == contracts[0]]
    updates = [place for place, event in enumerate(of_contract) if event.kind is StakingEventKind.PUBKEYS_UPDATED]
    changed = updates[-1]
    assert {event.pubkey for event in of_contract[:changed]} == {ed25519_from_int(23)}
    assert {event.pubkey for event in of_contract[changed:]} == {ed25519_from_int(24)}
    registered = [event for event in followed if event.kind is StakingEventKind.NEW_SERVICE_NODE]
    assert [event.contribution_contract_address for event in registered] == [None, None, contracts[0]]
    assert {event.pubkey for event in followed if event.contract_id == registered[0].contract_id} == {
        ed25519_from_int(21)
    }
    exits = list(view.exits.values())
    assert [left.liquidated for left in exits] == [False, True]
    assert [left.returned_amount for left in exits] == [STAKING_REQUIREMENT, STAKING_REQUIREMENT * 9_980 // 10_000]

    await store.begin(begun, followed[0].block_hash, None, None)
    reader, store = await follow(deployment.addresses, begun)
    await reader.fetch(None, ())
    await scan_through(reader)
    assert await history(store) == followed, "reading the past finds what following found"


def plain(value: Any) -> Any:
    """A decoded argument in a form that both decoders' values come to: members in their order, without names."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        value = json.loads(value)
    if isinstance(value, dict):
        return [plain(member) for member in value.values()]
    if isinstance(value, list | tuple):
        return [plain(member) for member in value]
    return str(value).lower()


async def test_nodes_that_the_owner_put_in_are_history_with_their_contributors(
    chain: Chain, deployment: Deployment, follow: Followed, scan_through: Any
) -> None:
    owner, (operator, other) = deployment.owner, deployment.wallets[:2]
    begun = await chain.block_number() + 1
    rewards = await chain.deploy(
        "ServiceNodeRewards",
        deployment.token.address,
        deployment.pool.address,
        STAKING_REQUIREMENT,
        MAX_CONTRIBUTORS,
        sender=owner,
    )
    part = STAKING_REQUIREMENT // 4
    stakes = [((operator, operator), STAKING_REQUIREMENT - part), ((other, operator), part)]
    nodes = [(keys(number)[0], number, 1_700_000_000 + number, stakes) for number in (31, 32)]
    await chain.send(rewards, "seedPublicKeyList", nodes, sender=owner, gas=GAS)
    await chain.send(rewards, "start", sender=owner, gas=GAS)
    await chain.increase_time(3 * 3600)
    signed_at = await chain.timestamp()
    leaving = keys(31)[0]
    await chain.send(rewards, "exitBLSPublicKeyWithSignature", leaving, signed_at, PROOF, [], sender=other, gas=GAS)
    source, store = await follow(ContractAddresses(service_node_rewards=rewards.address), begun)
    view = await source.fetch(None, ())
    await scan_through(source)
    view = await source.fetch(view, ())
    found = await history(store)
    seeded = StakingEventKind.SEEDED_SERVICE_NODE
    assert [(event.kind, event.contract_id, event.pubkey) for event in found] == [
        (seeded, 1, ed25519_from_int(31)),
        (seeded, 2, ed25519_from_int(32)),
        (StakingEventKind.SERVICE_NODE_EXIT, 1, ed25519_from_int(31)),
    ]
    assert list(view.nodes) == [2]
    gone = view.registrations[1]
    assert (gone.operator, gone.added_at, gone.fee) == (operator, 1_700_000_031, None)
    assert [(stake.address, stake.beneficiary, stake.amount) for stake in gone.contributors] == [
        (operator, operator, STAKING_REQUIREMENT - part),
        (other, operator, part),
    ]


async def test_an_upgraded_proxy_is_history(
    chain: Chain, deployment: Deployment, follow: Followed, scan_through: Any
) -> None:
    owner, implementation = deployment.owner, deployment.wallets[0]
    made = await chain.transact({"from": owner, "data": "0x" + LOGGER.hex()}, gas=GAS)
    assert made.contract_address is not None
    topics = Event.UPGRADED.topic[2:] + implementation[2:].lower().zfill(64)
    await chain.transact({"from": owner, "to": made.contract_address, "data": "0x" + topics}, gas=GAS)
    addresses = ContractAddresses(
        service_node_rewards=deployment.rewards.address, contribution_factory=made.contract_address
    )
    source, store = await follow(addresses, made.block_number)
    async with asyncio.timeout(20):
        await source.fetch(None, ())
    await scan_through(source)
    (event,) = await history(store)
    assert (event.kind, event.contract) == (StakingEventKind.UPGRADED, made.contract_address)
    assert [(argument.name, argument.value) for argument in event.arguments] == [("implementation", implementation)]
