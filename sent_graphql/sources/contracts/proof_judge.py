"""The rewards contract as the judge of a BLS proof of possession: a call that costs nothing and changes nothing."""

import time
from collections.abc import Callable
from typing import Final

import structlog

from sent_graphql.models.proofs import SignedKeys
from sent_graphql.models.registrations import RegistrationError, RegistrationErrorCode
from sent_graphql.sources.contracts.abi import View, selector
from sent_graphql.sources.contracts.errors import CallRevertedError, RpcMalformedReplyError, RpcRefusedError
from sent_graphql.sources.contracts.rpc import JsonRpc
from sent_graphql.sources.contracts.words import WORD
from sent_graphql.sources.errors import SourceError

VALIDATE_PROOF_OF_POSSESSION: Final = selector(
    "validateProofOfPossession((uint256,uint256),(uint256,uint256,uint256,uint256),address,uint256)"
)

_ERROR: Final = selector("Error(string)")
_REFUSALS: Final = {
    selector("InvalidBLSProofOfPossession()"): ("sigBls", "InvalidBLSProofOfPossession"),
    selector("NullBLSPubkey()"): ("pubkeyBls", "NullBLSPubkey"),
    selector("NullEd25519Pubkey()"): ("pubkey", "NullEd25519Pubkey"),
}
_NO_POINT: Final = b"Invalid Signature"
"""What the contract says when the key or the signature is no point of its curve."""


class ContractProofJudge:
    """Asks at the newest block, as any RPC does for free. It never raises: whoever is asked in vain gave no word."""

    def __init__(
        self, rpc: JsonRpc, rewards_contract: str, *, timeout: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`timeout`: seconds to wait for its word."""
        self._rpc = rpc
        self._rewards = rewards_contract
        self._timeout = timeout
        self._clock = clock
        self._log = structlog.get_logger(__name__)

    async def judge(self, keys: SignedKeys) -> tuple[RegistrationError, ...] | None:
        """What the contract refuses the proof for; empty when it accepts it, null when it gave no judgement."""
        try:
            return await self._ask(keys)
        except SourceError as error:
            self._log.info("the contract gave no judgement on a proof of possession", reason=str(error))
            return None

    async def _ask(self, keys: SignedKeys) -> tuple[RegistrationError, ...]:
        # A call of an address without code succeeds as well; a view tells whether there is any.
        requests = [self._call(_call_data(keys)), self._call(View.STAKING_REQUIREMENT.selector)]
        word, requirement = await self._rpc.batch(requests, deadline=self._clock() + self._timeout)
        if isinstance(word, RpcRefusedError):
            refusal = _refusal(word.data) if isinstance(word, CallRevertedError) else None
            if refusal is None:
                raise word
            return (refusal,)
        if word != "0x" or not isinstance(requirement, str) or len(requirement) != len("0x") + 2 * WORD:
            raise RpcMalformedReplyError("there is no rewards contract at the address")
        return ()

    def _call(self, data: bytes) -> tuple[str, list[object]]:
        return "eth_call", [{"to": self._rewards, "data": "0x" + data.hex()}, "latest"]


def _call_data(keys: SignedKeys) -> bytes:
    """Every argument is a word, or words side by side."""
    operator = bytes.fromhex(keys.operator.removeprefix("0x")).rjust(WORD, b"\0")
    return VALIDATE_PROOF_OF_POSSESSION + b"".join(
        (bytes.fromhex(keys.pubkey_bls), bytes.fromhex(keys.sig_bls), operator, bytes.fromhex(keys.pubkey))
    )


def _refusal(data: bytes) -> RegistrationError | None:
    """What a revert refuses; null for one that says nothing of the proof."""
    known = _REFUSALS.get(data[:4])
    if known is None and data[:4] == _ERROR and _NO_POINT in data:
        known = ("sigBls", _NO_POINT.decode())
    if known is None:
        return None
    field, error = known
    message = f"`{field}` is refused by the rewards contract itself: {error}"
    return RegistrationError(code=RegistrationErrorCode.SIGNATURE, message=message, field=field)
