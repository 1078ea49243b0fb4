"""The compiled contracts of the local network: how to encode what goes to them and decode what comes back."""

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

SOURCE_DIRECTORY: Final = Path(__file__).with_name("contracts")
ARTEFACT_DIRECTORY: Final = Path(__file__).with_name("artefacts")

CONTRACT_NAMES: Final = (
    "ServiceNodeRewards",
    "ServiceNodeContribution",
    "ServiceNodeContributionFactory",
    "RewardRatePool",
    "Token",
    "Multicall3",
)
"""All contracts that there are artefacts of."""

BLUEPRINT_PREAMBLE: Final = bytes.fromhex("fe7100")
"""Marks code that is copied to make contracts and never run itself (EIP-5202)."""


class Function:
    """One function of an ABI."""

    def __init__(self, entry: dict[str, Any]) -> None:
        self.name: str = entry["name"]
        self.input_types = [_type(one) for one in entry["inputs"]]
        self.output_types = [_type(one) for one in entry["outputs"]]
        self.signature = f"{self.name}({','.join(self.input_types)})"
        self.selector = keccak(text=self.signature)[:4]

    def encode(self, arguments: Sequence[Any]) -> bytes:
        """Calldata for `arguments`: structs are tuples, addresses hex."""
        return self.selector + encode(self.input_types, arguments)

    def decode(self, output: bytes) -> Any:  # noqa: ANN401  # whatever the ABI says
        """The answer: None, the one value, or a tuple of several. Addresses are lower-case hex."""
        values = decode(self.output_types, output)
        return values[0] if len(values) == 1 else (values or None)


class Event:
    """One event of an ABI."""

    def __init__(self, entry: dict[str, Any]) -> None:
        self.name: str = entry["name"]
        self.inputs: list[dict[str, Any]] = entry["inputs"]
        self.signature = f"{self.name}({','.join(_type(one) for one in self.inputs)})"
        self.topic = keccak(text=self.signature)

    def decode(self, topics: Sequence[bytes], data: bytes) -> dict[str, Any]:
        """The arguments by name; indexed ones are of plain types in all our contracts."""
        indexed = iter(topics[1:])
        plain = iter(decode([_type(one) for one in self.inputs if not one["indexed"]], data))
        return {
            one["name"]: decode([_type(one)], next(indexed))[0] if one["indexed"] else next(plain)
            for one in self.inputs
        }


class Artefact:
    """A compiled contract."""

    def __init__(self, text: str) -> None:
        content = json.loads(text)
        self.name: str = content["contract"]
        self.abi: list[dict[str, Any]] = content["abi"]
        self.errors: list[str] = content["errors"]
        self.bytecode = bytes.fromhex(content["bytecode"].removeprefix("0x"))

    @classmethod
    def load(cls, name: str) -> "Artefact":
        """The committed artefact of the contract `name`."""
        return cls((ARTEFACT_DIRECTORY / f"{name}.json").read_text())

    @cached_property
    def functions(self) -> list[Function]:
        """All functions; one name may stand for several."""
        return [Function(entry) for entry in self.abi if entry["type"] == "function"]

    @cached_property
    def events(self) -> dict[bytes, Event]:
        """All events by topic."""
        events = [Event(entry) for entry in self.abi if entry["type"] == "event"]
        return {event.topic: event for event in events}

    def function(self, name: str, arguments: int) -> Function:
        """The function of that name, or whole signature, with that many arguments; raises KeyError."""
        for function in self.functions:
            if name == function.signature or (name == function.name and arguments == len(function.input_types)):
                return function
        raise KeyError(f"{self.name} has no function {name} with {arguments} arguments")

    def event(self, name: str) -> Event:
        """The event of that name; raises KeyError."""
        for event in self.events.values():
            if event.name == name:
                return event
        raise KeyError(f"{self.name} has no event {name}")

    def initcode(self, arguments: Sequence[Any]) -> bytes:
        """The data of the transaction that deploys the contract."""
        entries = [entry for entry in self.abi if entry["type"] == "constructor"]
        types = [_type(one) for one in entries[0]["inputs"]] if entries else []
        return self.bytecode + encode(types, arguments)

    def blueprint_initcode(self) -> bytes:
        """The data of the transaction that deploys the contract's creation code, for others to make contracts of."""
        code = BLUEPRINT_PREAMBLE + self.bytecode
        return b"\x61" + len(code).to_bytes(2, "big") + bytes.fromhex("3d81600a3d39f3") + code


def _type(entry: dict[str, Any]) -> str:
    """The ABI type in the form that signatures and encoders want: tuples spelled out."""
    kind: str = entry["type"]
    if not kind.startswith("tuple"):
        return kind
    inner = ",".join(_type(component) for component in entry["components"])
    return f"({inner}){kind.removeprefix('tuple')}"
