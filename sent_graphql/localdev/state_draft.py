"""One block in the making: the rules by which oxend comes from one state to the next."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final, Literal

from msgspec.structs import replace

from sent_graphql.localdev.blocks import block_after
from sent_graphql.localdev.constants import MILLI, Timing
from sent_graphql.localdev.dwellings import new_service_node, swarm_of
from sent_graphql.localdev.ledger_events import (
    Decommission,
    Deregister,
    Exited,
    L2Event,
    PendingEvent,
    Recommission,
    Registered,
    RequirementChanged,
    UnlockRequested,
    Verdict,
)
from sent_graphql.localdev.ledger_state import LedgerState, LockedStake
from sent_graphql.localdev.rewards import block_shares, returned_stakes
from sent_graphql.localdev.service_nodes import Registration, RemovedNode

_NO_WINNER: Final = "0" * 64


class StateDraft:
    """The state after `before`, open for changes until it is sealed."""

    def __init__(self, before: LedgerState, timing: Timing, timestamp: int) -> None:
        self._before = before
        self._timing = timing
        self._timestamp = timestamp
        self._height = before.height + 1
        self._nodes = dict(before.nodes)
        self._removed = dict(before.removed)
        self._pending: tuple[PendingEvent, ...] = ()
        self._locked = before.locked
        self._credited: defaultdict[str, int] = defaultdict(int)
        self._staking_requirement = before.staking_requirement
        self._read: tuple[L2Event, ...] = ()

    def end_unlocks(self) -> None:
        """Nodes whose time is served leave: in the block after their requested unlock height."""
        for node in list(self._nodes.values()):
            if 0 < node.requested_unlock_height < self._height:
                self._remove(node.pubkey, "exit")

    def pass_verdicts(self, verdicts: Iterable[Verdict]) -> None:
        """Changes the nodes that the quorums judged; a verdict that does not fit the node's state changes nothing."""
        for verdict in verdicts:
            node = self._nodes.get(verdict.pubkey)
            if node is None:
                continue
            if isinstance(verdict, Deregister):
                self._remove(node.pubkey, "deregister")
            elif isinstance(verdict, Recommission) and not node.active:
                swarm = swarm_of(node.pubkey, self._height)
                self._nodes[node.pubkey] = node.recommissioned(self._height, swarm, self._timestamp)
            elif isinstance(verdict, Decommission) and node.active:
                reasons = (verdict.reasons_all, verdict.reasons_any)
                self._nodes[node.pubkey] = node.decommissioned(self._height, *reasons)

    def vote(self) -> None:
        """Gives every pending event its point; what is confirmed takes effect, what is denied is dropped."""
        waiting = []
        for pending in self._before.pending:
            if isinstance(pending.event, Registered) and not self._acceptable(pending.event):
                judged = replace(pending, denials=pending.denials + 1)
            else:
                judged = replace(pending, confirmations=pending.confirmations + 1)
            if judged.confirmed:
                self._apply(judged.event)
            elif not judged.denied:
                waiting.append(judged)
        self._pending = tuple(waiting)

    def take_up(self, events: tuple[L2Event, ...]) -> None:
        """Makes events that were seen since the last block pending."""
        self._read = events
        self._pending += tuple(PendingEvent(event=event, height=self._height) for event in events)

    def release_stakes(self) -> None:
        """Gives back the stakes whose lock has ended."""
        due = tuple(stake for stake in self._locked if stake.chain_height <= self._height + 1)
        for stake in due:
            self._credited[stake.address] += stake.amount
        if due:
            self._locked = tuple(stake for stake in self._locked if stake not in due)

    def pay_rewards(self) -> None:
        """Splits the block's reward among the payable nodes."""
        payable = (node.registration for node in self._nodes.values() if node.payable(self._height))
        for address, amount in block_shares(payable):
            self._credited[address] += amount

    def receive_proofs(self) -> None:
        """Every active node proves its uptime once in a proof period, each in a block of its own."""
        period = self._timing.proof_blocks
        for pubkey, node in self._nodes.items():
            if node.active and (int(pubkey[-8:], 16) + self._height) % period == 0:
                self._nodes[pubkey] = replace(node, last_uptime_proof=self._timestamp)

    def seal(self, l2_height: int, branch: int) -> LedgerState:
        """The finished state, its block led by the payable node that has waited longest."""
        winner = self._lead()
        balances = dict(self._before.balances)
        for address, amount in self._credited.items():
            balances[address] = balances.get(address, 0) + amount
        block = block_after(
            self._before.block.hash,
            self._height,
            timestamp=self._timestamp,
            l2_height=l2_height,
            winner=winner,
            branch=branch,
            l2_votes=(True,) * len(self._before.pending),
            transactions=len(self._read),
        )
        return LedgerState(
            block=block,
            nodes=self._nodes,
            removed=self._removed,
            pending=self._pending,
            locked=self._locked,
            balances=balances,
            staking_requirement=self._staking_requirement,
            read=self._read,
        )

    def _lead(self) -> str:
        queue = (
            (node.last_reward_block_height, node.last_reward_transaction_index, node.pubkey)
            for node in self._nodes.values()
            if node.payable(self._height)
        )
        winner = min(queue, default=(0, 0, _NO_WINNER))[2]
        if winner in self._nodes:
            self._nodes[winner] = replace(self._nodes[winner], last_reward_block_height=self._height)
        return winner

    def _acceptable(self, event: Registered) -> bool:
        """Whether the signature holds and neither key is registered already."""
        keys = (event.registration.pubkey, event.registration.pubkey_bls)
        taken = keys[0] in self._nodes or any(node.pubkey_bls == keys[1] for node in self._nodes.values())
        return event.valid and not taken

    def _apply(self, event: L2Event) -> None:
        match event:
            case Registered():
                self._register(event.registration)
            case UnlockRequested():
                self._unlock(event.pubkey_bls)
            case Exited():
                self._exit(event)
            case RequirementChanged():
                self._staking_requirement = event.staking_requirement

    def _register(self, registration: Registration) -> None:
        node = new_service_node(registration, self._height, self._timestamp)
        self._nodes[node.pubkey] = node

    def _unlock(self, pubkey_bls: str) -> None:
        for node in self._nodes.values():
            if node.pubkey_bls == pubkey_bls and not node.requested_unlock_height:
                height = self._height + self._timing.unlock_blocks
                self._nodes[node.pubkey] = replace(node, requested_unlock_height=height)
                return

    def _exit(self, event: Exited) -> None:
        entry = self._removed.get(event.pubkey_bls)
        if entry is None:
            self._purge(event.pubkey_bls)
            return
        contributors = entry.node.registration.contributors
        slashed = event.returned_amount < entry.node.registration.deposit
        if slashed and self._height < entry.liquidation_height:
            return
        del self._removed[event.pubkey_bls]
        unlock = entry.height + self._timing.lock_blocks if slashed else 0
        for address, amount in returned_stakes(contributors, event.returned_amount):
            if unlock > self._height + 1:
                self._locked += (LockedStake(unlock, address, amount),)
            else:
                self._credited[address] += amount

    def _purge(self, pubkey_bls: str) -> None:
        """A node that left the contract without having left oxend first is dropped and its stakes are credited."""
        node = self._before.node_by_bls(pubkey_bls)
        if node is not None and self._nodes.pop(node.pubkey, None) is not None:
            for stake in node.registration.contributors:
                self._credited[stake.address] += stake.amount * MILLI

    def _remove(self, pubkey: str, kind: Literal["exit", "deregister"]) -> None:
        node = self._nodes.pop(pubkey)
        self._removed[node.pubkey_bls] = RemovedNode(
            node=node,
            kind=kind,
            height=self._height,
            liquidation_height=self._height + self._timing.exit_buffer_blocks,
        )
