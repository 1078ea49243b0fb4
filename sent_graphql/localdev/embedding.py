"""The local network started for a service, and the service's settings turned towards it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from pydantic import SecretStr

from sent_graphql.errors import UnavailableError
from sent_graphql.localdev.network import LocalNetwork, LocalNetworkError
from sent_graphql.settings import Settings


@asynccontextmanager
async def embedded(settings: Settings, root: Path) -> AsyncIterator[Settings]:
    """Starts the local network on the socket of `settings`; ends it at the end. Yields the settings to serve by.

    Each start is a new chain, so what is kept of it ends with it. Raises UnavailableError when it does not start, or
    when one of its processes ends.
    """
    log = structlog.get_logger()
    socket_path = root / settings.oxend.endpoints[0].removeprefix("ipc://")
    network = LocalNetwork(
        settings.local, socket_path=socket_path, on_progress=lambda text: log.info("local network", step=text)
    )
    try:
        with tempfile.TemporaryDirectory(prefix="sent-graphql-") as state_directory:
            async with network, asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(network.watch())
                yield _turned_towards(network, settings, state_directory)
                watching.cancel()
    except* LocalNetworkError as errors:
        raise UnavailableError(str(errors.exceptions[0])) from None


def _turned_towards(network: LocalNetwork, settings: Settings, state_directory: str) -> Settings:
    addresses = network.addresses
    contracts = settings.contracts.model_copy(
        update={
            "rpc_urls": (SecretStr(network.rpc_url),),
            "service_node_rewards": addresses.service_node_rewards,
            "contribution_factory": addresses.contribution_factory,
            "reward_rate_pool": addresses.reward_rate_pool,
            "token": addresses.token,
            "multicall": network.multicall,
            "deployment_block": network.deployment_block,
        }
    )
    return settings.model_copy(
        update={
            "contracts": contracts,
            "network": settings.network.model_copy(
                update={"block_seconds": max(1, round(settings.local.block_seconds))}
            ),
            "oxend": settings.oxend.model_copy(update={"endpoints": (network.oxend_endpoint,)}),
            "cache": settings.cache.model_copy(update={"state_directory": state_directory}),
        }
    )
