"""What the L2's provider can do to the running service: it tells what is wrong, shows nothing of it, and recovers."""

import asyncio
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from sent_graphql.bls import SecretKey
from sent_graphql.localdev.deployment import STAKING_REQUIREMENT

STALE = {"stale_after": "1.5"}
POSTS_A_POLL = 3
"""Most POSTs that one failed poll may cost: a storm must not be answered by one."""

ANOTHER_CHAIN = 31338


def throttled(_body: Any) -> web.Response:
    return web.Response(status=429, headers={"Retry-After": "0"}, text="slow down")


def throttled_in_json(body: Any) -> web.Response:
    error = {"code": -32005, "message": "daily request count exceeded, request rate limited"}
    items = body if isinstance(body, list) else [body]
    replies = [{"jsonrpc": "2.0", "id": item["id"], "error": error} for item in items]
    return web.json_response(replies if isinstance(body, list) else replies[0])


def broken(_body: Any) -> web.Response:
    return web.Response(status=502, content_type="text/html", text="<html>Bad Gateway</html>")


def cut(_body: Any) -> web.Response:
    return web.Response(content_type="application/json", text='[{"jsonrpc":"2.0","id":1,"resu')


def others(body: Any) -> web.Response:
    items = body if isinstance(body, list) else [body]
    replies = [{"jsonrpc": "2.0", "id": 10**9 + place, "result": "0x1"} for place, _ in enumerate(items)]
    return web.json_response(replies if isinstance(body, list) else replies[0])


async def silent(_body: Any) -> web.Response:
    await asyncio.sleep(3600)
    raise AssertionError("the service waits for ever")


async def test_storms_faults_and_silence_leave_stale_data_that_say_so(faulty: Any, provider: Any, watch: Any) -> None:
    service = await faulty.serve(environ={"SENT_CONTRACTS__REQUEST_TIMEOUT": "1"}, **STALE)
    await watch.well(service)
    shown = await service.query(watch.shown)
    for fault, words in (
        (throttled, "429"),
        (throttled_in_json, "rate limited"),
        (broken, "502"),
        (cut, "not JSON"),
        (others, "id"),
        (silent, "within 1 s"),
    ):
        provider.fault = fault
        data = await watch.fails(service, "CONTRACTS", words)
        assert watch.source(data, "OXEND")["healthy"]
        await watch.stale(service)
        assert await service.query(watch.shown) == shown
        provider.fault = None
        await watch.well(service)
    watch.unharmed(service)


async def test_a_storm_of_refusals_is_answered_by_patience(faulty: Any, provider: Any, watch: Any) -> None:
    service = await faulty.serve()
    await watch.well(service)
    provider.fault = throttled
    await watch.fails(service, "CONTRACTS", "429")
    posts, polls = provider.posts, failures(service)
    while failures(service) < polls + 4:
        await service.query(watch.shown)
    assert provider.posts - posts <= POSTS_A_POLL * (failures(service) - polls + 1)


def failures(service: Any) -> int:
    """Polls of the contracts that have failed, as the log tells."""
    return sum('"a poll failed"' in line and '"contracts"' in line for line in service.log)


async def test_a_provider_that_turns_to_another_chain_is_told_and_what_was_read_is_kept(
    faulty: Any, provider: Any, watch: Any
) -> None:
    service = await faulty.serve()
    before = await watch.well(service)
    shown = await service.query(watch.shown)

    def of_another_chain(request: Any, answer: Any) -> Any:
        if request["method"] == "eth_chainId":
            return watch.given(request, hex(ANOTHER_CHAIN))
        if request["method"] == "eth_getBlockByNumber" and answer["result"]:
            return watch.given(request, answer["result"] | {"hash": "0x" + answer["result"]["hash"][:1:-1]})
        return None

    provider.lie = of_another_chain
    data = await watch.fails(service, "CONTRACTS", f"serves chain {ANOTHER_CHAIN}")
    assert watch.source(data, "CONTRACTS")["height"] == watch.source(before, "CONTRACTS")["height"]
    assert await service.query(watch.shown) == shown
    provider.lie = None
    await watch.well(service)
    await service.until(
        watch.meta, lambda data: watch.source(data, "CONTRACTS")["scan"] == {"complete": True, "error": None}
    )
    assert not any("events forgotten" in line for line in service.log)
    watch.unharmed(service)


async def test_a_provider_of_another_chain_refuses_the_start(faulty: Any, provider: Any, watch: Any) -> None:
    provider.lie = lambda request, _: (
        watch.given(request, hex(ANOTHER_CHAIN)) if request["method"] == "eth_chainId" else None
    )
    service = await faulty.launch()
    assert await service.ended() == 78
    assert f"serves chain {ANOTHER_CHAIN}" in "".join(service.log)


