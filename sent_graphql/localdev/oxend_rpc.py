"""The simulated oxend's commands: requests read, refused or answered from the ledger's top."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import msgspec
import orjson
from msgspec import Struct, field

from sent_graphql.localdev import oxend_replies as replies
from sent_graphql.localdev.aggregates import Aggregator, NoSignerError
from sent_graphql.localdev.ledger import Ledger
from sent_graphql.localdev.omq_server import Handler, Reply
from sent_graphql.localdev.service_nodes import ServiceNode
from sent_graphql.models.keys import ZERO_ADDRESS, InvalidKeyError, ed25519_pubkey, eth_address

ALIASES: Final = {
    "rpc.getlastblockheader": "rpc.get_last_block_header",
    "rpc.get_n_service_nodes": "rpc.get_service_nodes",
    "rpc.get_all_service_nodes": "rpc.get_service_nodes",
    "rpc.get_accrued_batched_earnings": "rpc.get_accrued_rewards",
}

_BLS_FAILURE: Final = -14

_Request = TypeVar("_Request", bound=Struct)


class OxendError(Exception):
    """What oxend answers with status 500: a negative code and a sentence."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"RPC error {code}: {message}")


class ServiceNodesRequest(Struct):
    """rpc.get_service_nodes; nothing given asks for everything."""

    fields: list[str] | dict[str, bool] = field(default_factory=list)
    service_node_pubkeys: list[str] = field(default_factory=list)
    active_only: bool = False
    limit: int = 0
    poll_block_hash: str = ""


class AccruedRewardsRequest(Struct):
    """rpc.get_accrued_rewards; no addresses ask for all that have something."""

    addresses: list[str] = field(default_factory=list)


class RewardsRequest(Struct):
    """rpc.bls_rewards_request; a height of 0 or less counts back from the top block."""

    address: str
    height: int = -1


class RemovalRequest(Struct):
    """rpc.bls_exit_liquidation_request"""

    pubkey: str
    liquidate: bool


