"""Claim, exit and liquidation on the local network: asked by GraphQL, signed by its nodes, taken by its contract."""

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio

from sent_graphql.bls import Signature, SigningDomain, aggregate_public_keys, verify
from sent_graphql.bls.points import PublicKey
from sent_graphql.localdev.chain import Chain, Contract
from sent_graphql.localdev.network import LocalNetwork
from sent_graphql.models.keys import bls_from_ints
from sent_graphql.resolvers.context import RequestContext, ResolverOptions
from sent_graphql.resolvers.services import Services
from sent_graphql.schema.build import build_schema
from sent_graphql.settings import (
    ContractsSettings,
    GraphqlSettings,
    LocalSettings,
    OxendSettings,
    ProofsSettings,
    SignaturesSettings,
)
from sent_graphql.signatures.service import SignatureService
from sent_graphql.signatures.verification import Domain
from sent_graphql.sources.contracts.calls import BlockReader
from sent_graphql.sources.contracts.rpc import JsonRpc
from sent_graphql.sources.contracts.signer_reads import SignerReads
from sent_graphql.sources.oxend.calls import OxendRpc
from sent_graphql.sources.oxend.replies import NodeState, decode_part
from sent_graphql.sources.oxend.transport import OxendTransport, make_transport
from sent_graphql.workers.pool import WorkerPool

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("signatures on the local network")]

CHAIN_ID = 31337
GAS = 20_000_000
BLOCKS_UNTIL_LIQUIDATION = 60

CLAIM = """mutation ($address: Address!) { requestRewardsClaim(address: $address) {
  claim { address amount height messageToSign signature nonSignerIds sufficient } errors { code message } } }"""
EXIT = """mutation ($pubkey: Ed25519PublicKey!) { request: requestExit(pubkey: $pubkey) {
  exit { pubkeyBls timestamp expiresAt messageToSign signature nonSignerIds sufficient } errors { code message } } }"""
LIQUIDATION = EXIT.replace("requestExit", "requestLiquidation")


class Stage:
    """The network, and the service that asks it."""

    def __init__(
        self, network: LocalNetwork, chain: Chain, transport: OxendTransport, service: SignatureService
    ) -> None:
        self.oxend = OxendRpc(transport)
        self.service = service
        self.chain = chain
        self.rewards = Contract.at(network.addresses.service_node_rewards, "ServiceNodeRewards")
        self.domain = SigningDomain(CHAIN_ID, network.addresses.service_node_rewards)
        self._transport = transport
        self._schema = build_schema(GraphqlSettings(), "localdev")

    async def ask(self, document: str, make: Any, **variables: Any) -> Any:
        """The data of an answer without errors of GraphQL's."""
        options = ResolverOptions(nettype="localdev", default_page_size=100, max_page_size=100)
        context = RequestContext(make.snapshot(None), options, Services(signatures=self.service))
        result = await self._schema.execute(document, variable_values=variables, context_value=context)
        assert result.errors is None, result.errors
        return result.data

    async def mine(self, blocks: int) -> None:
        """Has oxend go on."""
        await self._transport.request("sim.mine", str(blocks).encode())

    async def verifies(self, given: Any) -> bool:
        """Whether all nodes of the contract but those named have signed the message."""
        ids, keys = await self.chain.call(self.rewards, "allServiceNodeIDs")
        signers = [
            PublicKey.from_hex(bls_from_ints(*key))
            for number, key in zip(ids, keys, strict=True)
            if number not in given["nonSignerIds"]
        ]
        signature = Signature.from_hex(given["signature"])
        message = bytes.fromhex(given["messageToSign"])
        return verify(aggregate_public_keys(signers), signature, message, self.domain.hash_tag)

    async def send(self, function: str, *arguments: Any) -> Any:
        """A transaction of somebody; raises RevertError where the contract refuses."""
        sender = (await self.chain.accounts())[5]
        return await self.chain.send(self.rewards, function, *arguments, sender=sender, gas=GAS)


