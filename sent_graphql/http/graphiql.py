"""The GraphiQL page: built files of pinned packages, served from here under a strict policy.

Nothing of it comes from elsewhere, so it works without the internet. `scripts/graphiql` fetches the files and writes
the manifest beside them; `graphiql.html`, `init.js` and `welcome.graphql` are ours.
"""

import hashlib
import html
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC: Final = Path(str(files("sent_graphql"))) / "static"
ASSETS: Final = STATIC / "graphiql"

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; "
    "script-src 'self'; "
    "style-src 'self'; "
    "img-src 'self' data:; "
    "font-src 'self' data:; "  # GraphiQL's style sheet carries its fonts
    "connect-src 'self'; "
    "base-uri 'none'; "
    "form-action 'none'; "
    "frame-ancestors 'none'"
)

REVALIDATE: Final = "no-cache"
"""Names have no hash, so a browser asks each time whether its copy still holds; the ETag makes that cheap."""


class GraphiqlPage:
    """What a browser sees at /graphql. `network` is shown in the title."""

    def __init__(self, *, network: str) -> None:
        template = Template((STATIC / "graphiql.html").read_text("utf-8"))
        welcome = (STATIC / "welcome.graphql").read_text("utf-8")
        page = template.substitute(network=html.escape(network), welcome=html.escape(welcome))
        self._body = page.encode()
        self._headers = {
            "cache-control": REVALIDATE,
            "content-security-policy": CONTENT_SECURITY_POLICY,
            "cross-origin-opener-policy": "same-origin",
            "etag": f'"{hashlib.sha256(self._body).hexdigest()[:32]}"',
            "vary": "accept",
        }

    def response(self, request: Request) -> Response:
        """The page, or 304 when the browser has it."""
        if self._headers["etag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=self._headers)
        return Response(self._body, headers=self._headers, media_type="text/html")


class _Assets(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = REVALIDATE
        return response


def assets() -> Mount:
    """The page's scripts, styles and icon, with the licences of what is not ours."""
    return Mount("/static/graphiql", _Assets(directory=ASSETS))
