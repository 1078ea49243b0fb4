"""`/metrics`, on a port of its own: what it tells is the operator's business."""

import asyncio

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp


def metrics_page(registry: CollectorRegistry) -> ASGIApp:
    """The application that answers `/metrics`, in OpenMetrics' form to who asks for it."""
    asking = asyncio.Lock()

    async def metrics(request: Request) -> Response:
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        async with asking:  # one scrape at a time is enough for anybody
            return Response(encode(registry), headers={"content-type": media_type, "cache-control": "no-store"})

    return Starlette(routes=[Route("/metrics", metrics)])
