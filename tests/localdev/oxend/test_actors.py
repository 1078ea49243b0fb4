"""What the people of the local network do, on a real chain with the contracts on it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from eth_abi.abi import decode

from sent_graphql.bls import PublicKey, Signature, verify
from sent_graphql.localdev.actors import Actors
from sent_graphql.localdev.aggregates import Aggregator
from sent_graphql.localdev.artefact import Artefact
from sent_graphql.localdev.chain import Chain, RevertError
from sent_graphql.localdev.constants import ACCOUNTS, GENESIS_AGE, Timing
from sent_graphql.localdev.evm_process import start_evm
from sent_graphql.localdev.founding import Founding, found_network
from sent_graphql.localdev.ledger import Ledger
from sent_graphql.localdev.ledger_events import Exited, Registered, UnlockRequested
from sent_graphql.localdev.population import REQUIREMENT
from sent_graphql.localdev.service_nodes import NodeStake
from sent_graphql.models.contracts import ContributionStatus

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("local network")]

TRIES = 40


class Town:
    """A founded network, its ledger and its people."""

    def __init__(self, chain: Chain, founding: Founding) -> None:
        self.chain = chain
        self.founding = founding
        self.ledger = Ledger(founding.genesis, Timing.of(5))
        self.now = founding.genesis.block.timestamp
        aggregator = Aggregator(
            founding.client.domain, founding.secrets, founding.follower.contract_ids, lambda: self.now
        )
        self.actors = Actors(founding, self.ledger, aggregator, seed=1)

    def mine(self, blocks: int) -> None:
        """Adds blocks five seconds apart."""
        for _ in range(blocks):
            self.now += 5
            self.ledger.advance(self.now, self.founding.follower.height)

    async def until_done(self, act: Callable[[], Awaitable[str | None]]) -> str:
        """Lets chance try until there is something to do, and the contract has nothing against it.

        Blocks are mined faster here than the chain's time goes by: who is old in blocks may be too young to leave.
        """
        for _ in range(TRIES):
            with contextlib.suppress(RevertError):
                if (done := await act()) is not None:
                    return done
        pytest.fail("nothing was done")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town() -> AsyncIterator[Town]:
    with await asyncio.to_thread(start_evm, accounts=ACCOUNTS, genesis_age=GENESIS_AGE) as evm:
        async with Chain(evm.url) as chain:
            founding = await found_network(chain, seed=9, nodes=24, timing=Timing.of(5), progress=lambda _: None)
            yield Town(chain, founding)


async def test_founding_leaves_contribution_contracts_in_every_state(town: Town) -> None:
    client = town.founding.client
    states = [await client.contribution_state(address) for address in await client.contribution_contracts()]
    assert {state.status for state in states} == set(ContributionStatus)
    assert any(state.awaited for state in states)


async def test_founding_tells_the_past_in_the_past(town: Town) -> None:
    rewards = town.founding.deployment.rewards
    events = await town.chain.logs(0, address=rewards.address)
    names = {event.name for event in events}
    assert names >= {
        "NewServiceNodeV2",
        "ServiceNodeExitRequest",
        "ServiceNodeExit",
        "ServiceNodeLiquidated",
        "RewardsBalanceUpdated",
        "RewardsClaimed",
        "StakingRequirementUpdated",
    }
    first = next(event for event in events if event.name == "NewServiceNodeV2")
    block = await town.chain.request("eth_getBlockByNumber", hex(first.block_number), False)
    assert int(block["timestamp"], 16) < town.now - 7 * 86_400


async def test_newcomer_registers_with_a_real_proof_and_a_valid_signature(town: Town) -> None:
    await town.founding.follower.poll()
    pubkey = await town.until_done(town.actors.register_solo)
    (event,) = await town.founding.follower.poll()
    assert isinstance(event, Registered)
    assert event.valid
    assert event.registration.pubkey == pubkey
    (log,) = await town.chain.request(
        "eth_getLogs", {"fromBlock": hex(event.l2_height), "address": town.founding.deployment.rewards.address}
    )
    sent = await town.chain.request("eth_getTransactionByHash", log["transactionHash"])
    function = Artefact.load("ServiceNodeRewards").function("addBLSPublicKey", 4)
    _, proof, _, _ = decode(function.input_types, bytes.fromhex(sent["input"][10:]))
    domain = town.founding.client.domain
    key = PublicKey.from_hex(event.registration.pubkey_bls)
    message = domain.proof_of_possession(key, event.registration.contributors[0].address, pubkey)
    assert verify(key, Signature(*proof), message, domain.hash_tag)


async def test_contribution_contract_is_opened_and_filled(town: Town) -> None:
    before = await town.founding.client.contribution_contracts()
    address = await town.until_done(town.actors.open_contribution)
    assert await town.founding.client.contribution_contracts() == [*before, address]
    contributed = await town.until_done(town.actors.contribute)
    assert len((await town.founding.client.contribution_state(contributed)).contributors) > 1


async def test_filled_contract_is_finalized_and_registers(town: Town) -> None:
    await town.founding.follower.poll()
    address = await town.until_done(town.actors.finalize)
    assert (await town.founding.client.contribution_state(address)).status is ContributionStatus.FINALIZED
    assert [type(event) for event in await town.founding.follower.poll()] == [Registered]


async def test_contract_is_reset(town: Town) -> None:
    address = await town.until_done(town.actors.reset)
    state = await town.founding.client.contribution_state(address)
    assert state.status is ContributionStatus.WAIT_FOR_OPERATOR_CONTRIBUTION
    assert not state.contributors


async def test_operator_asks_to_leave(town: Town) -> None:
    await town.founding.follower.poll()
    pubkey = await town.until_done(town.actors.request_exit)
    assert await town.founding.follower.poll() == (
        UnlockRequested(l2_height=town.founding.follower.height, pubkey_bls=town.ledger.top.nodes[pubkey].pubkey_bls),
    )


async def test_nodes_on_the_exit_list_are_taken_off_the_contract(town: Town) -> None:
    town.mine(town.ledger.timing.exit_buffer_blocks + 20)
    await town.founding.follower.poll()
    waiting = {entry.node.pubkey: entry for entry in town.ledger.top.removed.values()}
    returned = set()
    for _ in waiting:
        entry = waiting[await town.until_done(town.actors.remove)]
        (event,) = await town.founding.follower.poll()
        assert isinstance(event, Exited)
        assert event.pubkey_bls == entry.node.pubkey_bls
        slashed = event.returned_amount < entry.node.registration.deposit
        assert slashed == (entry.kind == "deregister")
        returned.add(entry.node.pubkey)
    assert returned == waiting.keys()
    assert await town.actors.remove() is None


async def test_rewards_are_credited_and_claimed(town: Town) -> None:
    wallet = await town.until_done(town.actors.update_rewards)
    assert await town.founding.client.credited(wallet) == town.ledger.top.balance(wallet)
    claimer = await town.until_done(town.actors.claim)
    assert await town.founding.client.credited(claimer) > await town.founding.client.claimable(claimer)


async def test_refused_act_is_no_more_than_a_lost_chance(town: Town) -> None:
    for _ in range(10):
        await town.actors.act()


async def test_reorganised_chain_is_read_again_from_the_fork_on(town: Town) -> None:
    follower, client = town.founding.follower, town.founding.client
    await town.chain.mine()
    await follower.poll()
    ids = dict(follower.contract_ids)
    fork = await town.chain.snapshot()
    await town.until_done(town.actors.request_exit)
    identity = town.founding.identities[120]
    operator = town.founding.operators[0]
    registration = identity.register((NodeStake(operator, operator, REQUIREMENT),), 0)
    await client.register(identity, registration)
    assert [type(event) for event in await follower.poll()] == [UnlockRequested, Registered]
    assert registration.pubkey_bls in follower.contract_ids
    await town.chain.revert(fork)
    await client.register(identity, registration)
    assert [type(event) for event in await follower.poll()] == [Registered]
    assert follower.contract_ids.keys() == {*ids, registration.pubkey_bls}
    assert await follower.poll() == ()
