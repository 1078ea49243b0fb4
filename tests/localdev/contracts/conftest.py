"""The contracts' rules hold on our EVM and on anvil alike: every test of this directory runs on both."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

import pytest
import pytest_asyncio

from sent_graphql.bls.signing import SecretKey
from sent_graphql.localdev.chain import Chain, Contract, Receipt
from sent_graphql.localdev.deployment import ENDLESS, STAKING_REQUIREMENT, Deployment

NOBODY = "0x" + "00" * 20
SIGNATURE = (1, 2, 3, 4)
DAY = 86_400


class Keys(NamedTuple):
    """A node's keys as the contracts want them."""

    bls: tuple[int, int]
    ed25519: int

    def params(self, fee: int = 1000) -> tuple[int, int, int, int]:
        """Key, signature halves and fee."""
        return self.ed25519, 11, 12, fee


def node_keys(number: int) -> Keys:
    """Keys of node `number`; the curve's point is a real one."""
    key = SecretKey(number + 1).public_key()
    return Keys((key.x, key.y), 0xED << 8 | number)


def share(address: str, amount: int, beneficiary: str | None = None) -> tuple[tuple[str, str], int]:
    """A contributor as addBLSPublicKey and fill want it."""
    return (address, beneficiary or address), amount


class Staking:
    """What people do with the contracts, with sensible defaults."""

    nobody = NOBODY
    signature = SIGNATURE
    day = DAY
    requirement = STAKING_REQUIREMENT
    share = staticmethod(share)
    keys = staticmethod(node_keys)

    def __init__(self, chain: Chain, deployment: Deployment) -> None:
        self.chain = chain
        self.deployment = deployment
        self.rewards = deployment.rewards
        self.owner = deployment.owner
        self.wallets = deployment.wallets

    async def register(
        self, number: int, sender: str, contributors: Sequence[tuple[tuple[str, str], int]] = ()
    ) -> Receipt:
        """Registers node `number`; without contributors the sender stakes all."""
        keys = node_keys(number)
        return await self.chain.send(
            self.rewards, "addBLSPublicKey", keys.bls, SIGNATURE, keys.params(), list(contributors), sender=sender
        )

    async def exit(self, number: int, sender: str, function: str = "exitBLSPublicKeyWithSignature") -> Receipt:
        """Takes node `number` off the list with a signature that is fresh now."""
        timestamp = await self.chain.timestamp()
        return await self.chain.send(
            self.rewards, function, node_keys(number).bls, timestamp, SIGNATURE, [], sender=sender
        )

    async def contribution_contract(
        self,
        number: int,
        operator: str,
        *,
        reserved: Sequence[tuple[str, int]] = (),
        manual_finalize: bool = False,
        fee: int = 1000,
    ) -> Contract:
        """A fresh contribution contract for node `number`; all wallets allow it to take their tokens."""
        keys = node_keys(number)
        receipt = await self.chain.send(
            self.deployment.factory,
            "deploy",
            keys.bls,
            SIGNATURE,
            keys.params(fee),
            list(reserved),
            manual_finalize,
            sender=operator,
        )
        contract = Contract.at(receipt.events[-1].arguments["contributorContract"], "ServiceNodeContribution")
        for wallet in self.wallets:
            await self.chain.send(
                self.deployment.token, "approve", contract.address, ENDLESS, sender=wallet, gas=100_000
            )
        return contract

    async def contribute(self, contract: Contract, sender: str, amount: int, beneficiary: str = NOBODY) -> Receipt:
        """Adds to a contribution contract."""
        return await self.chain.send(contract, "contributeFunds", amount, beneficiary, sender=sender)

    async def balance(self, address: str) -> int:
        """Tokens of an address."""
        return int(await self.chain.call(self.deployment.token, "balanceOf", address))


@pytest.fixture(params=["evm", pytest.param("anvil", marks=pytest.mark.node)])
def node(request: pytest.FixtureRequest) -> tuple[str, Deployment]:
    """URL of the node that the test runs on, and the contracts there."""
    running: tuple[str, Deployment] = request.getfixturevalue(request.param)
    return running


@pytest.fixture
def deployment(node: tuple[str, Deployment]) -> Deployment:
    """The contracts on that node."""
    return node[1]


@pytest_asyncio.fixture
async def chain(node: tuple[str, Deployment]) -> AsyncIterator[Chain]:
    """That node's client; all that a test does to the chain is undone after it."""
    async with Chain(node[0]) as client:
        snapshot = await client.snapshot()
        yield client
        await client.revert(snapshot)


@pytest.fixture
def staking(chain: Chain, deployment: Deployment) -> Staking:
    """What people do with the contracts."""
    return Staking(chain, deployment)
