"""What is read off a question's text."""

from typing import Any

import pytest
from graphql import parse

from sent_graphql.live.selections import Selection, selection_of
from sent_graphql.models.parts import NOTHING, WALLETS, Part


@pytest.fixture
def select(schema: Any) -> Any:
    """The selection of a subscription's text."""

    def selected(text: str) -> Selection:
        return selection_of(schema._schema, parse(text))

    return selected


@pytest.mark.parametrize(
    ("text", "at_root", "beneath"),
    [
        ("{ meta { id version } }", Part.META, NOTHING),
        ("{ network { claimLimit { remaining } } }", Part.NETWORK, NOTHING),
        ("{ serviceNode(by: {contractId: 1}) { contributors { amount } } }", Part.NODES, NOTHING),
        ("{ serviceNodes { upserted { contributors { wallet { id } } } } }", Part.NODES, WALLETS),
        (
            "{ serviceNodes { ...F } } fragment F on ServiceNodeChanges { upserted { contributionContract { id } } }",
            Part.NODES,
            Part.CONTRIBUTION_CONTRACTS,
        ),
        ("{ contributionContracts { upserted { serviceNode { id } } } }", Part.CONTRIBUTION_CONTRACTS, Part.NODES),
    ],
)
def test_the_parts_that_are_read_are_those_of_the_fields(select: Any, text: str, at_root: Part, beneath: Part) -> None:
    selection = select(f"subscription {text}")
    assert (selection.at_root, selection.beneath) == (at_root, beneath)
    assert selection.reads == at_root | beneath


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        (
            "{ serviceNodes { upserted { id f: operatorFee contributors { address } } } }",
            "contributors id operator_fee",
        ),
        ("{ ...R } fragment R on Subscription { serviceNodes { upserted { pubkeyBls } } }", "pubkey_bls"),
        ("{ contributionContracts { upserted { fee } } }", "fee"),
        ("{ serviceNodes { upserted { contributors { wallet { address } } } } }", "contributors"),
        ("{ serviceNodes { version } }", ""),
        ("{ serviceNodes { upserted { contributionContract { id } } } }", None),
        ("{ contributionContracts { upserted { serviceNode { id } } } }", None),
        ("{ serviceNode(by: {contractId: 1}) { id } }", None),
    ],
)
def test_the_attributes_of_items_that_are_shown(select: Any, text: str, attributes: str | None) -> None:
    shown = select(f"subscription {text}").item_attributes
    assert shown == (None if attributes is None else set(attributes.split()))


def test_fields_of_changes_are_known_by_the_names_that_the_answer_gives_them(select: Any) -> None:
    selection = select("subscription { x: serviceNodes { v: version version: previousVersion __typename } }")
    assert selection.change_fields == {"v": "version", "version": "previousVersion", "__typename": "__typename"}


def test_a_text_that_does_not_validate_selects_nothing(select: Any) -> None:
    assert select("subscription { nonsense { more } }") == Selection()
