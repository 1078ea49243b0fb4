"""Automatic persisted queries, Apollo's protocol: a document is sent once, and named by its SHA-256 from then on."""

import hashlib
import re
from typing import Any, Final

import msgspec

from sent_graphql.cache.bounded import BoundedMap
from sent_graphql.http.graphql_request import Parameters, RequestError

MAX_BYTES: Final = 8 * 1024 * 1024
"""Documents kept, in bytes. Who names one that had to go sends it again."""

LARGEST_SHARE: Final = 64

SHA256: Final = re.compile("[0-9a-f]{64}")


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
        wanted = _digest(told)
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


def _digest(told: Any) -> str:  # noqa: ANN401 - JSON
    """The SHA-256 that names a document."""
    if not isinstance(told, dict) or told.get("version") != 1:
        raise RequestError(400, "`extensions.persistedQuery` must be an object, and its `version` 1.")
    digest = told.get("sha256Hash")
    if not isinstance(digest, str) or SHA256.fullmatch(digest) is None:
        raise RequestError(
            400, "`extensions.persistedQuery.sha256Hash` must be a document's SHA-256: 64 hex digits in lower case."
        )
    return digest
