"""A GraphQL request as it comes over HTTP: its parameters read, bounded and checked before anything runs."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from starlette.requests import Request

from sent_graphql.http.json_texts import BadJsonError, JsonReader, read_object
from sent_graphql.live.subscriptions import Operation

BATCH: Final = re.compile(rb"\s*\[\s*\{")


class RequestError(Exception):
    """A request that is no GraphQL request, or that this transport does not serve. The message is for the client.

    `code`: the error's, unless it follows from `status`. `is_result`: old clients, which take `application/json`, read
    it as a result, with status 200.
    """

    def __init__(
        self,
        status: int,
        message: str,
        headers: Mapping[str, str] | None = None,
        *,
        code: str | None = None,
        is_result: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}
        self.code = code
        self.is_result = is_result


class Parameters(msgspec.Struct, frozen=True, rename="camel"):
    """What a client asks. Integers of any size arrive exact; unknown members are ignored."""

    query: str | None = None
    operation_name: str | None = None
    variables: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = None

    def as_operation(self) -> Operation:
        """The same as live queries take it."""
        return Operation(query=self.query or "", name=self.operation_name or None, variables=self.variables)


class RequestReader:
    """Reads the parameters of a request: from the query string of a GET, from the JSON body of a POST.

    `read_body` reads it within bounds. `resolve` puts in the documents that requests name.
    """

    def __init__(
        self, *, read_body: Callable[[Request], Awaitable[bytes]], resolve: Callable[[Parameters], Parameters]
    ) -> None:
        self._read_body = read_body
        self._resolve = resolve
        self._body = JsonReader(Parameters, "The body")

    async def read(self, request: Request) -> Parameters:
        """The request's parameters; RequestError with a 4xx status where there are none."""
        if request.method == "GET":
            parameters = self._from_query_string(request)
        else:
            _require_json(request.headers.get("content-type"))
            parameters = self._from_body(await self._read_body(request))
        parameters = self._resolve(parameters)
        if not parameters.query:
            raise RequestError(400, "There is no `query`: send a GraphQL document as a non-empty string.")
        return parameters

    def _from_query_string(self, request: Request) -> Parameters:
        given: dict[str, Any] = {}
        for name in ("query", "operationName", "variables", "extensions"):
            values = request.query_params.getlist(name)
            if len(values) > 1:
                raise RequestError(400, f"`{name}` is given more than once.")
            if values and values[0]:
                given[name] = values[0]
        try:
            for name in ("variables", "extensions"):
                if name in given:
                    given[name] = read_object(given[name].encode(), f"`{name}`")
        except BadJsonError as error:
            raise RequestError(400, f"{error}.") from None
        return msgspec.convert(given, Parameters)

    def _from_body(self, body: bytes) -> Parameters:
        try:
            return self._body.read(body)
        except BadJsonError as error:
            hint = " Ask each question by itself: batches are not served." if BATCH.match(body) else ""
            raise RequestError(400, f"{error}.{hint}") from None


def _require_json(content_type: str | None) -> None:
    """A body must say that it is JSON: browsers send nothing else to another origin without asking first."""
    name, *parameters = (part.strip().lower() for part in (content_type or "").split(";"))
    if name != "application/json":
        raise RequestError(415, "The content type must be application/json.", {"accept-post": "application/json"})
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key == "charset" and value.strip('"') not in {"utf-8", "utf8"}:
            raise RequestError(415, "The charset must be utf-8.", {"accept-post": "application/json"})
