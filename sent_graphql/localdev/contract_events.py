"""The rewards contract's events as oxend reads them: raw logs to what the ledger takes up."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from eth_abi.abi import decode
from eth_utils.crypto import keccak
from msgspec import Struct
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from sent_graphql.localdev.ledger_events import Exited, L2Event, Registered, RequirementChanged, UnlockRequested
from sent_graphql.localdev.service_nodes import NodeStake, Registration
from sent_graphql.models.keys import bls_from_ints, ed25519_from_int, eth_address

_G1: Final = "(uint256,uint256)"
_CONTRIBUTORS: Final = "((address,address),uint256)[]"
_PARAMETERS: Final = "(uint256,uint256,uint256,uint16)"


def _topic(signature: str) -> str:
    return "0x" + keccak(text=signature).hex()


NEW_SERVICE_NODE: Final = _topic(f"NewServiceNodeV2(uint64,address,{_G1},{_PARAMETERS},{_CONTRIBUTORS})")
EXIT_REQUEST: Final = _topic(f"ServiceNodeExitRequest(uint64,address,{_G1})")
EXIT: Final = _topic(f"ServiceNodeExit(uint64,address,uint256,{_G1})")
REQUIREMENT_UPDATED: Final = _topic("StakingRequirementUpdated(uint256)")

TOPICS: Final = (NEW_SERVICE_NODE, EXIT_REQUEST, EXIT, REQUIREMENT_UPDATED)
"""The events that oxend follows."""

RawLog = Mapping[str, Any]
"""A log as JSON-RPC gives it."""


class ContractEvent(Struct, frozen=True):
    """One decoded log: what oxend makes of it, and the contract id it names (0: none)."""

    event: L2Event
    contract_id: int


def decode_event(log: RawLog) -> ContractEvent:
    """The event in a log whose first topic is one of TOPICS."""
    topics: list[str] = log["topics"]
    data = bytes.fromhex(log["data"].removeprefix("0x"))
    height = int(log["blockNumber"], 16)
    contract_id = int(topics[1], 16) if len(topics) > 1 else 0
    return ContractEvent(_DECODERS[topics[0]](data, height), contract_id)


def _decode_registration(data: bytes, height: int) -> Registered:
    _, key, parameters, contributors = decode(["address", _G1, _PARAMETERS, _CONTRIBUTORS], data)
    pubkey, first_half, second_half, fee = parameters
    registration = Registration(
        pubkey=ed25519_from_int(pubkey),
        pubkey_bls=bls_from_ints(*key),
        signature=f"{first_half:064x}{second_half:064x}",
        fee=fee,
        contributors=tuple(
            NodeStake(eth_address(address), eth_address(beneficiary), amount)
            for (address, beneficiary), amount in contributors
        ),
    )
    return Registered(l2_height=height, registration=registration, valid=_is_signed(registration))


def _decode_exit_request(data: bytes, height: int) -> UnlockRequested:
    _, key = decode(["address", _G1], data)
    return UnlockRequested(l2_height=height, pubkey_bls=bls_from_ints(*key))


def _decode_exit(data: bytes, height: int) -> Exited:
    _, returned_amount, key = decode(["address", "uint256", _G1], data)
    return Exited(l2_height=height, pubkey_bls=bls_from_ints(*key), returned_amount=returned_amount)


def _decode_requirement(data: bytes, height: int) -> RequirementChanged:
    (requirement,) = decode(["uint256"], data)
    return RequirementChanged(l2_height=height, staking_requirement=requirement)


_DECODERS: Final[dict[str, Callable[[bytes, int], L2Event]]] = {
    NEW_SERVICE_NODE: _decode_registration,
    EXIT_REQUEST: _decode_exit_request,
    EXIT: _decode_exit,
    REQUIREMENT_UPDATED: _decode_requirement,
}


def _is_signed(registration: Registration) -> bool:
    """Whether the node's Ed25519 key signed both keys, as oxend demands; the contract does not check it."""
    signed = bytes.fromhex(registration.pubkey + registration.pubkey_bls)
    try:
        VerifyKey(signed[:32]).verify(signed, bytes.fromhex(registration.signature))
    except BadSignatureError:
        return False
    return True
