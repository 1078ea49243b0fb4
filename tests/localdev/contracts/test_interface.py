"""Our contracts are called, answer and report exactly as the network's own do."""

from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak

from sent_graphql.localdev.artefact import CONTRACT_NAMES, Artefact

INTERFACE = [
    line.split(maxsplit=3)
    for line in Path(__file__).with_name("interface.txt").read_text().splitlines()
    if not line.startswith("#")
]
OURS_ALONE = {
    "fill": "the owner's bulk registration",
    "mint": "tokens from nothing",
    "owner": "the token's minter",
}
USUAL = {
    "pause",
    "unpause",
    "transferOwnership",
    "acceptOwnership",
    "setBeneficiary",
    "approve",
    "transfer",
    "transferFrom",
}


def entries(kind: str) -> list[Any]:
    return [pytest.param(*line[:2], line[3], id=f"{line[0]}.{line[3][:60]}") for line in INTERFACE if line[2] == kind]


def flat(outputs: str) -> str:
    """One static struct and its fields side by side are encoded alike, so that the two are not told apart."""
    single = outputs.startswith("(") and outputs.endswith(")") and outputs.count("(") == 1
    return outputs[1:-1] if single else outputs


@pytest.mark.parametrize(("contract", "selector", "form"), entries("function"))
def test_function_has_the_selector_and_the_encoding(contract: str, selector: str, form: str) -> None:
    signature, _, outputs = form.partition(" -> ")
    by_selector = {"0x" + known.selector.hex(): known for known in Artefact.load(contract).functions}
    found = by_selector[selector]
    assert found.signature == signature
    assert flat(",".join(found.output_types)) == flat(outputs)


@pytest.mark.parametrize(("contract", "topic", "form"), entries("event"))
def test_event_has_the_topic_and_the_indexed_fields(contract: str, topic: str, form: str) -> None:
    found = Artefact.load(contract).events[bytes.fromhex(topic[2:])]
    assert found.signature == form.replace("*", "")
    starred = [field.endswith("*") for field in top_level(form[form.index("(") + 1 : -1])]
    assert [field["indexed"] for field in found.inputs] == starred


def top_level(fields: str) -> list[str]:
    parts, depth = [""], 0
    for character in fields:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part for part in parts if part]


@pytest.mark.parametrize("name", CONTRACT_NAMES)
def test_contract_reverts_with_no_error_that_the_network_does_not_know(name: str) -> None:
    known = {line[1]: line[3] for line in INTERFACE if line[2] == "error"}
    for error in Artefact.load(name).errors:
        if error != "Panic(uint256)":
            assert known["0x" + keccak(text=error)[:4].hex()] == error


@pytest.mark.parametrize("name", [name for name in CONTRACT_NAMES if name != "Multicall3"])
def test_contract_has_nothing_more_but_what_the_local_network_needs(name: str) -> None:
    known = {line[1] for line in INTERFACE if line[0] == name}
    more = {one.name for one in Artefact.load(name).functions if "0x" + one.selector.hex() not in known}
    assert more <= OURS_ALONE.keys() | USUAL


def test_multicall_has_the_canonical_selector() -> None:
    assert Artefact.load("Multicall3").function("aggregate3", 1).selector.hex() == "82ad56cb"