def words(digits: str) -> tuple[int, ...]:
    """Words of 64 hex digits, as a front end would split them."""
    return tuple(int(digits[at : at + 64], 16) for at in range(0, len(digits), 64))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    path = tmp_path_factory.mktemp("oxend") / "o.sock"
    settings = LocalSettings(nodes=20, seed=5, start_timeout=170.0)
    async with AsyncExitStack() as exits:
        network = await exits.enter_async_context(LocalNetwork(settings, socket_path=path, control=True, still=True))
        chain = await exits.enter_async_context(Chain(network.rpc_url))
        transport = make_transport(OxendSettings(endpoints=(network.oxend_endpoint,), transport="zmq"))
        await transport.start()
        exits.push_async_callback(transport.close)
        contracts = ContractsSettings.model_validate(
            {
                "rpc_urls": (network.rpc_url,),
                "service_node_rewards": network.addresses.service_node_rewards,
                "multicall": network.multicall,
            }
        )
        rpc = JsonRpc(contracts, chain_id=CHAIN_ID, random=random.Random(1))
        exits.push_async_callback(rpc.close)
        workers = WorkerPool(ProofsSettings())
        exits.push_async_callback(workers.close)
        service = SignatureService(
            SignaturesSettings(),
            Domain(CHAIN_ID, network.addresses.service_node_rewards),
            rpc=OxendRpc(transport),
            top=lambda: None,
            known_signers=lambda: None,
            latest_signers=SignerReads(rpc, BlockReader(rpc, contracts), network.addresses.service_node_rewards).read,
            workers=workers,
        )
        exits.push_async_callback(service.close)
        yield Stage(network, chain, transport, service)


async def test_a_claim_is_credited_by_the_contract(stage: Stage, make: Any) -> None:
    await stage.mine(2)
    accrued = (await stage.oxend.get_accrued_rewards()).balances
    wallet = max((one for one in accrued if one.startswith("0x")), key=lambda one: accrued[one])
    payload = (await stage.ask(CLAIM, make, address=wallet))["requestRewardsClaim"]
    assert payload["errors"] == []
    claim = payload["claim"]
    assert claim["address"].lower() == wallet
    assert claim["sufficient"]
    assert await stage.verifies(claim)
    amount = int(claim["amount"])
    assert bytes.fromhex(claim["messageToSign"]) == stage.domain.reward(wallet, amount)
    await stage.send("updateRewardsBalance", claim["address"], amount, words(claim["signature"]), claim["nonSignerIds"])
    credited, _ = await stage.chain.call(stage.rewards, "recipients", claim["address"])
    assert credited == amount


@pytest.mark.parametrize(
    ("document", "kind", "function"),
    [
        (EXIT, "exit", "exitBLSPublicKeyWithSignature"),
        (LIQUIDATION, "deregister", "liquidateBLSPublicKeyWithSignature"),
    ],
)
async def test_a_node_is_taken_off_the_contract(
    stage: Stage, make: Any, document: str, kind: str, function: str
) -> None:
    await stage.mine(BLOCKS_UNTIL_LIQUIDATION)
    entry = next(entry for entry in await stage.oxend.get_exit_list() if entry.type == kind)
    payload = (await stage.ask(document, make, pubkey=entry.service_node_pubkey))["request"]
    assert payload["errors"] == []
    given = payload["exit"]
    assert given["pubkeyBls"] == entry.info.bls_public_key
    assert given["sufficient"]
    assert await stage.verifies(given)
    await stage.send(
        function,
        words(given["pubkeyBls"]),
        int(given["timestamp"]),
        words(given["signature"]),
        given["nonSignerIds"],
    )
    assert await stage.chain.call(stage.rewards, "serviceNodeIDs", bytes.fromhex(given["pubkeyBls"])) == 0
    await stage.mine(1)
    (error,) = (await stage.ask(document, make, pubkey=entry.service_node_pubkey))["request"]["errors"]
    assert error["code"] == "NOT_REMOVABLE_YET"


async def test_what_fails_lets_the_mutations_beside_it_answer(stage: Stage, make: Any) -> None:
    await stage.mine(2)
    accrued = (await stage.oxend.get_accrued_rewards()).balances
    wallet = next(one for one in accrued if one.startswith("0x"))
    listed = (await stage.oxend.get_service_nodes()).service_node_states
    node = decode_part("rpc.get_service_nodes", bytes(listed[0]), NodeState, "service_node_states[0]")
    data = await stage.ask(
        """mutation ($wallet: Address!, $pubkey: Ed25519PublicKey!) {
          exit: requestExit(pubkey: $pubkey) { exit { timestamp } errors { code message } }
          poor: requestRewardsClaim(address: "0x00000000000000000000000000000000000000b2") {
            claim { amount } errors { code } }
          claim: requestRewardsClaim(address: $wallet) { claim { sufficient } errors { code } }
        }""",
        make,
        wallet=wallet,
        pubkey=node.service_node_pubkey,
    )
    assert data["exit"]["exit"] is None
    assert [error["code"] for error in data["exit"]["errors"]] == ["NOT_IN_EXIT_LIST"]
    assert data["poor"] == {"claim": None, "errors": [{"code": "NO_REWARDS"}]}
    assert data["claim"] == {"claim": {"sufficient": True}, "errors": []}
