"""`/store` and `/registrations` in the shapes that operators' tools know."""

import base64
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from msgspec import structs
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from sent_graphql.http.bodies import Bodies
from sent_graphql.http.info import network_summary
from sent_graphql.http.origins import Origins
from sent_graphql.http.rate_limit import RateLimit
from sent_graphql.http.registrations import MAX_FORM_BYTES, MAX_LISTED, RegistrationRoutes
from sent_graphql.http.replies import on_http_exception
from sent_graphql.http.workload import Workload
from sent_graphql.models.pages import Slice, Window
from sent_graphql.models.proofs import RegistrationTexts, Spelling, StoredRegistration
from sent_graphql.models.registrations import Registration, RegistrationError, RegistrationKind
from sent_graphql.models.registrations import RegistrationErrorCode as Code
from sent_graphql.models.snapshot import Snapshot
from sent_graphql.resolvers.services import Services
from sent_graphql.settings import GraphqlSettings, HttpSettings, RateLimitSettings
from sent_graphql.sources.database.errors import DatabaseUnavailableError
from sent_graphql.workers.errors import WorkersBusyError

OPERATOR = "0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f"
CONTRACT = "0x5FC8d32690cc91D4c39d9d3abcBD16989F875707"
NOW = 1_720_677_228.877856
PUBKEY = "0a" * 32
SOLO = Registration(
    kind=RegistrationKind.SOLO,
    pubkey=PUBKEY,
    pubkey_bls="0b" * 64,
    sig_ed25519="0c" * 64,
    sig_bls="0d" * 128,
    operator=OPERATOR,
    contract=None,
    stored_at=datetime(2026, 1, 2, 3, 4, 5, 250_000, tzinfo=UTC),
)
SHARED = structs.replace(SOLO, kind=RegistrationKind.CONTRACT, contract=CONTRACT)
GIVEN = {"pubkey_bls": SOLO.pubkey_bls, "sig_ed25519": SOLO.sig_ed25519, "sig_bls": SOLO.sig_bls, "operator": OPERATOR}
OWN = Origins(["https://app.example"])
BODIES = Bodies(HttpSettings(max_awaited_bytes=2_000), Workload(GraphqlSettings()))
SHOWN = {"pubkey_ed25519": PUBKEY, **GIVEN, "type": "solo"}


class Desk:
    """Takes everything, or gives the outcome that the test has set."""

    def __init__(self) -> None:
        self.taken: list[tuple[RegistrationTexts, Spelling]] = []
        self.outcome: Registration | tuple[RegistrationError, ...] | Exception = SOLO

    async def store(self, texts: RegistrationTexts, spelling: Spelling = Spelling.HEX) -> StoredRegistration:
        self.taken.append((texts, spelling))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        if isinstance(self.outcome, tuple):
            return StoredRegistration(registration=None, errors=self.outcome, judged_by=())
        return StoredRegistration(registration=self.outcome, errors=(), judged_by=())


class Kept:
    """Two registrations under one key, and what was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Window]] = []
        self.error: Exception | None = None

    async def of_pubkey(self, pubkey: str, window: Window) -> Slice[Registration]:
        return self._found("pubkey", pubkey, window)

    async def of_operator(self, operator: str, window: Window) -> Slice[Registration]:
        return self._found("operator", operator, window)

    async def find(self, pubkey: str, kind: RegistrationKind) -> Registration | None:
        raise AssertionError

    def _found(self, by: str, value: str, window: Window) -> Slice[Registration]:
        self.asked.append((by, value, window))
        if self.error is not None:
            raise self.error
        return Slice((SHARED, SOLO), more_before=False, more_after=False)


class Held:
    """One snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    @property
    def newest(self) -> Snapshot:
        return self.snapshot

    async def current(self) -> Snapshot:
        return self.snapshot


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def reader(snapshot: Snapshot) -> Held:
    return Held(snapshot)


