"""The HTTP application: the list of its parts."""

import time
from collections.abc import Callable
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from sent_graphql.cache.answers import MemoryAnswers
from sent_graphql.http.admission import Admission
from sent_graphql.http.bodies import Bodies
from sent_graphql.http.cached_answers import CachedAnswers
from sent_graphql.http.event_stream import EventStreams
from sent_graphql.http.freshness import Freshness
from sent_graphql.http.graphiql import GraphiqlPage, assets
from sent_graphql.http.graphql_request import RequestReader
from sent_graphql.http.graphql_view import GraphQLView
from sent_graphql.http.handshakes import refuse
from sent_graphql.http.health import Readyz, healthz
from sent_graphql.http.info import Info
from sent_graphql.http.live_connections import LiveConnections
from sent_graphql.http.middleware import Faults, RequestLog, SecurityHeaders, cors
from sent_graphql.http.not_now import Refusing
from sent_graphql.http.operations import Operations
from sent_graphql.http.origins import Origins
from sent_graphql.http.persisted_queries import PersistedQueries
from sent_graphql.http.quotas import Quotas
from sent_graphql.http.rate_limit import RateLimit
from sent_graphql.http.registrations import RegistrationRoutes
from sent_graphql.http.replays import Replays
from sent_graphql.http.replies import on_http_exception, refusal
from sent_graphql.http.shedding import Shedding
from sent_graphql.http.snapshots import SnapshotReader
from sent_graphql.http.turns import Turns
from sent_graphql.http.websocket import WebSocketEndpoint
from sent_graphql.http.workload import Workload
from sent_graphql.live.subscriptions import LiveQueries
from sent_graphql.models.snapshot import Snapshot
from sent_graphql.resolvers.services import Services
from sent_graphql.schema.build import ServedSchema, cost_analysis
from sent_graphql.settings import Settings


def create_app(
    *,
    settings: Settings,
    schema: ServedSchema,
    snapshots: SnapshotReader,
    make_context: Callable[[Snapshot], object],
    live: LiveQueries,
    connections: LiveConnections,
    services: Services | None = None,
    answers: MemoryAnswers | None = None,
    limit: RateLimit | None = None,
    workload: Workload | None = None,
    lifespan: Lifespan[Starlette] | None = None,
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """The service's ASGI application.

    `make_context` gives what resolvers see as `info.context`, from the one snapshot that answers the request. `live`
    answers subscriptions; `connections` counts what carries them, and is the caller's to end. `services` answers what
    the snapshot does not. `answers` keeps answers; it is for who makes the snapshots to free it at once. `limit` and
    `workload` bound what is asked; they are given by who wants to know how they fare. `lifespan` starts and stops what
    feeds the snapshots; `clock` gives unix seconds.
    """
    limit = RateLimit(settings.rate_limit) if limit is None else limit
    workload = workload or Workload(settings.graphql)
    turns = Turns()
    costs = cost_analysis(schema, settings.graphql)
    operations = Operations(
        schema,
        snapshots=snapshots,
        make_context=make_context,
        admission=Admission(schema.documents, schema.reading, costs, limit, workload, settings.graphql),
        workload=workload,
        turns=turns,
        max_delay=settings.http.max_delay,
    )
    bodies = Bodies(settings.http, workload)
    answers = answers or MemoryAnswers(settings.cache.answers_bytes)
    freshness = Freshness(settings.cache.max_age, clock=clock)
    graphql = GraphQLView(
        operations=operations,
        answers=CachedAnswers(
            schema,
            snapshots=snapshots,
            store=answers,
            counts=answers.counts,
            freshness=freshness,
            workload=workload,
        ),
        streams=EventStreams(live=live, operations=operations, connections=connections, settings=settings.live),
        reader=RequestReader(
            read_body=partial(bodies.read, max_bytes=settings.http.max_body_bytes),
            resolve=PersistedQueries().resolved,
        ),
        page=GraphiqlPage(network=settings.network.name) if settings.http.graphiql else None,
    )
    origins = Origins(settings.http.cors_origins)
    sockets = WebSocketEndpoint(
        live=live,
        operations=operations,
        connections=connections,
        settings=settings.live,
        origins=origins,
    )
    headers = [Middleware(SecurityHeaders), *cors(settings.http.cors_origins)]
    refusing = Refusing(headers)
    routes: list[BaseRoute] = [
        Route("/", _home),
        Route("/graphql", graphql),
        Route("/info", Info(snapshots, clock=clock).__call__),
        Route("/healthz", healthz),
        Route("/readyz", Readyz(snapshots).__call__),
        *RegistrationRoutes(
            services or Services(), snapshots, limit, clock=clock, bodies=bodies, origins=origins
        ).routes(),
    ]
    if settings.http.graphiql:
        routes.append(assets())
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(Shedding, max_delay=settings.http.max_delay, turns=turns, refusing=refusing, workload=workload),
            Middleware(Quotas, limit=limit, refusing=refusing),
            Middleware(Sockets, endpoint=sockets),
            Middleware(
                Replays,
                snapshots=snapshots,
                store=answers,
                freshness=freshness,
                body_timeout=settings.http.body_timeout,
            ),
            Middleware(RequestLog),
            *headers,
            Middleware(Faults),
        ],
        exception_handlers={HTTPException: on_http_exception},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # such a redirect is an absolute URL made of the client's Host header
    return app


class Sockets:
    """Sends WebSockets straight to their endpoint: layers in between would cost every open connection its memory.

    There is one endpoint: elsewhere the handshake gets 404.
    """

    def __init__(self, app: ASGIApp, endpoint: ASGIApp) -> None:
        self._app = app
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything else on."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
        elif scope["path"] == scope.get("root_path", "") + "/graphql":
            await self._endpoint(scope, receive, send)
        else:
            await refuse(refusal(404, "No WebSocket is served here; it is at /graphql."), scope, receive, send)


async def _home(_request: Request) -> Response:
    """The way to the API; relative, so that it holds behind a proxy's path as well."""
    return RedirectResponse("graphql")
