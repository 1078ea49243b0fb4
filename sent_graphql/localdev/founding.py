"""Makes a network out of nothing: contracts, inhabitants, their past, and oxend's first state."""

import time

from msgspec import Struct

from sent_graphql.localdev.chain import Chain
from sent_graphql.localdev.constants import ACCOUNTS, Timing
from sent_graphql.localdev.deployment import Deployment, deploy
from sent_graphql.localdev.genesis import GenesisMaker
from sent_graphql.localdev.history import History, Progress
from sent_graphql.localdev.identities import Identities
from sent_graphql.localdev.l2_follower import L2Follower
from sent_graphql.localdev.ledger_state import LedgerState
from sent_graphql.localdev.population import REQUIREMENT, plan_population
from sent_graphql.localdev.staking_client import StakingClient


class Founding(Struct, frozen=True, kw_only=True):
    """A founded network, ready to live on."""

    deployment: Deployment
    client: StakingClient
    identities: Identities
    next_identity: int
    operators: tuple[str, ...]
    secrets: dict[str, int]
    """Secret scalar by BLS key, of every node so far."""
    genesis: LedgerState
    follower: L2Follower


async def found_network(chain: Chain, *, seed: int, nodes: int, timing: Timing, progress: Progress) -> Founding:
    """Founds a network of `nodes` nodes on a chain that begins `GENESIS_AGE` seconds ago."""
    now = int(time.time())
    progress("deploying the contracts")
    deployment = await deploy(chain, funded_wallets=0)
    operators = (await chain.accounts())[1:ACCOUNTS]
    client = StakingClient(chain, deployment)
    identities = Identities(seed)
    population = plan_population(identities, seed=seed, nodes=nodes, operators=operators, now=now)
    history = History(chain, client, population, identities, progress)
    past = await history.play()
    progress("paying rewards")
    follower = L2Follower(chain, deployment.rewards.address, from_block=deployment.block_number)
    l2_height = await chain.block_number()
    genesis = GenesisMaker(seed=seed, now=now, l2_height=l2_height, timing=timing).make(past, REQUIREMENT)
    await history.credit(genesis)
    await chain.set_time(max(int(time.time()), await chain.timestamp()))
    await follower.poll()
    return Founding(
        deployment=deployment,
        client=client,
        identities=identities,
        next_identity=history.next_identity,
        operators=population.operators,
        secrets={
            identity.pubkey_bls: identity.bls_secret.scalar
            for identity in (identities[index] for index in range(history.next_identity))
        },
        genesis=genesis,
        follower=follower,
    )
