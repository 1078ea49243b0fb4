"""Nodes, contribution contracts and wallets of one view: what of them is read in which batch of a refresh.

Each may be all that there are, so batches are put together in threads: that takes longer than the event loop may be
held. What the event log knows is handed in, because it goes on in the loop meanwhile.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping

from sent_graphql.models.contracts import ContractNode
from sent_graphql.sources.contracts.block_batch import BlockBatch
from sent_graphql.sources.contracts.contribution_reads import ContributionReads
from sent_graphql.sources.contracts.node_reads import NodeReads
from sent_graphql.sources.contracts.recipient_reads import RecipientReads


class ViewReads:
    """The reads of one refresh: each method adds to a batch, which is to be run before the next one is called."""

    def __init__(self, nodes: NodeReads, contracts: ContributionReads, recipients: RecipientReads) -> None:
        self._nodes = nodes
        self._contracts = contracts
        self._recipients = recipients

    async def begin(
        self,
        batch: BlockBatch,
        *,
        nodes: Collection[int],
        exited: Collection[int],
        created: Mapping[str, int],
        contracts: Collection[str],
        known_wallets: Collection[str],
        wallets: Collection[str],
    ) -> None:
        """What has changed: those `nodes`, `contracts` and `wallets`, and what is known and has not been read yet.

        `exited`: nodes, as events told; `created`: blocks of all contribution contracts.
        """

        def add() -> None:
            self._nodes.begin(batch, changed=nodes, exited=exited)
            self._contracts.begin(batch, created, contracts)
            self._recipients.add(batch, known_wallets, wallets)

        await asyncio.to_thread(add)

    async def go_on(self, batch: BlockBatch) -> None:
        """What that has revealed. Raises what reading the list of nodes may raise."""

        def add() -> None:
            self._nodes.go_on(batch)
            self._contracts.go_on(batch)
            self._recipients.add(batch, self._contracts.stakers() | stakers(self._nodes.read()))

        await asyncio.to_thread(add)

    async def end(self, batch: BlockBatch) -> dict[int, ContractNode]:
        """The wallets of the nodes that were read last; returns all nodes held. Raises what `NodeReads.nodes` does."""

        def add() -> dict[int, ContractNode]:
            self._recipients.add(batch, stakers(self._nodes.read()))
            return self._nodes.nodes()

        return await asyncio.to_thread(add)


def stakers(nodes: Iterable[ContractNode]) -> set[str]:
    """Stakers and beneficiaries of nodes."""
    return {wallet for node in nodes for stake in node.contributors for wallet in (stake.address, stake.beneficiary)}
