"""The types of events' arguments: how each lies in a log's words, and how it is told.

Numbers are told in decimal, addresses with checksum, truth as true or false; lists and structs as compact JSON, in
which numbers stay texts because they pass what JSON's readers hold.
"""

from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from sent_graphql.sources.contracts.words import Words

Value: TypeAlias = Any
"""A decoded argument: a text, a truth, or lists and dicts by name of them, nested as its type is."""


class Number(Struct, frozen=True):
    """An unsigned number of so many bits."""

    bits: int = 256

    @property
    def name(self) -> str:
        """As canonical signatures write it."""
        return f"uint{self.bits}"

    @property
    def words(self) -> int:
        """Words that it takes in its place."""
        return 1

    def read(self, words: Words, index: int) -> Value:
        """The value at word `index`."""
        return str(words.uint(index, self.bits))


class Address(Struct, frozen=True):
    """An address."""

    @property
    def name(self) -> str:
        """As canonical signatures write it."""
        return "address"

    @property
    def words(self) -> int:
        """Words that it takes in its place."""
        return 1

    def read(self, words: Words, index: int) -> Value:
        """The value at word `index`."""
        return words.address(index)


class Truth(Struct, frozen=True):
    """A bool."""

    @property
    def name(self) -> str:
        """As canonical signatures write it."""
        return "bool"

    @property
    def words(self) -> int:
        """Words that it takes in its place."""
        return 1

    def read(self, words: Words, index: int) -> Value:
        """The value at word `index`."""
        return words.boolean(index)


class Group(Struct, frozen=True):
    """A struct of members that each have a fixed size; it lies in its place, not behind an offset."""

    members: tuple[tuple[str, "Type"], ...]

    @property
    def name(self) -> str:
        """As canonical signatures write it."""
        return "(" + ",".join(member.name for _, member in self.members) + ")"

    @property
    def words(self) -> int:
        """Words that it takes in its place."""
        return sum(member.words for _, member in self.members)

    def read(self, words: Words, index: int) -> Value:
        """The members' values by their names, from word `index` on."""
        values: dict[str, Value] = {}
        for name, member in self.members:
            values[name] = member.read(words, index)
            index += member.words
        return values


class List(Struct, frozen=True):
    """Any number of items that each have a fixed size, behind an offset."""

    item: "Type"

    @property
    def name(self) -> str:
        """As canonical signatures write it."""
        return f"{self.item.name}[]"

    @property
    def words(self) -> int:
        """Words that it takes in its place: the offset."""
        return 1

    def read(self, words: Words, index: int) -> Value:
        """The items that the offset at word `index` leads to."""
        size = self.item.words
        items, count = words.array(index, size)
        return [self.item.read(items, size * place) for place in range(count)]


Type: TypeAlias = Number | Address | Truth | Group | List


def told(value: Value) -> str:
    """A decoded argument as one text."""
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()
