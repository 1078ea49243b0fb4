"""Automatic persisted queries, Apollo's protocol: a document is sent once, and named by its SHA-256 from then on."""

import hashlib
from typing import Annotated, Any, Final, Literal

import msgspec

from sent_graphql.cache.bounded import BoundedMap
from sent_graphql.http.graphql_request import Parameters, RequestError

MAX_BYTES: Final = 8 * 1024 * 1024
"""Documents kept, in bytes. Who names one that had to go sends it again."""

LARGEST_SHARE: Final = 64


class PersistedQuery(msgspec.Struct, frozen=True, rename="camel"):
    """`extensions.persistedQuery`."""

    version: Literal[1]
    sha256_hash: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")] = msgspec.field(name="sha256Hash")


class PersistedQueries:
    """The documents that clients have named."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._documents: BoundedMap[str, str] = BoundedMap(max_bytes, largest_share=LARGEST_SHARE)

    def resolved(self, parameters: Parameters) -> Parameters:
        """The parameters with the document that they name; what they name with its document is kept.

        Raises RequestError where it is not known, or another one is meant.
        """
        told = (parameters.extensions or {}).get("persistedQuery")
        if told is None:
            return parameters
        wanted = _read(told).sha256_hash
        if parameters.query:
            document = parameters.query.encode("utf-8", "surrogatepass")
            if hashlib.sha256(document).hexdigest() != wanted:
                raise RequestError(400, "`extensions.persistedQuery.sha256Hash` is not the SHA-256 of `query`.")
            self._documents.set(wanted, parameters.query, 4 * len(parameters.query))
            return parameters
        known = self._documents.get(wanted)
        if known is None:
            # The words are those of the protocol: clients look for them.
            raise RequestError(400, "PersistedQueryNotFound", code="PERSISTED_QUERY_NOT_FOUND", is_result=True)
        return msgspec.structs.replace(parameters, query=known)


def _read(told: Any) -> PersistedQuery:  # noqa: ANN401 - JSON
    try:
        return msgspec.convert(told, PersistedQuery)
    except msgspec.ValidationError as error:
        raise RequestError(400, f"`extensions.persistedQuery` is not understood: {error}") from None
