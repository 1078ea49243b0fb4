"""`/store` and `/registrations`: operators' signed keys in the shapes of the earlier REST service.

A state is changed by GET here, and only here, because operators' tools do so: what authorises the change is the
signature that the request carries, and no cookie. Forms of other sites' pages are refused, as they come from no tool.
Every answer has the network and the time beside it, `null` for a network that has not been read yet.
"""

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sent_graphql.http.bodies import Bodies
from sent_graphql.http.clients import client_of
from sent_graphql.http.graphql_request import RequestError
from sent_graphql.http.info import network_summary
from sent_graphql.http.not_now import OverloadError, RateLimitedError
from sent_graphql.http.origins import Origins
from sent_graphql.http.rate_limit import RateLimit
from sent_graphql.http.replies import json_reply
from sent_graphql.http.snapshots import SnapshotReader
from sent_graphql.models.keys import InvalidKeyError, ed25519_pubkey, user_eth_address
from sent_graphql.models.pages import Slice, Window
from sent_graphql.models.proofs import RegistrationTexts, Spelling
from sent_graphql.models.registrations import Registration, RegistrationError, RegistrationErrorCode
from sent_graphql.resolvers.services import RegistrationDesk, Registrations, Services
from sent_graphql.schema.fields import Effort
from sent_graphql.schema.price import Price
from sent_graphql.sources.database.errors import DatabaseUnavailableError
from sent_graphql.workers.errors import WorkersError

MAX_FORM_BYTES: Final = 8_192
"""Largest query string or form; all values in the longest spelling need some 1,000."""

MAX_FIELDS: Final = 32
"""Most values in one of them."""

MAX_LISTED: Final = 1_000
"""Most registrations in one answer: the newest."""

DATABASE_RETRY_SECONDS: Final = 5
"""How long a client is asked to wait for a database that is away."""

STORE: Final = Price(cost=Effort.DEAR, dear=1)
LIST: Final = Price(cost=Effort.DATABASE)
"""What the two cost."""

_FORM: Final = "application/x-www-form-urlencoded"

_CODES: Final = {
    RegistrationErrorCode.SIGNATURE: "signature",
    RegistrationErrorCode.INVALID_OPERATOR_ADDRESS: "invalid_op_addr",
    RegistrationErrorCode.INVALID_CONTRACT_ADDRESS: "invalid_contract_addr",
}
_BAD_REQUEST: Final = "bad_request"

_FIELDS: Final = {
    "pubkey": "pubkey_ed25519",
    "pubkeyBls": "pubkey_bls",
    "sigEd25519": "sig_ed25519",
    "sigBls": "sig_bls",
}
"""Our names in the words of these routes."""


