"""`/graphql`: Strawberry's ASGI view, held to the GraphQL-over-HTTP specification.

- A request that is no GraphQL request (bad JSON, wrong types, wrong content type, …) gets a 4xx status.
- An operation that never ran (it does not parse or validate, its variables do not fit, it cannot be told from others)
  has no `data`: status 400 as `application/graphql-response+json`, 200 for old clients that take `application/json`.
- An operation that ran has `data`, be it null: status 200, whatever its fields met. NOT_READY is such an error, since
  `meta` answers in the same operation; `/readyz` tells readiness by its status.
"""

from typing import Final

import orjson
import strawberry
from cross_web import AsyncHTTPRequestAdapter, StarletteRequestAdapter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import MissingQueryError
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from sent_graphql.http.cached_answers import VARY, CachedAnswers, Made
from sent_graphql.http.clients import client_of
from sent_graphql.http.event_stream import EventStreams
from sent_graphql.http.graphiql import GraphiqlPage
from sent_graphql.http.graphql_request import Parameters, RequestError, RequestReader
from sent_graphql.http.media_types import EVENT_STREAM, GRAPHQL_RESPONSE, HTML, JSON, Accept
from sent_graphql.http.not_now import NotNowError
from sent_graphql.http.operations import QUERIES, QUERIES_AND_MUTATIONS, Operations, encoded, never_ran
from sent_graphql.http.replies import NOT_STORED, refusal
from sent_graphql.models.snapshot import Snapshot

METHODS: Final = "GET, HEAD, POST, OPTIONS"


class _Adapter(StarletteRequestAdapter):
    """Strawberry's view of a request, which keeps the request at hand."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.request = request


class GraphQLView(GraphQL[object, None]):
    """Answers queries by GET and POST, and streams of events to who accepts those.

    `page` is what browsers get; without it they get 404.
    """

    request_adapter_class = _Adapter

    def __init__(
        self,
        schema: strawberry.Schema,
        *,
        operations: Operations,
        answers: CachedAnswers,
        streams: EventStreams,
        reader: RequestReader,
        page: GraphiqlPage | None,
    ) -> None:
        super().__init__(schema, graphql_ide=None, subscription_protocols=())
        self._operations = operations
        self._answers = answers
        self._streams = streams
        self._reader = reader
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry. A HEAD request is answered as a GET; the server leaves out the body."""
        is_head = scope["method"] == "HEAD"
        request = Request({**scope, "method": "GET"} if is_head else scope, receive)
        try:
            response = await self._answer(request, is_head=is_head)
            await response(scope, receive, send)
        except NotNowError as error:
            media_type = _accept(request).response_type() or JSON
            await error.response(VARY, media_type=media_type)(scope, receive, send)
        except RequestError as error:
            media_type = _accept(request).response_type() or JSON
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

    async def _answer(self, request: Request, *, is_head: bool) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"allow": METHODS})
        if request.method not in {"GET", "POST"}:
            raise RequestError(405, "GraphQL is served by GET and POST.", {"allow": METHODS})
        if _wants_page(request):
            if self._page is None:
                raise RequestError(404, "GraphiQL is switched off here.")
            return self._page.response(request)
        if _accept(request).names(EVENT_STREAM):
            if is_head:
                raise RequestError(405, "Streams are served by GET and POST.", {"allow": METHODS})
            parameters = await self._reader.read(request)
            request.state.operation = parameters.operation_name
            return self._streams.response(request, parameters)
        media_type = _accept(request).response_type()
        if media_type is None:
            raise RequestError(406, f"Answers are {GRAPHQL_RESPONSE} or {JSON}.")
        parameters = await self._reader.read(request)
        request.state.operation = parameters.operation_name
        request.state.parameters = parameters
        request.state.price = await self._operations.admit(parameters, client_of(request.scope))

        async def make(snapshot: Snapshot) -> Made:
            request.state.snapshot = snapshot
            response = await self.run(request)
            return Made(response, is_good=not request.state.has_errors)

        return await self._answers.respond(request, parameters, media_type, make)

    def should_render_graphql_ide(self, request: object) -> bool:
        """Never: the page is served before Strawberry is asked, and it is ours."""
        return False

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> object:
        """Nothing yet: the context is made when the request has been read (see `execute_single`)."""
        return None

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        """Where status and media type of the answer are noted until it is made."""
        sub_response = await super().get_sub_response(request)
        sub_response.media_type = _accept(request).response_type()
        return sub_response

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData:
        """The request's parameters, which have been read within our bounds; batches are not served."""
        assert isinstance(request, _Adapter)
        parameters: Parameters = request.request.state.parameters
        return GraphQLRequestData(
            query=parameters.query,
            variables=parameters.variables,
            operation_name=parameters.operation_name or None,
            extensions=parameters.extensions,
        )

    async def execute_single(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        sub_response: Response,
        context: object,
        root_value: None,
        request_data: GraphQLRequestData,
    ) -> ExecutionResult:
        """Runs one operation from the one snapshot that answers its request."""
        result = await self._execute(request, request_data)
        request.state.has_errors = bool(result.errors)
        sub_response.status_code = _status(result, sub_response.media_type)
        sub_response.body = await encoded(result)
        return result

    async def _execute(self, request: Request, data: GraphQLRequestData) -> ExecutionResult:
        parameters = Parameters(
            query=data.query, operation_name=data.operation_name, variables=data.variables, extensions=data.extensions
        )
        try:
            allowed = QUERIES if request.method == "GET" else QUERIES_AND_MUTATIONS
            return await self._operations.run(parameters, allowed, request.state.price, request.state.snapshot)
        except InvalidOperationTypeError as error:
            raise _wrong_transport(error) from None
        except MissingQueryError:
            raise RequestError(400, "There is no `query`.") from None

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """Nothing: the result has been encoded, in pieces (see `execute_single`)."""
        return {"data": None}

    def create_response(self, response_data: object, sub_response: Response) -> Response:
        """The answer in the media type and with the status noted in `sub_response`."""
        headers = {name: value for name, value in sub_response.headers.items() if name != "content-length"}
        return Response(
            sub_response.body,
            sub_response.status_code,
            {**NOT_STORED, **VARY, **headers},
            media_type=sub_response.media_type or JSON,
        )

    def encode_json(self, data: object) -> str:
        """JSON text of one frame of a stream."""
        return orjson.dumps(data).decode()


def _accept(request: Request | WebSocket) -> Accept:
    """What the client takes, on however many lines it says so."""
    return Accept(", ".join(request.headers.getlist("accept")))


def _wants_page(request: Request) -> bool:
    """A browser that came to look: it prefers HTML and asks nothing."""
    accept = _accept(request)
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
