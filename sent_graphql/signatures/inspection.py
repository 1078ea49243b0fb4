"""Nothing that oxend signed is handed on before the contract would take it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar, TypeVarTuple

from sent_graphql.models.signatures import RequestErrorCode, RequestRefusedError, SignerSet
from sent_graphql.signatures.refusals import invalid
from sent_graphql.signatures.verification import Case, Domain, Statement, Verdict, verify_aggregate
from sent_graphql.sources.errors import SourceError
from sent_graphql.sources.oxend.replies import SignedReply
from sent_graphql.workers.errors import WorkersError

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_FAULTS: Final = {
    Verdict.OTHER_MESSAGE: "it is over another message than was asked for",
    Verdict.NO_POINT: "it is no signature at all",
    Verdict.OTHER_SIGNERS: "it is not that of the nodes that the contract holds",
}


class Workers(Protocol):
    """Processes for what would hold the event loop."""

    async def run(self, function: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """What `function` gives in one of them. Raises WorkersError."""


class LatestSigners(Protocol):
    """Reads the signers at the L2's newest block."""

    def __call__(self, contract_ids: tuple[int, ...], pubkey: str | None) -> Awaitable[SignerSet]:
        """With the nodes of these ids and of this Ed25519 key. Raises SourceError."""


class Inspector:
    """Checks replies against the signers that the last view of the contracts shows.

    oxend signs for the contract as it is at the L2's newest block. Where the view does not fit, the signers are read
    there once before a reply is found wrong.
    """

    def __init__(
        self,
        domain: Domain,
        *,
        known_signers: Callable[[], SignerSet | None],
        latest_signers: LatestSigners,
        workers: Workers,
        timeout: float,
    ) -> None:
        """`timeout`: seconds that the reading at the newest block may take."""
        self._domain = domain
        self._known_signers = known_signers
        self._latest_signers = latest_signers
        self._workers = workers
        self._timeout = timeout

    async def approve(self, reply: SignedReply, statement: Statement, *, pubkey: str | None = None) -> SignerSet:
        """The signers whose signature of `statement` the reply holds; with `pubkey`, of that node's key.

        Raises RequestRefusedError: SIGNATURE_INVALID, or why it could not be checked.
        """
        if len(set(reply.non_signer_indices)) < len(reply.non_signer_indices):
            raise invalid("it names a node twice among those that did not sign")
        known = self._known_signers()
        known_case = None if known is None else self._case(known, reply, statement, pubkey)
        if known is not None and isinstance(known_case, Case) and await self._is_good(known_case):
            return known
        latest = await self._read_latest(reply.non_signer_indices, pubkey)
        case = self._case(latest, reply, statement, pubkey)
        if isinstance(case, str):
            raise invalid(case)
        if case == known_case or not await self._is_good(case):
            raise invalid(_FAULTS[Verdict.OTHER_SIGNERS])
        return latest

    def _case(self, signers: SignerSet, reply: SignedReply, statement: Statement, pubkey: str | None) -> Case | str:
        """What is to be verified; a text where it needs no more to see what is wrong."""
        if pubkey is not None and signers.pubkey_bls_of(pubkey) != statement.subject:
            return "it is not for the node that was asked for"
        unknown = next((number for number in reply.non_signer_indices if number not in signers.nodes), None)
        if unknown is not None:
            return f"it names {unknown} among those that did not sign, which is no registered node"
        return Case(
            domain=self._domain,
            statement=statement,
            message=reply.msg_to_sign,
            signature=reply.signature,
            aggregate_pubkey=signers.aggregate_pubkey,
            absent=tuple(signers.nodes[number].pubkey_bls for number in reply.non_signer_indices),
        )

    async def _is_good(self, case: Case) -> bool:
        """Whether these signers signed it. What no signers could have signed is refused at once."""
        try:
            verdict = await self._workers.run(verify_aggregate, case)
        except WorkersError as error:
            raise RequestRefusedError(RequestErrorCode.RATE_LIMITED, str(error)) from error
        if verdict in (Verdict.OTHER_MESSAGE, Verdict.NO_POINT):
            raise invalid(_FAULTS[verdict])
        return verdict is Verdict.GOOD

    async def _read_latest(self, contract_ids: tuple[int, ...], pubkey: str | None) -> SignerSet:
        try:
            async with asyncio.timeout(self._timeout):
                return await self._latest_signers(contract_ids, pubkey)
        except (SourceError, TimeoutError) as error:
            raise RequestRefusedError(
                RequestErrorCode.UPSTREAM_UNAVAILABLE,
                "The contracts could not be read to check the signature: try again in a minute; `meta` tells how they "
                "fare",
            ) from error