class OxendRpc:
    """Answers from `ledger`, and signs with `aggregator`."""

    def __init__(self, ledger: Ledger, aggregator: Aggregator) -> None:
        self._ledger = ledger
        self._aggregator = aggregator
        self.busy = False
        """Answers as a daemon that is not synced yet."""

    def handlers(self) -> dict[str, Handler]:
        """The commands by name, aliases included."""
        commands: dict[str, Handler] = {
            "rpc.get_info": _answering(self._info),
            "rpc.get_last_block_header": _answering(self._last_block_header),
            "rpc.get_service_nodes": _answering(self._service_nodes),
            "rpc.get_staking_requirement": _answering(self._staking_requirement),
            "rpc.get_accrued_rewards": _answering(self._accrued_rewards),
            "rpc.get_pending_events": _answering(self._pending_events),
            "rpc.bls_exit_liquidation_list": _answering(self._exit_liquidation_list),
            "rpc.bls_rewards_request": _answering(self._rewards_request),
            "rpc.bls_exit_liquidation_request": _answering(self._exit_liquidation_request),
        }
        return commands | {alias: commands[name] for alias, name in ALIASES.items()}

    def _info(self, _body: bytes | None) -> object:
        make = replies.info_not_synced if self.busy else replies.info
        return make(self._ledger.top, self._ledger.timing)

    def _last_block_header(self, _body: bytes | None) -> object:
        return replies.NOT_SYNCED_HEADER if self.busy else replies.last_block_header(self._ledger.top)

    def _staking_requirement(self, _body: bytes | None) -> object:
        return replies.staking_requirement(self._ledger.top)

    def _pending_events(self, _body: bytes | None) -> object:
        return replies.pending_events(self._ledger.top)

    def _exit_liquidation_list(self, _body: bytes | None) -> object:
        return replies.exit_liquidation_list(self._ledger.top)

    def _service_nodes(self, body: bytes | None) -> object:
        request = _read(body, ServiceNodesRequest)
        if self.busy:
            return replies.NOT_SYNCED_NODES
        state = self._ledger.top
        if request.poll_block_hash.removeprefix("0x").lower() == state.block.hash:
            return {"status": "OK", "unchanged": True, "block_hash": state.block.hash}
        nodes: list[ServiceNode] = list(state.nodes.values())
        if request.service_node_pubkeys:
            keys = {key.removeprefix("0x").lower() for key in request.service_node_pubkeys}
            nodes = [state.nodes[key] for key in keys if key in state.nodes]
        if request.active_only:
            nodes = [node for node in nodes if node.active]
        if request.limit > 0:
            nodes = nodes[: request.limit]
        reply = replies.service_nodes(state, nodes, _wanted_fields(request.fields))
        if request.poll_block_hash:
            reply |= {"unchanged": False, "block_hash": state.block.hash}
        return reply

    def _accrued_rewards(self, body: bytes | None) -> object:
        request = _read(body, AccruedRewardsRequest)
        state = self._ledger.top
        if not request.addresses:
            return replies.accrued_rewards(replies.all_balances(state))
        return replies.accrued_rewards({text: state.balance(_lenient_address(text)) for text in request.addresses})

    def _rewards_request(self, body: bytes | None) -> object:
        request = _read(body, RewardsRequest)
        address = _required_address(request.address)
        top = self._ledger.top.height
        height = request.height if request.height > 0 else top + request.height
        what = f"Aggregating a rewards request for '{address}'"
        if address == ZERO_ADDRESS:
            raise OxendError(_BLS_FAILURE, f"{what} is invalid because it is the zero address. Request rejected.")
        state = self._ledger.state_at(height)
        if state is None:
            why = "reward data is not available for that height"
            raise OxendError(_BLS_FAILURE, f"{what} at height {height} is invalid because {why}. Request rejected.")
        amount = state.balance(address)
        if not amount:
            why = "no rewards are available"
            raise OxendError(
                _BLS_FAILURE, f"{what} for 0 SENT at height {height} is invalid because {why}. Request rejected."
            )
        aggregate = self._aggregator.reward(self._ledger.top, address, amount)
        return replies.rewards_request(
            address,
            amount,
            height,
            message=aggregate.message,
            signature=aggregate.signature,
            non_signers=aggregate.non_signers,
        )

    def _exit_liquidation_request(self, body: bytes | None) -> object:
        request = _read(body, RemovalRequest)
        pubkey = _required_pubkey(request.pubkey)
        state = self._ledger.top
        height = state.height + 1
        what = f"{'Liquidation' if request.liquidate else 'Exit'} request for SN {pubkey}"
        removed = next((entry for entry in state.removed.values() if entry.node.pubkey == pubkey), None)
        if removed is None:
            why = "node is not in the list of recently exited nodes"
            raise OxendError(_BLS_FAILURE, f"{what} at height {height} is invalid, {why}. Request rejected")
        pubkey_bls = removed.node.pubkey_bls
        early = request.liquidate and height < removed.liquidation_height
        if early or pubkey in state.nodes or not self._aggregator.holds(pubkey_bls):
            why = "Node cannot be removed yet"
            raise OxendError(
                _BLS_FAILURE, f"{what} (BLS {pubkey_bls}) at height {height} is invalid. {why}. Request rejected"
            )
        timed = self._aggregator.removal(state, pubkey_bls, liquidate=request.liquidate)
        return replies.exit_liquidation_request(
            pubkey_bls,
            timed.timestamp,
            message=timed.aggregate.message,
            signature=timed.aggregate.signature,
            non_signers=timed.aggregate.non_signers,
        )


def _answering(command: Callable[[bytes | None], object]) -> Callable[[bytes | None], Awaitable[Reply]]:
    """`command` as a handler, its errors told in the frames that oxend tells them in."""

    async def handler(body: bytes | None) -> Reply:
        try:
            return b"200", orjson.dumps(command(body), option=orjson.OPT_SORT_KEYS)
        except msgspec.MsgspecError as error:
            return b"400", f"Unable to parse request: Failed to parse request parameters: {error}".encode()
        except OxendError as error:
            return b"500", str(error).encode()
        except NoSignerError as error:
            return b"500", str(OxendError(_BLS_FAILURE, str(error))).encode()

    return handler


def _read(body: bytes | None, kind: type[_Request]) -> _Request:
    """The request in `body`; unknown keys are ignored, booleans may be 0 and 1."""
    return msgspec.json.decode(body, type=kind, strict=False) if body is not None else msgspec.convert({}, kind)


def _wanted_fields(fields: list[str] | dict[str, bool]) -> Callable[[str], bool]:
    """Whether a field of a name is wanted; nothing given, and `all`, want every one but those named `-name`."""
    names = {name for name, wanted in fields.items() if wanted} if isinstance(fields, dict) else set(fields)
    if names and "all" not in names:
        return names.__contains__
    return lambda name: f"-{name}" not in names


def _lenient_address(text: str) -> str:
    """Canonical form of an address that may be no address at all: then nothing is known of it."""
    try:
        return eth_address(text)
    except InvalidKeyError:
        return text


def _required_address(text: str) -> str:
    try:
        return eth_address(text)
    except InvalidKeyError as error:
        raise msgspec.ValidationError(f"Invalid value for 'address': {error}") from None


def _required_pubkey(text: str) -> str:
    try:
        return ed25519_pubkey(text)
    except InvalidKeyError as error:
        raise msgspec.ValidationError(f"Invalid value for 'pubkey': {error}") from None
