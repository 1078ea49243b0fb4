"""A network of six nodes with real keys, whose oxend says over a real socket what a test wants it to say."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, TypeVar, TypeVarTuple

import pytest
from msgspec import structs

from sent_graphql.bls import SecretKey, SigningDomain, aggregate_public_keys
from sent_graphql.bls.points import GROUP_ORDER
from sent_graphql.localdev.identities import Identities, NodeIdentity
from sent_graphql.localdev.omq_server import OmqServer
from sent_graphql.models.contracts import ContractNode
from sent_graphql.models.keys import eth_address
from sent_graphql.models.signatures import SignerSet
from sent_graphql.settings import OxendSettings, SignaturesSettings
from sent_graphql.signatures.claims import Top
from sent_graphql.signatures.service import SignatureService
from sent_graphql.signatures.verification import Domain
from sent_graphql.sources.errors import SourceError
from sent_graphql.sources.oxend.calls import OxendRpc
from sent_graphql.sources.oxend.transport import make_transport

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

CHAIN_ID = 31337
REWARDS = eth_address("0x5FC8d32690cc91D4c39d9d3abcBD16989F875707")
WALLET = eth_address("0x01010101010101010101010101010101010101a1")
NOW = 1_800_000_000
HEIGHT = 5000
IDENTITIES = Identities(11)


class Threads:
    """Workers that need no processes."""

    def __init__(self) -> None:
        self.done = 0

    async def run(self, function: Callable[[*Ts], T], *arguments: *Ts) -> T:
        self.done += 1
        return await asyncio.to_thread(function, *arguments)


class World:
    """What both sides know, and the service between them. The contract ids are 1 to 6, the last of them leaves."""

    domain = SigningDomain(CHAIN_ID, REWARDS)
    wallet = WALLET
    height = HEIGHT

    def __init__(self) -> None:
        self.now = float(NOW)
        self.clock = 0.0
        self.identities: dict[int, NodeIdentity] = {number: IDENTITIES[number] for number in range(1, 7)}
        self.leaver = self.identities[6]
        self.signers: SignerSet | None = signer_set(self.identities)
        self.latest: SignerSet | SourceError | None = None
        """At the newest block, where they are others or cannot be read."""
        self.latest_reads = 0
        self.top: Top | None = Top(HEIGHT, "aa")
        self.requests: list[tuple[str, Any]] = []
        self.replies: dict[str, Any] = {}
        """By command: a dict for 200, a text for an error, None for silence."""
        self.workers = Threads()

    def sign(self, message: bytes, absent: Iterable[int] = (), domain: SigningDomain | None = None) -> str:
        """The aggregate signature of all nodes but those."""
        signers = [one for number, one in self.identities.items() if number not in absent]
        scalar = sum(one.bls_secret.scalar for one in signers) % GROUP_ORDER
        return SecretKey(scalar).sign(message, (domain or self.domain).hash_tag).hex

    def claim(self, amount: int = 5_000, absent: tuple[int, ...] = (), wallet: str = WALLET) -> dict[str, Any]:
        """A good reply to a rewards request."""
        message = self.domain.reward(wallet, amount)
        return {
            "status": "OK",
            "address": wallet,
            "amount": amount,
            "height": HEIGHT - 1,
            "msg_to_sign": message.hex(),
            "signature": self.sign(message, absent),
            "non_signer_indices": list(absent),
        }

    def removal(
        self, *, liquidate: bool = False, age: int = 0, absent: tuple[int, ...] = (), number: int = 6
    ) -> dict[str, Any]:
        """A good reply to a removal request, signed `age` seconds ago."""
        timestamp = int(self.now) - age
        key = self.identities[number].bls_pubkey
        message = (self.domain.liquidation if liquidate else self.domain.exit)(key, timestamp)
        return {
            "status": "OK",
            "bls_pubkey": key.hex,
            "timestamp": timestamp,
            "msg_to_sign": message.hex(),
            "signature": self.sign(message, absent),
            "non_signer_indices": list(absent),
        }

    async def handle(self, command: str, body: bytes | None) -> tuple[bytes, bytes] | None:
        """oxend's side."""
        self.requests.append((command, json.loads(body or b"{}")))
        reply = self.replies[command]
        if reply is None:
            return None
        return (b"500", reply.encode()) if isinstance(reply, str) else (b"200", json.dumps(reply).encode())

    async def latest_signers(self, contract_ids: tuple[int, ...], pubkey: str | None) -> SignerSet:
        """The contract's side at the newest block."""
        self.latest_reads += 1
        latest = self.latest or self.signers
        if isinstance(latest, SourceError):
            raise latest
        assert latest is not None
        wanted = {
            number: node for number, node in latest.nodes.items() if number in contract_ids or node.pubkey == pubkey
        }
        return structs.replace(latest, nodes=wanted)


def signer_set(identities: dict[int, NodeIdentity]) -> SignerSet:
    """Those who sign for a contract that holds these nodes."""
    return SignerSet(
        aggregate_pubkey=aggregate_public_keys(identity.bls_pubkey for identity in identities.values()).hex,
        nodes={
            number: ContractNode(
                contract_id=number,
                pubkey=identity.pubkey,
                pubkey_bls=identity.pubkey_bls,
                operator=WALLET,
                added_at=NOW - 10_000,
                leave_requested_at=None,
                deposit=1,
                contributors=(),
            )
            for number, identity in identities.items()
        },
        non_signer_threshold=2,
        signature_expiry=600,
    )


@pytest.fixture
def world() -> World:
    """The network in good order."""
    return World()


@pytest.fixture
def signers_of() -> Callable[[dict[int, NodeIdentity]], SignerSet]:
    """Makes the signers of a contract that holds other nodes."""
    return signer_set


@pytest.fixture
async def serve(world: World) -> AsyncIterator[Callable[..., Any]]:
    """Starts the service before that network, with settings as keywords."""
    closers: list[Callable[[], Any]] = []

    async def start(**settings: float) -> SignatureService:
        def handler(command: str) -> Callable[[bytes | None], Any]:
            return lambda body: world.handle(command, body)

        commands = ("rpc.bls_rewards_request", "rpc.bls_exit_liquidation_request")
        server = OmqServer("tcp://127.0.0.1:*", {command: handler(command) for command in commands})
        await server.start()
        closers.append(server.close)
        transport = make_transport(OxendSettings(endpoints=(server.endpoint,), transport="zmq", reconnect_initial=0.01))
        await transport.start()
        closers.append(transport.close)
        service = SignatureService(
            SignaturesSettings.model_validate(settings),
            Domain(CHAIN_ID, REWARDS),
            rpc=OxendRpc(transport),
            top=lambda: world.top,
            known_signers=lambda: world.signers,
            latest_signers=world.latest_signers,
            workers=world.workers,
            clock=lambda: world.clock,
            now=lambda: world.now,
        )
        closers.append(service.close)
        return service

    yield start
    for close in reversed(closers):
        await close()