class RegistrationRoutes:
    """The endpoints. `clock` gives unix seconds; `origins`: whose pages may send the form."""

    def __init__(
        self,
        services: Services,
        snapshots: SnapshotReader,
        limit: RateLimit,
        *,
        clock: Callable[[], float],
        bodies: Bodies,
        origins: Origins,
    ) -> None:
        self._desk: RegistrationDesk | None = services.registration_desk
        self._kept: Registrations | None = services.registrations
        self._snapshots = snapshots
        self._limit = limit
        self._clock = clock
        self._bodies = bodies
        self._origins = origins

    def routes(self) -> list[Route]:
        """Both. A key may hold slashes: those of base64."""
        return [
            Route("/store/{pubkey:path}", self.store, methods=["GET", "POST"]),
            Route("/registrations/{by}", self.registrations, methods=["GET"]),
        ]

    async def store(self, request: Request) -> Response:
        """Keeps a registration; 400 where something is wrong with it, 503 where it cannot be checked or kept now."""
        if request.method == "POST" and not self._origins.welcome(request.headers):
            return await self._refused(403, {"code": "forbidden", "error": "Pages of this origin may not store here."})
        try:
            given = await self._parameters(request)
        except RequestError as error:
            fault = {"code": _BAD_REQUEST, "error": error.message}
            return await self._refused(error.status, fault, headers=error.headers)
        except OverloadError as error:
            return await self._overloaded(error)
        if self._desk is None:
            return await self._database_away()
        try:
            self._limit.charge(client_of(request.scope), STORE)
        except RateLimitedError as error:
            return await self._too_many(error)
        texts = RegistrationTexts(
            pubkey=request.path_params["pubkey"],
            pubkey_bls=given.get("pubkey_bls"),
            sig_ed25519=given.get("sig_ed25519"),
            sig_bls=given.get("sig_bls"),
            operator=given.get("operator"),
            contract=given.get("contract") or None,
        )
        try:
            stored = await self._desk.store(texts, Spelling.HEX_OR_BASE64)
        except WorkersError as error:
            return await self._overloaded(error)
        except DatabaseUnavailableError:
            return await self._database_away()
        if stored.registration is None:
            return await self._refused(400, *map(_error, stored.errors))
        return await self._answer({"success": True, "registration": _stored(stored.registration)})

    async def registrations(self, request: Request) -> Response:
        """Those of a node key, or of an operator, newest first."""
        by: str = request.path_params["by"]
        if self._kept is None:
            return await self._database_away()
        try:
            self._limit.charge(client_of(request.scope), LIST)
            found = await _look_up(self._kept, by)
        except InvalidKeyError as error:
            message = f"{error}; or an Ed25519 public key, 64 hex digits"
            return await self._refused(400, {"code": _BAD_REQUEST, "error": message, "field": "operator"})
        except RateLimitedError as error:
            return await self._too_many(error)
        except DatabaseUnavailableError:
            return await self._database_away()
        return await self._answer({"registrations": [_listed(registration) for registration in found.items]})

    async def _parameters(self, request: Request) -> Mapping[str, str]:
        """What query string and form say together; nothing may be said twice."""
        if request.method == "HEAD":
            raise RequestError(405, "A registration is stored by GET or POST.", {"allow": "GET, POST"})
        query = request.scope["query_string"]
        if len(query) > MAX_FORM_BYTES:
            raise RequestError(414, f"The query string is longer than {MAX_FORM_BYTES} bytes.")
        pairs = _decoded(query)
        if request.method == "POST":
            pairs += _decoded(await self._form(request))
        given = dict(pairs)
        if len(given) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise RequestError(400, f"`{twice[:40]}` is given more than once.")
        return given

    async def _form(self, request: Request) -> bytes:
        body = await self._bodies.read(request, MAX_FORM_BYTES)
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if body and media_type != _FORM:
            raise RequestError(415, f"The content type must be {_FORM}.", {"accept-post": _FORM})
        return body

    async def _answer(
        self, body: Mapping[str, object], *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        state = (await self._snapshots.current()).state
        network = None if state is None else network_summary(state.network)
        return json_reply({**body, "network": network, "t": self._clock()}, status=status, headers=headers)

    async def _refused(
        self, status: int, *errors: Mapping[str, object], headers: Mapping[str, str] | None = None
    ) -> Response:
        """The first fault as `error`, where the earlier service had its only one, and all of them as `errors`."""
        return await self._answer({"error": errors[0], "errors": errors}, status=status, headers=headers)

    async def _too_many(self, error: RateLimitedError) -> Response:
        return await self._refused(error.status, {"code": "rate_limited", "error": str(error)}, headers=error.headers)

    async def _overloaded(self, error: OverloadError | WorkersError) -> Response:
        retry = {"retry-after": str(error.retry_after)}
        return await self._refused(503, {"code": "overloaded", "error": str(error)}, headers=retry)

    async def _database_away(self) -> Response:
        error = {"code": "database_unavailable", "error": "The database does not answer: try again shortly."}
        return await self._refused(503, error, headers={"retry-after": str(DATABASE_RETRY_SECONDS)})


async def _look_up(kept: Registrations, by: str) -> Slice[Registration]:
    window = Window(first=MAX_LISTED)
    try:
        pubkey = ed25519_pubkey(by)
    except InvalidKeyError:
        return await kept.of_operator(user_eth_address(by), window)
    return await kept.of_pubkey(pubkey, window)


def _decoded(text: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise RequestError(
            400, f"The parameters are not a form in UTF-8 with at most {MAX_FIELDS} values, special signs escaped."
        ) from None


def _error(error: RegistrationError) -> Mapping[str, object]:
    message = error.message
    for ours, theirs in _FIELDS.items():
        message = message.replace(f"`{ours}`", f"`{theirs}`")
    told: dict[str, object] = {"code": _CODES.get(error.code, _BAD_REQUEST), "error": message}
    if error.code is RegistrationErrorCode.SIGNATURE:
        told |= {"error": "A signature or key is not valid", "detail": message}
    if error.field is not None:
        told["field"] = _FIELDS.get(error.field, error.field)
    return told


def _stored(registration: Registration) -> Mapping[str, object]:
    """Without a contract where there is none."""
    contract = {} if registration.contract is None else {"contract": registration.contract}
    return {
        "type": registration.kind.value,
        "operator": registration.operator,
        **contract,
        "pubkey_ed25519": registration.pubkey,
        "pubkey_bls": registration.pubkey_bls,
        "sig_ed25519": registration.sig_ed25519,
        "sig_bls": registration.sig_bls,
    }


def _listed(registration: Registration) -> Mapping[str, object]:
    """With an empty contract where there is none, and unix seconds."""
    return {
        **_stored(registration),
        "contract": registration.contract or "",
        "timestamp": registration.stored_at.timestamp(),
    }