@pytest.fixture
async def rest(desk: Desk, kept: Kept, reader: Held) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the two routes."""
    services = Services(registrations=kept, registration_desk=desk)
    async with _client(services, reader) as client:
        yield client


def _client(services: Services, reader: Held, **limits: float) -> httpx.AsyncClient:
    limit = RateLimit(RateLimitSettings.model_validate(limits))
    routes = RegistrationRoutes(services, reader, limit, clock=lambda: NOW, bodies=BODIES, origins=OWN).routes()
    app = Starlette(routes=routes, exception_handlers={HTTPException: on_http_exception})
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service")


@pytest.fixture
def told(snapshot: Snapshot) -> Callable[[httpx.Response], Any]:
    """The body of an answer, less what stands in every one, which is checked here."""
    assert snapshot.state is not None
    network = network_summary(snapshot.state.network)

    def told(response: httpx.Response) -> Any:
        assert response.headers["content-type"] == "application/json"
        assert response.headers["cache-control"] == "no-store"
        assert "set-cookie" not in response.headers
        body = response.json()
        assert body.pop("network") == network
        assert body.pop("t") == NOW
        return body

    return told


# /store


async def test_a_registration_is_stored_by_get(rest: httpx.AsyncClient, desk: Desk, told: Callable[..., Any]) -> None:
    response = await rest.get(f"/store/{PUBKEY}", params=GIVEN)
    assert (response.status_code, told(response)) == (200, {"success": True, "registration": SHOWN})
    assert desk.taken == [(RegistrationTexts(pubkey=PUBKEY, **GIVEN), Spelling.HEX_OR_BASE64)]


async def test_a_registration_is_stored_by_a_form(
    rest: httpx.AsyncClient, desk: Desk, told: Callable[..., Any]
) -> None:
    desk.outcome = SHARED
    response = await rest.post(f"/store/{PUBKEY}", data=GIVEN | {"contract": CONTRACT})
    assert told(response) == {
        "success": True,
        "registration": SHOWN | {"type": "contract", "contract": CONTRACT},
    }
    assert desk.taken == [
        (RegistrationTexts(pubkey=PUBKEY, **GIVEN, contract=CONTRACT), Spelling.HEX_OR_BASE64),
    ]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://service.evil.example"])
async def test_forms_of_other_sites_pages_are_refused(
    rest: httpx.AsyncClient, desk: Desk, told: Callable[..., Any], origin: str
) -> None:
    response = await rest.post(f"/store/{PUBKEY}", data=GIVEN, headers={"origin": origin})
    error = {"code": "forbidden", "error": "Pages of this origin may not store here."}
    assert (response.status_code, told(response)) == (403, {"error": error, "errors": [error]})
    assert desk.taken == []
    for welcome in ("http://service", "https://app.example"):
        response = await rest.post(f"/store/{PUBKEY}", data=GIVEN, headers={"origin": welcome})
        assert response.status_code == 200
    assert len(desk.taken) == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_who_stores_too_often_is_asked_to_wait(
    desk: Desk, kept: Kept, reader: Held, told: Callable[..., Any], method: str
) -> None:
    services = Services(registrations=kept, registration_desk=desk)
    async with _client(services, reader, dear_burst=2, dear_per_second=0.01) as client:
        for _ in range(2):
            assert (await client.request(method, f"/store/{PUBKEY}", params=GIVEN)).status_code == 200
        response = await client.request(method, f"/store/{PUBKEY}", params=GIVEN)
        assert response.status_code == 429
        assert int(response.headers["retry-after"]) > 0
        assert told(response)["error"]["code"] == "rate_limited"
        assert len(desk.taken) == 2
        assert (await client.get(f"/registrations/{PUBKEY}")).status_code == 200


async def test_a_post_may_say_it_in_the_query_or_in_both(rest: httpx.AsyncClient, desk: Desk) -> None:
    operator = {"operator": GIVEN["operator"]}
    rest_of_it = {name: value for name, value in GIVEN.items() if name != "operator"}
    assert (await rest.post(f"/store/{PUBKEY}", params=GIVEN)).status_code == 200
    assert (await rest.post(f"/store/{PUBKEY}", params=operator, data=rest_of_it)).status_code == 200
    assert desk.taken[0] == desk.taken[1]


async def test_base64_comes_through_path_and_query_as_it_was_written(rest: httpx.AsyncClient, desk: Desk) -> None:
    text = base64.b64encode(b"\xfb\xff" * 16).decode()
    assert "/" in text
    assert "+" in text
    await rest.get(f"/store/{text}", params=GIVEN | {"sig_bls": text})
    await rest.get(f"/store/{text.replace('/', '%2F').replace('+', '%2B')}", params=GIVEN | {"sig_bls": text})
    assert [(texts.pubkey, texts.sig_bls) for texts, _ in desk.taken] == [(text, text)] * 2


async def test_an_empty_contract_is_none(rest: httpx.AsyncClient, desk: Desk) -> None:
    await rest.get(f"/store/{PUBKEY}", params=GIVEN | {"contract": ""})
    assert desk.taken[0][0].contract is None


async def test_what_is_missing_is_left_to_be_told(rest: httpx.AsyncClient, desk: Desk) -> None:
    await rest.get(f"/store/{PUBKEY}")
    assert desk.taken[0][0] == RegistrationTexts(
        pubkey=PUBKEY, pubkey_bls=None, sig_ed25519=None, sig_bls=None, operator=None
    )


async def test_all_that_is_wrong_is_told_in_the_words_of_the_route(
    rest: httpx.AsyncClient, desk: Desk, told: Callable[..., Any]
) -> None:
    desk.outcome = (
        RegistrationError(code=Code.BAD_REQUEST, message="`pubkeyBls` is missing", field="pubkeyBls"),
        RegistrationError(code=Code.SIGNATURE, message="`sigEd25519` is forged", field="sigEd25519"),
        RegistrationError(code=Code.INVALID_OPERATOR_ADDRESS, message="`operator`: no", field="operator", address="x"),
        RegistrationError(code=Code.INVALID_CONTRACT_ADDRESS, message="`contract`: no", field="contract"),
    )
    response = await rest.get(f"/store/{PUBKEY}", params=GIVEN)
    errors = [
        {"code": "bad_request", "error": "`pubkey_bls` is missing", "field": "pubkey_bls"},
        {
            "code": "signature",
            "error": "A signature or key is not valid",
            "detail": "`sig_ed25519` is forged",
            "field": "sig_ed25519",
        },
        {"code": "invalid_op_addr", "error": "`operator`: no", "field": "operator"},
        {"code": "invalid_contract_addr", "error": "`contract`: no", "field": "contract"},
    ]
    assert (response.status_code, told(response)) == (400, {"error": errors[0], "errors": errors})


async def test_too_many_checks_at_once_are_told_with_when_to_come_back(
    rest: httpx.AsyncClient, desk: Desk, told: Callable[..., Any]
) -> None:
    desk.outcome = WorkersBusyError("33 are waiting", retry_after=17)
    response = await rest.get(f"/store/{PUBKEY}", params=GIVEN)
    assert (response.status_code, response.headers["retry-after"]) == (503, "17")
    assert told(response)["error"] == {"code": "overloaded", "error": "33 are waiting"}


@pytest.mark.parametrize("path", [f"/store/{PUBKEY}", f"/registrations/{PUBKEY}"])
async def test_a_database_that_is_away_is_told(
    path: str, rest: httpx.AsyncClient, desk: Desk, kept: Kept, told: Callable[..., Any]
) -> None:
    desk.outcome = kept.error = DatabaseUnavailableError("postgresql://secret")
    response = await rest.get(path, params=GIVEN)
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert told(response)["error"]["code"] == "database_unavailable"
    assert "secret" not in response.text


@pytest.mark.parametrize("path", [f"/store/{PUBKEY}", f"/registrations/{PUBKEY}"])
async def test_a_service_without_a_database_says_the_same(path: str, reader: Held, told: Callable[..., Any]) -> None:
    async with _client(Services(), reader) as client:
        response = await client.get(path)
    assert (response.status_code, told(response)["error"]["code"]) == (503, "database_unavailable")


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (400, {"method": "GET", "params": [("operator", "a"), ("operator", "b")]}),
        (400, {"method": "POST", "params": {"operator": "a"}, "data": {"operator": "b"}}),
        (400, {"method": "GET", "params": {str(number): "1" for number in range(40)}}),
        (400, {"method": "GET", "params": b"operator=%ff"}),
        (414, {"method": "GET", "params": {"operator": "a" * MAX_FORM_BYTES}}),
        (413, {"method": "POST", "data": {"operator": "a" * MAX_FORM_BYTES}}),
        (415, {"method": "POST", "json": GIVEN}),
        (415, {"method": "POST", "files": {"operator": b"a"}}),
        (415, {"method": "POST", "data": GIVEN, "headers": {"content-encoding": "gzip"}}),
        (405, {"method": "HEAD", "params": GIVEN}),
    ],
)
async def test_a_request_that_is_none_is_refused_and_stores_nothing(
    status: int, request_: dict[str, Any], rest: httpx.AsyncClient, desk: Desk, told: Callable[..., Any]
) -> None:
    if isinstance(request_.get("params"), bytes):
        response = await rest.get(f"/store/{PUBKEY}?{request_['params'].decode()}")
    else:
        response = await rest.request(url=f"/store/{PUBKEY}", **request_)
    assert response.status_code == status
    if request_["method"] != "HEAD":
        assert told(response)["error"]["code"] == "bad_request"
    assert desk.taken == []


async def test_a_form_for_which_there_is_no_room_is_503(
    rest: httpx.AsyncClient, desk: Desk, told: Callable[..., Any]
) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    response = await rest.post(f"/store/{PUBKEY}", content=b"operator=" + b"a" * 3_000, headers=form)
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert told(response)["error"]["code"] == "overloaded"
    assert desk.taken == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_are_not_served(method: str, rest: httpx.AsyncClient, desk: Desk) -> None:
    response = await rest.request(method, f"/store/{PUBKEY}", params=GIVEN)
    assert (response.status_code, response.headers["content-type"]) == (405, "application/json")
    assert desk.taken == []


# /registrations


@pytest.mark.parametrize("by", [PUBKEY, "0x" + PUBKEY.upper()])
async def test_registrations_of_a_key_are_listed(
    by: str, rest: httpx.AsyncClient, kept: Kept, told: Callable[..., Any]
) -> None:
    response = await rest.get(f"/registrations/{by}")
    timestamp = {"timestamp": 1_767_323_045.25}
    assert (response.status_code, told(response)) == (
        200,
        {
            "registrations": [
                SHOWN | timestamp | {"type": "contract", "contract": CONTRACT},
                SHOWN | timestamp | {"contract": ""},
            ]
        },
    )
    assert kept.asked == [("pubkey", PUBKEY, Window(first=MAX_LISTED))]


@pytest.mark.parametrize("by", [OPERATOR, OPERATOR.lower(), OPERATOR[2:]])
async def test_registrations_of_an_operator_are_found_by_any_spelling(
    by: str, rest: httpx.AsyncClient, kept: Kept
) -> None:
    assert (await rest.get(f"/registrations/{by}")).status_code == 200
    assert kept.asked == [("operator", OPERATOR, Window(first=MAX_LISTED))]


@pytest.mark.parametrize("by", ["abc", OPERATOR.replace("E8f", "e8f"), "L" + "a" * 94])
async def test_what_is_neither_key_nor_operator_is_refused(
    by: str, rest: httpx.AsyncClient, kept: Kept, told: Callable[..., Any]
) -> None:
    response = await rest.get(f"/registrations/{by}")
    assert (response.status_code, told(response)["error"]["code"]) == (400, "bad_request")
    assert kept.asked == []


async def test_before_the_network_is_read_its_place_is_empty(
    rest: httpx.AsyncClient, reader: Held, before_first: Snapshot
) -> None:
    reader.snapshot = before_first
    body = (await rest.get(f"/registrations/{PUBKEY}")).json()
    assert (body["network"], body["t"], len(body["registrations"])) == (None, NOW, 2)