async def test_a_block_that_is_another_at_every_look_is_no_data(faulty: Any, provider: Any, watch: Any) -> None:
    service = await faulty.serve(**STALE)
    await watch.well(service)
    shown = await service.query(watch.shown)
    looks = iter(range(1, 10**6))

    def ever_new(request: Any, answer: Any) -> Any:
        if request["method"] == "eth_getBlockByNumber" and answer["result"]:
            return watch.given(request, answer["result"] | {"hash": f"0x{next(looks):064x}"})
        return None

    provider.lie = ever_new
    await watch.stale(service)
    await watch.fails(service, "CONTRACTS", "reorganised")
    assert await service.query(watch.shown) == shown
    provider.lie = None
    await watch.well(service)
    watch.unharmed(service)


async def test_a_provider_that_lags_is_left_for_one_that_does_not(
    faulty: Any, provider: Any, make_provider: Any, watch: Any, chain: Any
) -> None:
    other = await make_provider().open()
    service = await faulty.serve(environ={"SENT_CONTRACTS__RPC_URLS": f"{provider.url},{other.url}"})
    await watch.well(service)
    old = await provider.ask("eth_getBlockByNumber", "latest", False)
    await chain.mine(3)
    newest = int(old["number"], 16) + 3
    await service.until(watch.shown, lambda data: data["network"]["l2Height"] == str(newest))

    def behind(request: Any, _answer: Any) -> Any:
        latest = request["method"] == "eth_getBlockByNumber" and request["params"][0] == "latest"
        return watch.given(request, old) if latest else None

    provider.lie = behind
    await chain.mine(2)
    await service.until(watch.shown, lambda data: data["network"]["l2Height"] == str(newest + 2))
    await watch.well(service)
    watch.unharmed(service)
    await other.shut()


async def test_pruned_history_stops_the_scan_alone_and_says_so(faulty: Any, provider: Any, watch: Any) -> None:
    pruned = 10

    def forgetful(request: Any, _answer: Any) -> Any:
        if request["method"] == "eth_getLogs" and int(request["params"][0]["fromBlock"], 16) < pruned:
            return watch.refused(request, 4444, "pruned history unavailable")
        return None

    provider.lie = forgetful
    service = await faulty.serve(environ={"SENT_CONTRACTS__DEPLOYMENT_BLOCK": "1"})
    data = await service.until(
        watch.meta, lambda data: (watch.source(data, "CONTRACTS")["scan"] or {"error": None})["error"] is not None
    )
    assert "pruned" in watch.source(data, "CONTRACTS")["scan"]["error"]
    assert not watch.source(data, "CONTRACTS")["scan"]["complete"]
    await watch.well(service)
    await service.query(watch.shown)

    provider.lie = None
    await service.until(
        watch.meta,
        lambda data: watch.source(data, "CONTRACTS")["scan"] == {"complete": True, "error": None},
    )
    watch.unharmed(service)


