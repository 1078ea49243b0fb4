"""What one refresh reads, and what it does not read again."""

from typing import Any

from sent_graphql.models.contracts import ContractParameters, Recipient
from sent_graphql.sources.contracts.source import ContractsSource


async def test_the_first_view_holds_all_that_the_contracts_hold(
    chain: Any, source: ContractsSource, person: Any
) -> None:
    chain.register(person(1), person(2))
    chain.register(person(3))
    chain.exit(1)
    contract = chain.deploy(1, person(5))
    chain.credit(person(2), 500)
    chain.mine()

    view = await source.fetch(None, {person(77)})

    assert (view.chain_id, view.block_number, view.block_hash) == (31337, chain.head, chain.blocks[-1].hash)
    assert view.block_timestamp == 1_700_000_000 + chain.head
    assert view.nodes == chain.state.nodes
    assert list(view.nodes) == [2]
    assert view.parameters == ContractParameters(
        staking_requirement=25_000 * 10**9,
        max_contributors=10,
        paused=False,
        claim_threshold=10**15,
        claim_cycle_seconds=43_200,
        current_claim_cycle=3,
        current_claim_total=5,
        bls_non_signer_threshold=1,
        reward_rate=123_456,
    )
    assert view.recipients == {person(3): Recipient(0, 0), person(77): Recipient(0, 0)}
    assert (view.contribution_contracts, view.registrations) == ({}, {}), "only past events know them"
    assert contract
