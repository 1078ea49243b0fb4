"""What is asked, and how a request is written."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

from execution import LIST, SMALL

HEADERS: Final = {"content-type": "application/json", "accept": "application/json"}

LINES: Final = (
    "POST /graphql HTTP/1.1",
    "host: localhost",
    *(f"{name}: {value}" for name, value in HEADERS.items()),
    "content-length: {}",
    "",
    "",
)


@dataclass(frozen=True)
class Question:
    """One of the contest's. `nodes`: how many the network has; `connections`: how many clients ask at once."""

    name: str
    text: str
    nodes: int
    connections: int

    def hot(self) -> Iterator[bytes]:
        """The same request for ever."""
        request = self._request()
        while True:
            yield request

    def cold(self) -> Iterator[bytes]:
        """Requests that nobody has sent before: each brings a variable of its own, which the document does not use.

        The document stays the same, as it does for an application's users who give different variables.
        """
        for number in count():
            yield self._request(number=number)

    def body(self, **variables: int) -> str:
        """The body of a request."""
        return json.dumps({"query": self.text, "variables": variables})

    def _request(self, **variables: int) -> bytes:
        body = self.body(**variables)
        return ("\r\n".join(LINES).format(len(body)) + body).encode()


def list_of(nodes: int) -> str:
    """All nodes, with 14 scalars and their contributors with 3 fields each."""
    return f"{{ serviceNodes(first: {nodes}) {{ nodes {{ {LIST} }} }} }}"


QUESTIONS: Final = (
    Question("network", SMALL["network"], nodes=2_000, connections=8),
    Question("2,000 nodes", list_of(2_000), nodes=2_000, connections=4),
    Question("10,000 nodes", list_of(10_000), nodes=10_000, connections=4),
)
