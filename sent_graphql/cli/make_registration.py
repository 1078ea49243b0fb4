"""Makes a node's keys from a seed and signs a registration with them, for tests and for local play."""

import asyncio
import json
import shlex
from typing import Final
from urllib.parse import urlencode

import aiohttp
import typer
from eth_utils.crypto import keccak
from msgspec import Struct
from nacl.signing import SigningKey

from sent_graphql.bls import SecretKey, SigningDomain
from sent_graphql.bls.points import GROUP_ORDER
from sent_graphql.errors import UnavailableError
from sent_graphql.models.keys import ZERO_ADDRESS, InvalidKeyError, user_eth_address
from sent_graphql.models.proofs import SignedKeys
from sent_graphql.models.registrations import RegistrationKind
from sent_graphql.settings import HttpSettings, Settings

ASK_SECONDS: Final = 10.0
"""Longest wait for the service that is asked which contract it serves."""

_QUESTION: Final = "{ network { chainId contracts { serviceNodeRewards } } }"
_MUTATION: Final = (
    "mutation ($input: StoreRegistrationInput!) { storeRegistration(input: $input) "
    "{ registration { id kind storedAt } errors { code field message } judgedBy } }"
)


class Target(Struct, frozen=True):
    """The contract that a proof of possession is for."""

    chain_id: int
    rewards_contract: str


def make_registration(
    settings: Settings,
    *,
    seed: str,
    operator: str,
    contract: str | None,
    chain_id: int | None,
    rewards_contract: str | None,
    url: str | None,
) -> str:
    """JSON with the registration, ready to be stored by GraphQL and by curl. Raises UnavailableError."""
    operator = _address(operator, "--operator")
    contract = None if contract is None else _address(contract, "--contract")
    # `serve` names the address of the API: it will do as well.
    base = (url or base_url(settings.http)).rstrip("/").removesuffix("/graphql")
    target = _target(settings, chain_id, rewards_contract, ask=None if url is None else base, otherwise=base)
    keys = signed_keys(seed, operator, target)
    return json.dumps(_document(keys, contract, target, base), indent=2)


def signed_keys(seed: str, operator: str, target: Target) -> SignedKeys:
    """The keys of `seed`, always the same, and their signatures. `operator` is canonical."""
    signing_key = SigningKey(keccak(text=f"registration ed25519 {seed}"))
    secret = SecretKey(int.from_bytes(keccak(text=f"registration bls {seed}"), "big") % (GROUP_ORDER - 1) + 1)
    pubkey, bls_key = signing_key.verify_key.encode(), secret.public_key()
    domain = SigningDomain(target.chain_id, target.rewards_contract)
    proof = domain.proof_of_possession(bls_key, operator, pubkey.hex())
    return SignedKeys(
        pubkey=pubkey.hex(),
        pubkey_bls=bls_key.hex,
        sig_ed25519=signing_key.sign(pubkey + bytes(bls_key)).signature.hex(),
        sig_bls=secret.sign(proof, domain.hash_tag).hex,
        operator=operator,
    )


def base_url(settings: HttpSettings) -> str:
    """Where a service of these settings answers on this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - recognised
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def _target(
    settings: Settings, chain_id: int | None, rewards_contract: str | None, *, ask: str | None, otherwise: str
) -> Target:
    """What the options say; else what the service at `ask` says, the settings, or the service at `otherwise`."""
    if rewards_contract is not None:
        contract = _address(rewards_contract, "--rewards-contract")
        return Target(chain_id or settings.network.chain_id, contract)
    if ask is not None or settings.contracts.service_node_rewards is None:
        served = asyncio.run(_served_target(ask or otherwise))
        return Target(chain_id or served.chain_id, served.rewards_contract)
    return Target(chain_id or settings.network.chain_id, settings.contracts.service_node_rewards)


async def _served_target(url: str) -> Target:
    """What the service at `url` serves."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(ASK_SECONDS)) as session,
            session.post(f"{url}/graphql", json={"query": _QUESTION}) as response,
        ):
            network = (await response.json())["data"]["network"]
            return Target(int(network["chainId"]), network["contracts"]["serviceNodeRewards"])
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
        raise UnavailableError(
            f"the rewards contract is not known, and {url} did not tell it ({type(error).__name__}). Start the service "
            "with `sent-graphql serve` and wait until it is ready, give its --url, or give --rewards-contract."
        ) from None


def _document(keys: SignedKeys, contract: str | None, target: Target, base: str) -> dict[str, object]:
    given = {
        "pubkey": keys.pubkey,
        "pubkeyBls": keys.pubkey_bls,
        "sigEd25519": keys.sig_ed25519,
        "sigBls": keys.sig_bls,
        "operator": keys.operator,
    }
    kind = RegistrationKind.SOLO
    if contract is not None:
        kind = RegistrationKind.CONTRACT
        given["contract"] = contract
    return {
        "kind": kind.name,
        "chainId": target.chain_id,
        "rewardsContract": target.rewards_contract,
        "registration": given,
        "graphql": {"query": _MUTATION, "variables": {"input": given}},
        "curl": _curl(keys, contract, base),
    }


def _curl(keys: SignedKeys, contract: str | None, base: str) -> str:
    form = {
        "pubkey_bls": keys.pubkey_bls,
        "sig_ed25519": keys.sig_ed25519,
        "sig_bls": keys.sig_bls,
        "operator": keys.operator,
    }
    if contract is not None:
        form["contract"] = contract
    return shlex.join(["curl", "-sS", f"{base}/store/{keys.pubkey}", "-d", urlencode(form)])


def _address(text: str, option: str) -> str:
    try:
        address = user_eth_address(text)
    except InvalidKeyError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None
    if address == ZERO_ADDRESS:
        raise typer.BadParameter("the zero address belongs to nobody", param_hint=option)
    return address
