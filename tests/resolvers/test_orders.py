"""How lists are sorted."""

from datetime import timedelta
from typing import Any

import pytest

from sent_graphql.resolvers.orders import (
    ContributionContractOrderField,
    OrderDirection,
    ServiceNodeOrderField,
    contribution_contract_order,
    service_node_order,
)


def node_ids(make: Any, values: list[Any], attribute: str, *order: Any) -> list[int]:
    """Numbers of nodes with these values of `attribute`, as the order has them."""
    nodes = {make.node(number, **{attribute: value}).id: number for number, value in enumerate(values)}
    arranged = service_node_order(*order).arrange(
        make.node(number, **{attribute: value}) for number, value in enumerate(values)
    )
    return [nodes[node.id] for node in arranged.items]


@pytest.mark.parametrize("field", [field for field in ServiceNodeOrderField if field.name != "LAST_UPTIME_PROOF"])
def test_nulls_come_last_in_both_directions(make: Any, field: ServiceNodeOrderField) -> None:
    attribute = field.value
    assert node_ids(make, [5, None, 3], attribute, field, OrderDirection.ASC) == [2, 0, 1]
    assert node_ids(make, [5, None, 3], attribute, field, OrderDirection.DESC) == [0, 2, 1]


def test_uptime_proofs_are_sorted_as_instants(make: Any) -> None:
    early, late = make.moment, make.moment + timedelta(milliseconds=1)
    by_proof = ServiceNodeOrderField.LAST_UPTIME_PROOF
    assert node_ids(make, [late, None, early], "last_uptime_proof", by_proof, OrderDirection.ASC) == [2, 0, 1]
    assert node_ids(make, [late, None, early], "last_uptime_proof", by_proof, OrderDirection.DESC) == [0, 2, 1]


@pytest.mark.parametrize("direction", OrderDirection)
def test_ties_break_by_id_in_both_directions(make: Any, direction: OrderDirection) -> None:
    order = service_node_order(ServiceNodeOrderField.OPERATOR_FEE, direction)
    nodes = [make.node(number) for number in (3, 1, 2)]
    assert [node.id for node in order.arrange(nodes).items] == sorted(node.id for node in nodes)


def test_nodes_are_sorted_by_contract_id_when_nothing_is_asked(make: Any) -> None:
    assert node_ids(make, [9, None, 4], "contract_id") == [2, 0, 1]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (ContributionContractOrderField.CREATED, [0, 1, 2]),
        (ContributionContractOrderField.FEE, [1, 2, 0]),
        (ContributionContractOrderField.REMAINING, [2, 0, 1]),
        (ContributionContractOrderField.MINIMUM_CONTRIBUTION, [1, 0, 2]),
    ],
)
def test_contribution_contracts_are_sorted_by_what_is_asked(
    make: Any, field: ContributionContractOrderField, expected: list[int]
) -> None:
    contracts = [
        make.contract(
            0, fee=30, minimum_contribution=9, staking_requirement=100, total_contributed=50, total_reserved=20
        ),
        make.contract(
            1, fee=10, minimum_contribution=5, staking_requirement=100, total_contributed=50, total_reserved=0
        ),
        make.contract(
            2, fee=20, minimum_contribution=None, staking_requirement=100, total_contributed=100, total_reserved=0
        ),
    ]
    arranged = contribution_contract_order(field, OrderDirection.ASC).arrange(contracts)
    assert [contract.sequence for contract in arranged.items] == expected


def test_contribution_contracts_come_newest_first_when_nothing_is_asked(make: Any) -> None:
    arranged = contribution_contract_order().arrange(make.contract(number) for number in (2, 3, 1))
    assert [contract.sequence for contract in arranged.items] == [3, 2, 1]
