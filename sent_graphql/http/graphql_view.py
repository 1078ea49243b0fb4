"""`/graphql`: GraphQL over HTTP, by its specification.

- A request that is no GraphQL request (bad JSON, wrong types, wrong content type, …) gets a 4xx status.
- An operation that never ran (it does not parse or validate, its variables do not fit, it cannot be told from others)
  has no `data`: status 400 as `application/graphql-response+json`, 200 for old clients that take `application/json`.
- An operation that ran has `data`, be it null: status 200, whatever its fields met. NOT_READY is such an error, since
  `meta` answers in the same operation; `/readyz` tells readiness by its status.
"""

from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from sent_graphql.http.cached_answers import VARY, CachedAnswers, Made
from sent_graphql.http.clients import client_of
from sent_graphql.http.event_stream import EventStreams
from sent_graphql.http.graphiql import GraphiqlPage
from sent_graphql.http.graphql_request import Parameters, RequestError, RequestReader
from sent_graphql.http.media_types import EVENT_STREAM, GRAPHQL_RESPONSE, HTML, JSON, Accept, accepted
from sent_graphql.http.not_now import NotNowError
from sent_graphql.http.operations import QUERIES, QUERIES_AND_MUTATIONS, Operations, encoded, never_ran
from sent_graphql.http.replies import refusal
from sent_graphql.models.snapshot import Snapshot

METHODS: Final = "GET, HEAD, POST, OPTIONS"


class GraphQLView:
    """Answers queries by GET and POST, and streams of events to who accepts those.

    `page` is what browsers get; without it they get 404.
    """

    def __init__(
        self,
        *,
        operations: Operations,
        answers: CachedAnswers,
        streams: EventStreams,
        reader: RequestReader,
        page: GraphiqlPage | None,
    ) -> None:
        self._operations = operations
        self._answers = answers
        self._streams = streams
        self._reader = reader
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry. A HEAD request is answered as a GET; the server leaves out the body."""
        is_head = scope["method"] == "HEAD"
        request = Request({**scope, "method": "GET"} if is_head else scope, receive)
        accept = accepted(", ".join(request.headers.getlist("accept")))
        try:
            response = await self._answer(request, accept, is_head=is_head)
            await response(scope, receive, send)
        except NotNowError as error:
            media_type = accept.response_type() or JSON
            await error.response(VARY, media_type=media_type)(scope, receive, send)
        except RequestError as error:
            media_type = accept.response_type() or JSON
            response = refusal(
                200 if error.is_result and media_type == JSON else error.status,
                error.message,
                {**VARY, **error.headers},
                media_type=media_type,
                code=error.code,
            )
            await response(scope, receive, send)
        except ClientDisconnect:
            return

    async def _answer(self, request: Request, accept: Accept, *, is_head: bool) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"allow": METHODS})
        if request.method not in {"GET", "POST"}:
            raise RequestError(405, "GraphQL is served by GET and POST.", {"allow": METHODS})
        if _wants_page(request, accept):
            if self._page is None:
                raise RequestError(404, "GraphiQL is switched off here.")
            return self._page.response(request)
        if accept.names(EVENT_STREAM):
            if is_head:
                raise RequestError(405, "Streams are served by GET and POST.", {"allow": METHODS})
            return self._streams.response(request, await self._parameters(request))
        media_type = accept.response_type()
        if media_type is None:
            raise RequestError(406, f"Answers are {GRAPHQL_RESPONSE} or {JSON}.")
        parameters = await self._parameters(request)
        price = await self._operations.admit(parameters, client_of(request.scope))

        async def make(snapshot: Snapshot) -> Made:
            """From the one snapshot that answers the request."""
            result = await self._result(request, parameters, snapshot)
            return Made(await encoded(result), _status(result, media_type), is_good=not result.errors)

        return await self._answers.respond(request, parameters, media_type, price, make)

    async def _parameters(self, request: Request) -> Parameters:
        """Those of the operation, whose name the log gets to know."""
        parameters = await self._reader.read(request)
        request.state.operation = parameters.operation_name
        return parameters

    async def _result(self, request: Request, parameters: Parameters, snapshot: Snapshot) -> ExecutionResult:
        allowed = QUERIES if request.method == "GET" else QUERIES_AND_MUTATIONS
        try:
            return await self._operations.run(parameters, allowed, snapshot)
        except InvalidOperationTypeError as error:
            raise _wrong_transport(error) from None


def _wants_page(request: Request, accept: Accept) -> bool:
    """A browser that came to look: it prefers HTML and asks nothing."""
    return (
        request.method == "GET"
        and "query" not in request.query_params
        and accept.names(HTML)
        and accept.quality(HTML) >= accept.quality(JSON)
    )


def _status(result: ExecutionResult, media_type: str | None) -> int:
    if media_type != GRAPHQL_RESPONSE or not never_ran(result):
        return 200
    codes = {(error.extensions or {}).get("code") for error in result.errors or ()}
    return 500 if "INTERNAL" in codes else 400


def _wrong_transport(error: InvalidOperationTypeError) -> RequestError:
    if error.operation_type is OperationType.MUTATION:
        return RequestError(405, "Mutations are only served by POST.", {"allow": "POST"})
    return RequestError(
        400,
        "Subscriptions are not served by a plain GET or POST: use a WebSocket (graphql-transport-ws), or accept "
        "text/event-stream.",
    )
