"""The block in which a contract came to be."""

import structlog

from sent_graphql.sources.contracts.errors import HistoryPrunedError, RpcMalformedReplyError, RpcRefusedError
from sent_graphql.sources.contracts.rpc import JsonRpc
from sent_graphql.sources.contracts.transports import Request
from sent_graphql.sources.errors import SourceError


class DeploymentUnknownError(SourceError):
    """The deployment block cannot be found and must be set."""


def code_request(address: str, block: int | None) -> Request:
    """Asks for the code at `address` as of `block` (None: now)."""
    return "eth_getCode", [address, "latest" if block is None else hex(block)]


def has_code(reply: object) -> bool:
    """Whether an answer to `code_request` shows a contract; raises the refusal if it is one."""
    if isinstance(reply, RpcRefusedError):
        raise reply
    if not isinstance(reply, str) or not reply.startswith("0x"):
        raise RpcMalformedReplyError("eth_getCode: hex with 0x is wanted as the result")
    return len(reply) > len("0x")


async def find_deployment(rpc: JsonRpc, address: str, head: int) -> int:
    """The first block with code at `address`, by bisection; `head`: a block that has it.

    One request for each halving (some thirty on a long chain). Raises DeploymentUnknownError where the provider has
    forgotten the state of old blocks.
    """
    log = structlog.get_logger(__name__)
    log.info("deployment block looked for", address=address)
    without, within = -1, head
    while within - without > 1:
        middle = (without + within) // 2
        try:
            found = has_code(await rpc.request(*code_request(address, middle)))
        except HistoryPrunedError as error:
            raise DeploymentUnknownError(
                f"past events are not read: the endpoint keeps no state of block {middle}, so that the deployment "
                f"block cannot be found; set contracts.deployment_block ({error})"
            ) from error
        if found:
            within = middle
        else:
            without = middle
    log.info("deployment block found", block=within, advice="set contracts.deployment_block to it")
    return within