@pytest.mark.parametrize("words", ["query returned more than 10000 results", "block range is too large", "no"])
async def test_ranges_that_the_provider_refuses_are_asked_for_in_pieces(
    faulty: Any, provider: Any, watch: Any, chain: Any, words: str
) -> None:
    most = 4

    def stingy(request: Any, _answer: Any) -> Any:
        if request["method"] != "eth_getLogs":
            return None
        first, last = (int(request["params"][0][name], 16) for name in ("fromBlock", "toBlock"))
        return watch.refused(request, -32000, words) if last - first >= most else None

    provider.lie = stingy
    service = await faulty.serve()
    complete = {"complete": True, "error": None}
    await service.until(watch.meta, lambda data: watch.source(data, "CONTRACTS")["scan"] == complete)
    await chain.mine(3 * most)
    height = str(await chain.block_number())
    await service.until(watch.shown, lambda data: data["network"]["l2Height"] == height)
    await service.until(watch.meta, lambda data: watch.source(data, "CONTRACTS")["scan"] == complete)
    await watch.well(service)
    watch.unharmed(service)


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.file = directory / "authority.pem"
        self._key = directory / "authority.key"
        self._run("req", "-x509", *_NEW_KEY, "-keyout", self._key, "-out", self.file, "-subj", "/CN=authority")

    def trusted(self) -> ssl.SSLContext:
        """For a server that its authority vouches for."""
        request, key, file = (self._directory / name for name in ("request.pem", "server.key", "server.pem"))
        names = self._directory / "names"
        names.write_text("subjectAltName=IP:127.0.0.1")
        self._run("req", *_NEW_KEY, "-keyout", key, "-out", request, "-subj", "/CN=127.0.0.1")
        signing = ("-CA", self.file, "-CAkey", self._key, "-CAcreateserial", "-extfile", names)
        self._run("x509", "-req", "-in", request, "-out", file, *signing)
        return _server_context(file, key)

    def unknown(self) -> ssl.SSLContext:
        """For a server that nobody vouches for."""
        key, file = self._directory / "unknown.key", self._directory / "unknown.pem"
        name = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
        self._run("req", "-x509", *_NEW_KEY, "-keyout", key, "-out", file, *name)
        return _server_context(file, key)

    def _run(self, *arguments: object) -> None:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def _server_context(file: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    try:
        return Authority(tmp_path)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")


async def test_a_certificate_that_nobody_vouches_for_is_not_spoken_to(
    faulty: Any, make_provider: Any, watch: Any, authority: Authority
) -> None:
    server = await make_provider(authority.trusted()).open()
    faulty.gate = server
    service = await faulty.serve(environ={"SSL_CERT_FILE": str(authority.file)}, **STALE)
    await watch.well(service)
    shown = await service.query(watch.shown)
    await server.shut()
    server.context, server.posts = authority.unknown(), 0
    await server.open()
    await watch.fails(service, "CONTRACTS", "the TLS connection failed")
    await watch.stale(service)
    assert server.posts == 0
    assert await service.query(watch.shown) == shown
    await server.shut()
    server.context = authority.trusted()
    await server.open()
    await watch.well(service)
    watch.unharmed(service)
    await server.shut()


LIFE = 0xABCD
PROOF = (1, 2, 3, 4)
GAS = 20_000_000
LEFT_OUT = f"""{{ meta {{ sources {{ name healthy scan {{ complete error }} }} }}
  serviceNode(by: {{pubkey: "{LIFE:064x}"}}) {{ state operatorFee leaving exit {{ kind }} }}
  events(first: 500) {{ nodes {{ id kind blockNumber contractId }} }} }}"""


async def registered(chain: Any, deployment: Any) -> int:
    """A node of one wallet; gives its contract id."""
    operator = deployment.wallets[0]
    key = SecretKey(LIFE).public_key()
    arguments: Any = ((key.x, key.y), PROOF, (LIFE, 5, 6, 700), [((operator, operator), STAKING_REQUIREMENT)])
    await chain.send(deployment.rewards, "addBLSPublicKey", *arguments, sender=operator, gas=GAS)
    return int(await chain.call(deployment.rewards, "ed25519ToServiceNodeID", LIFE))


async def removed(chain: Any, deployment: Any) -> None:
    """The same node exits."""
    key = SecretKey(LIFE).public_key()
    await chain.increase_time(3 * 3_600)
    signed: Any = ((key.x, key.y), await chain.timestamp(), PROOF, [])
    sender = deployment.wallets[0]
    await chain.send(deployment.rewards, "exitBLSPublicKeyWithSignature", *signed, sender=sender, gas=GAS)


def without_logs(watch: Any) -> Any:
    """The lie of an endpoint whose index of logs is empty."""
    return lambda request, _: watch.given(request, []) if request["method"] == "eth_getLogs" else None


async def test_registrations_and_exits_that_the_provider_leaves_out_are_noticed_told_and_mended(
    faulty: Any, provider: Any, watch: Any, chain: Any
) -> None:
    service = await faulty.serve()
    await watch.well(service)
    provider.lie = without_logs(watch)
    contract_id = await registered(chain, faulty.deployment)

    def is_told(words: str) -> Any:
        def check(data: Any) -> bool:
            scan = watch.source(data, "CONTRACTS")["scan"]
            return words in (scan["error"] or "") and not scan["complete"]

        return check

    data = await service.until(LEFT_OUT, is_told(f"the registration of node {contract_id}"))
    # The contract's own list shows it all the same.
    assert data["serviceNode"]["state"] == "REGISTERING"
    provider.lie = None
    data = await service.until(LEFT_OUT, lambda data: watch.source(data, "CONTRACTS")["scan"]["complete"])
    assert data["serviceNode"]["operatorFee"] == 700
    assert kinds(data, contract_id) == ["NEW_SERVICE_NODE"]

    provider.lie = without_logs(watch)
    await removed(chain, faulty.deployment)
    await service.until(LEFT_OUT, is_told(f"the exit of node {contract_id}"))
    provider.lie = None
    data = await service.until(LEFT_OUT, lambda data: watch.source(data, "CONTRACTS")["scan"]["complete"])
    assert data["serviceNode"]["exit"] == {"kind": "EXITED"}
    assert kinds(data, contract_id) == ["SERVICE_NODE_EXIT", "NEW_SERVICE_NODE"]
    ids = [event["id"] for event in data["events"]["nodes"]]
    assert len(ids) == len(set(ids))
    watch.unharmed(service)


def kinds(data: Any, contract_id: int) -> list[str]:
    return [event["kind"] for event in data["events"]["nodes"] if event["contractId"] == contract_id]


async def test_a_change_that_the_provider_leaves_out_is_shown_once_all_is_read_anew(
    faulty: Any, provider: Any, watch: Any, chain: Any
) -> None:
    service = await faulty.serve(environ={"SENT_CONTRACTS__REREAD_INTERVAL": "1"})
    contract_id = await registered(chain, faulty.deployment)
    await service.until(LEFT_OUT, lambda data: data["serviceNode"] is not None)
    provider.lie = without_logs(watch)
    await chain.send(
        faulty.deployment.rewards,
        "initiateExitBLSPublicKey",
        contract_id,
        sender=faulty.deployment.wallets[0],
        gas=GAS,
    )
    await service.until(LEFT_OUT, lambda data: data["serviceNode"]["leaving"])
    assert any("changes that no event told" in line for line in service.log)
    watch.unharmed(service)
