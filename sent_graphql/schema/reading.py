"""Large documents, which are read in a thread: parsing and checking one takes up to a tenth of a second."""

from asyncio import get_running_loop
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeAlias

from sent_graphql.cache.flights import Flights
from sent_graphql.schema.documents import Document, Documents, Unreadable

LARGE: Final = 1_000
"""Characters of the largest document that is read on the event loop, in some 10 ms."""

MakeReady: TypeAlias = Callable[[Document, str | None, Mapping[str, Any] | None], None]
"""Finds out what will be asked of a document, for one of its operations and some variables."""


class Reading:
    """Reads large documents into `documents`, one at a time. The thread sees none that others see."""

    def __init__(self, documents: Documents, make_ready: MakeReady) -> None:
        self._documents = documents
        self._make_ready = make_ready
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="documents")
        self._flights: Flights[Document | Unreadable] = Flights()
        self.waiting = 0
        """Who waits for a document to be read."""

    def is_due(self, text: str) -> bool:
        """Whether reading that document here would take too long."""
        return len(text) > LARGE and not self._documents.is_read(text)

    async def read(self, text: str, name: str | None, variables: Mapping[str, Any] | None) -> None:
        """Has the document known when its operation `name` is executed, be it valid or not; small ones are left."""
        if not self.is_due(text):
            return
        self.waiting += 1
        try:
            read = await self._flights.once(text, partial(self._in_thread, text, name, variables))
        finally:
            self.waiting -= 1
        if not self._documents.is_read(text):
            self._documents.note(text, read)

    async def _in_thread(
        self, text: str, name: str | None, variables: Mapping[str, Any] | None
    ) -> Document | Unreadable:
        return await get_running_loop().run_in_executor(self._thread, self._read, text, name, variables)

    def _read(self, text: str, name: str | None, variables: Mapping[str, Any] | None) -> Document | Unreadable:
        found = self._documents.parsed(text)
        if isinstance(found, Document):
            self._make_ready(found, name, variables)
        return found
