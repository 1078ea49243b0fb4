"""The two requests for signatures over a real socket: what is sent, and a reply that never comes."""

import json
from collections.abc import Awaitable, Callable

import pytest

from sent_graphql.localdev.omq_server import Handler, OmqServer
from sent_graphql.sources.oxend.calls import OxendRpc
from sent_graphql.sources.oxend.errors import OxendTimeoutError, OxendUpstreamError
from sent_graphql.sources.oxend.transport import OxendTransport

Serve = Callable[[dict[str, Handler]], Awaitable[OmqServer]]
Connect = Callable[..., Awaitable[OxendTransport]]


@pytest.fixture
def requests() -> list[object]:
    """What the server was asked."""
    return []


@pytest.fixture
def noting(requests: list[object]) -> Callable[[tuple[bytes, bytes] | None], Handler]:
    """A handler that notes the request and gives that answer, or none."""

    def make(answer: tuple[bytes, bytes] | None) -> Handler:
        async def handler(body: bytes | None) -> tuple[bytes, bytes] | None:
            requests.append(json.loads(body or b"{}"))
            return answer

        return handler

    return make


async def test_a_rewards_request_names_the_address_alone(
    serve: Serve,
    connect: Connect,
    recorded: Callable[[str], bytes],
    noting: Callable[..., Handler],
    requests: list[object],
) -> None:
    server = await serve({"rpc.bls_rewards_request": noting((b"200", recorded("rpc.bls_rewards_request")))})
    rpc = OxendRpc(await connect(server.endpoint))
    reply = await rpc.bls_rewards_request("0x01010101010101010101010101010101010101a1", timeout=20)
    assert requests == [{"address": "0x01010101010101010101010101010101010101a1"}]
    assert (reply.amount, reply.height, reply.non_signer_indices) == (29251418291, 5312, (10, 11))


@pytest.mark.parametrize("liquidate", [False, True])
async def test_a_removal_request_names_node_and_kind(
    *,
    serve: Serve,
    connect: Connect,
    recorded: Callable[[str], bytes],
    noting: Callable[..., Handler],
    requests: list[object],
    liquidate: bool,
) -> None:
    name = "rpc.bls_exit_liquidation_request"
    server = await serve({name: noting((b"200", recorded(f"{name}.liquidate" if liquidate else name)))})
    rpc = OxendRpc(await connect(server.endpoint))
    reply = await rpc.bls_exit_liquidation_request("ab" * 32, liquidate=liquidate, timeout=20)
    assert requests == [{"pubkey": "ab" * 32, "liquidate": liquidate}]
    assert (reply.timestamp, reply.non_signer_indices) == (1795355331, (9, 10, 11, 12))


async def test_a_reply_that_never_comes_ends_with_the_calls_own_limit(
    serve: Serve, connect: Connect, noting: Callable[..., Handler], requests: list[object]
) -> None:
    server = await serve({"rpc.bls_exit_liquidation_request": noting(None)})
    rpc = OxendRpc(await connect(server.endpoint, request_timeout=600))
    with pytest.raises(OxendTimeoutError):
        await rpc.bls_exit_liquidation_request("ab" * 32, liquidate=False, timeout=0.2)
    assert len(requests) == 1, "it is not asked again"


async def test_a_refusal_comes_in_oxends_words(
    serve: Serve, connect: Connect, recorded: Callable[[str], bytes], noting: Callable[..., Handler]
) -> None:
    words = recorded("rpc.bls_exit_liquidation_request.not-exited.err")
    server = await serve({"rpc.bls_exit_liquidation_request": noting((b"500", words))})
    rpc = OxendRpc(await connect(server.endpoint))
    with pytest.raises(OxendUpstreamError, match="recently exited nodes"):
        await rpc.bls_exit_liquidation_request("ab" * 32, liquidate=False, timeout=20)
