"""The simulated oxend's answers, key for key as a real one gives them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from sent_graphql.localdev import constants
from sent_graphql.localdev.constants import CHAIN_ID, HARD_FORK, MILLI, NETTYPE, NO_SWARM, Timing
from sent_graphql.localdev.ledger_events import Exited, PendingEvent, Registered, UnlockRequested
from sent_graphql.localdev.ledger_state import LedgerState
from sent_graphql.localdev.service_nodes import RemovedNode, ServiceNode
from sent_graphql.models.oxend import DECOMMISSION_REASONS
from sent_graphql.models.units import FEE_BASIS, PORTIONS_BASIS

JsonObject = dict[str, Any]

NOT_SYNCED_HEADER: Final[JsonObject] = {"status": "BUSY"}
NOT_SYNCED_NODES: Final[JsonObject] = {"height": 0, "service_node_states": [], "status": "OK"}

_FEE_MILLIONTHS: Final = 1_000_000 // FEE_BASIS


def info(state: LedgerState, timing: Timing) -> JsonObject:
    """rpc.get_info"""
    height = state.height + 1
    return {
        **_common_info(height, state.staking_requirement, timing),
        "hard_fork": HARD_FORK,
        "l2_height": state.block.l2_height,
        "pulse": True,
        "pulse_ideal_timestamp": state.block.timestamp + 5 * timing.block_seconds,
        "pulse_target_timestamp": state.block.timestamp + timing.block_seconds,
        "top_block_hash": state.block.hash,
        # oxend counts coinbase transactions that blocks no longer have, and underflows
        "tx_count": 2**64 - height,
    }


def info_not_synced(state: LedgerState, timing: Timing) -> JsonObject:
    """rpc.get_info of a daemon that has only its genesis block."""
    return {
        **_common_info(1, state.staking_requirement, timing),
        "difficulty": 1,
        "hard_fork": 14,
        "l2_height": 0,
        "top_block_hash": f"{1:064x}",
        "tx_count": 0,
    }


def _common_info(height: int, staking_requirement: int, timing: Timing) -> JsonObject:
    return {
        "block_size_limit": 600_000,
        "block_size_median": 300_000,
        "cumulative_difficulty": height,
        "database_size": 10**9,
        "height": height,
        "mainnet": False,
        "max_contributors": constants.MAX_CONTRIBUTORS,
        "min_operator_contribution": staking_requirement // 4,
        "nettype": NETTYPE,
        "ons_counts": [0, 0, 0],
        "staking_requirement": staking_requirement,
        "status": "OK",
        "status_line": f"v{constants.VERSION}; Height: {height}",
        "target": timing.block_seconds,
        "target_height": 0,
        "tx_pool_size": 0,
        "version": constants.VERSION,
    }


def last_block_header(state: LedgerState) -> JsonObject:
    """rpc.get_last_block_header"""
    block = state.block
    header = {
        "block_size": 87,
        "block_weight": 0,
        "coinbase_payouts": 0,
        "cumulative_difficulty": block.height + 1,
        "depth": 0,
        "difficulty": 1,
        "hash": block.hash,
        "height": block.height,
        "l2_height": block.l2_height,
        "l2_reward": constants.BLOCK_REWARD,
        "l2_votes": list(block.l2_votes),
        "long_term_weight": 0,
        "major_version": HARD_FORK,
        "minor_version": 0,
        "nonce": block.nonce,
        "num_txes": block.transactions,
        "orphan_status": False,
        "prev_hash": block.prev_hash,
        "reward": constants.BLOCK_REWARD,
        "service_node_winner_tail": block.winner[-8:],
        "timestamp": block.timestamp,
    }
    return {"block_header": header, "status": "OK"}


def staking_requirement(state: LedgerState) -> JsonObject:
    """rpc.get_staking_requirement"""
    return {"height": state.height + 1, "staking_requirement": state.staking_requirement, "status": "OK"}


def service_nodes(state: LedgerState, nodes: Iterable[ServiceNode], wanted: Callable[[str], bool]) -> JsonObject:
    """rpc.get_service_nodes with `nodes`; `wanted` says which fields go in."""
    top_level = {
        "block_hash": state.block.hash,
        "hardfork": HARD_FORK,
        "height": state.height,
        "snode_revision": 0,
        "target_height": 0,
    }
    return {
        **{name: value for name, value in top_level.items() if wanted(name)},
        "service_node_states": [_service_node(node, state.height, wanted) for node in nodes],
        "status": "OK",
    }


def _service_node(node: ServiceNode, height: int, wanted: Callable[[str], bool]) -> JsonObject:
    registration = node.registration
    locked = wanted("locked_contributions")
    entry: JsonObject = {
        "active": node.active,
        "contributors": [
            {
                "address": stake.address,
                "amount": stake.amount,
                "beneficiary": stake.beneficiary,
                **({"locked_contributions": []} if locked else {}),
            }
            for stake in registration.contributors
        ],
        "decommission_count": node.decommission_count,
        "earned_downtime_blocks": node.credit(height),
        "funded": True,
        "last_reward_block_height": node.last_reward_block_height,
        "last_reward_transaction_index": node.last_reward_transaction_index,
        "last_uptime_proof": node.last_uptime_proof,
        "operator_address": registration.contributors[0].address,
        "operator_fee": registration.fee * _FEE_MILLIONTHS,
        "payable": node.payable(height),
        "portions_for_operator": _portions(registration.fee),
        "pubkey_bls": node.pubkey_bls,
        "pubkey_ed25519": node.pubkey,
        "pubkey_x25519": node.pubkey_x25519,
        "registration_height": node.registration_height,
        "registration_hf_version": HARD_FORK,
        "requested_unlock_height": node.requested_unlock_height,
        "service_node_pubkey": node.pubkey,
        "staking_requirement": registration.deposit,
        "state_height": node.state_height,
        "swarm": f"{node.swarm_id:x}",
        "swarm_id": node.swarm_id,
        "total_contributed": registration.deposit,
    }
    entry |= _decommission_reasons(node)
    if node.active:
        entry |= _proof(node)
    return {name: value for name, value in entry.items() if wanted(name)}


def _decommission_reasons(node: ServiceNode) -> JsonObject:
    if not node.decommission_count:
        return {}
    some = node.reasons_any & ~node.reasons_all
    return {
        "last_decomm_reasons": {
            "all": _reason_names(node.reasons_all),
            **({"some": _reason_names(some)} if some else {}),
        },
        "last_decommission_reason_consensus_all": node.reasons_all,
        "last_decommission_reason_consensus_any": node.reasons_any,
    }


def _proof(node: ServiceNode) -> JsonObject:
    return {
        "lokinet_version": list(constants.LOKINET_VERSION),
        "public_ip": node.dwelling.public_ip,
        "quorumnet_port": node.dwelling.quorumnet_port,
        "service_node_version": list(constants.NODE_VERSION),
        "storage_lmq_port": node.dwelling.storage_lmq_port,
        "storage_port": node.dwelling.storage_port,
        "storage_server_version": list(constants.STORAGE_SERVER_VERSION),
    }


def _reason_names(bits: int) -> list[str]:
    return [name for position, name in enumerate(DECOMMISSION_REASONS) if bits >> position & 1]


def _portions(fee: int) -> int:
    return PORTIONS_BASIS * fee // FEE_BASIS


def accrued_rewards(balances: dict[str, int]) -> JsonObject:
    """rpc.get_accrued_rewards"""
    return {"balances": balances, "status": "OK"}


def all_balances(state: LedgerState) -> dict[str, int]:
    """Every balance over zero in atomic units; L2 addresses in lower case, here alone."""
    return {
        address.lower() if address.startswith("0x") else address: amount // MILLI
        for address, amount in state.balances.items()
        if amount >= MILLI
    }


def exit_liquidation_list(state: LedgerState) -> list[JsonObject]:
    """rpc.bls_exit_liquidation_list"""
    return [_removed_node(removed) for removed in state.removed.values()]


def _removed_node(removed: RemovedNode) -> JsonObject:
    node, registration = removed.node, removed.node.registration
    frozen = {
        "active_since_height": node.active_since_height,
        "bls_public_key": node.pubkey_bls,
        "contributors": [
            {
                "address": _bare(stake.address),
                "amount": stake.amount,
                "ethereum_beneficiary": _bare(stake.beneficiary),
                "reserved": stake.amount,
                "version": 2,
            }
            for stake in registration.contributors
        ],
        "decommission_count": node.decommission_count,
        "last_decommission_height": node.last_decommission_height,
        "last_decommission_reason_consensus_all": node.reasons_all,
        "last_decommission_reason_consensus_any": node.reasons_any,
        "last_ip_change_height": node.registration_height,
        "last_reward_block_height": node.last_reward_block_height,
        "last_reward_transaction_index": node.last_reward_transaction_index,
        "operator_address": _bare(registration.contributors[0].address),
        "portions_for_operator": _portions(registration.fee),
        "pulse_sorter": {"last_height_validating_in_quorum": 0, "quorum_index": 0},
        "recommission_credit": node.recommission_credit,
        "registration_height": node.registration_height,
        "registration_hf_version": HARD_FORK,
        "requested_unlock_height": node.requested_unlock_height,
        "staking_requirement": registration.deposit,
        "swarm_id": node.swarm_id if node.active else NO_SWARM,
        "total_contributed": registration.deposit,
        "total_reserved": registration.deposit,
        "version": 8,
    }
    return {
        "height": removed.height,
        "info": frozen,
        "liquidation_height": removed.liquidation_height,
        "service_node_pubkey": node.pubkey,
        "type": removed.kind,
        "version": 1,
    }


def _bare(address: str) -> str:
    return address.removeprefix("0x").lower()


def pending_events(state: LedgerState) -> JsonObject:
    """rpc.get_pending_events"""
    exits = [(pending, pending.event) for pending in state.pending if isinstance(pending.event, Exited)]
    return {
        "exits": [{"bls_pubkey": event.pubkey_bls, **_votes(pending)} for pending, event in exits],
        "registrations": [
            {**_pending_registration(pending.event), **_votes(pending)}
            for pending in state.pending
            if isinstance(pending.event, Registered)
        ],
        "unlocks": [
            {"bls_pubkey": pending.event.pubkey_bls, **_votes(pending)}
            for pending in state.pending
            if isinstance(pending.event, UnlockRequested)
        ],
        # a slip of oxend's: the amount of an exit lands here instead of in its entry
        **({"returned_amount": exits[-1][1].returned_amount} if exits else {}),
        "status": "OK",
    }


def _pending_registration(event: Registered) -> JsonObject:
    registration = event.registration
    return {
        "bls_pubkey": registration.pubkey_bls,
        "contributors": [
            {"address": stake.address, "amount": stake.amount, "beneficiary": stake.beneficiary}
            for stake in registration.contributors
        ],
        "fee": registration.fee / 100,
        "signature": registration.signature,
        "sn_pubkey": registration.pubkey,
    }


def _votes(pending: PendingEvent) -> JsonObject:
    return {
        "chain_id": CHAIN_ID,
        "confirmations": float(pending.confirmations),
        "denials": float(pending.denials),
        "height": pending.height,
        "l2_height": pending.event.l2_height,
        "required": float(pending.points_needed - pending.confirmations),
    }


def rewards_request(
    address: str, amount: int, height: int, *, message: bytes, signature: str, non_signers: Sequence[int]
) -> JsonObject:
    """rpc.bls_rewards_request"""
    return {
        "address": address,
        "amount": amount,
        "height": height,
        "msg_to_sign": message.hex(),
        "non_signer_indices": list(non_signers),
        "signature": signature,
        "status": "OK",
    }


def exit_liquidation_request(
    pubkey_bls: str, timestamp: int, *, message: bytes, signature: str, non_signers: Sequence[int]
) -> JsonObject:
    """rpc.bls_exit_liquidation_request"""
    return {
        "bls_pubkey": pubkey_bls,
        "msg_to_sign": message.hex(),
        "non_signer_indices": list(non_signers),
        "signature": signature,
        "status": "OK",
        "timestamp": timestamp,
    }
