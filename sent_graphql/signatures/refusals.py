"""Why there is no signature, in words that tell a user what to do."""

from typing import Final

from sent_graphql.models.signatures import RequestErrorCode, RequestRefusedError
from sent_graphql.signatures.breaker import BreakerOpenError
from sent_graphql.sources.oxend.errors import (
    OxendError,
    OxendNotReadyError,
    OxendTimeoutError,
    OxendUnreachableError,
    OxendUpstreamError,
)
from sent_graphql.sources.oxend.refusals import SignatureRefusal, signature_refusal

_CODES: Final = {
    SignatureRefusal.NO_REWARDS: RequestErrorCode.NO_REWARDS,
    SignatureRefusal.NOT_IN_EXIT_LIST: RequestErrorCode.NOT_IN_EXIT_LIST,
    SignatureRefusal.NOT_REMOVABLE_YET: RequestErrorCode.NOT_REMOVABLE_YET,
    SignatureRefusal.NO_SIGNER: RequestErrorCode.UPSTREAM_ERROR,
    SignatureRefusal.OTHER: RequestErrorCode.UPSTREAM_ERROR,
}

_MESSAGES: Final = {
    SignatureRefusal.NO_REWARDS: "The wallet has earned nothing yet, so there is nothing to sign. Rewards come with "
    "the blocks after a node with its stake has come into service; `wallet { rewards { accrued } }` shows them",
    SignatureRefusal.NOT_IN_EXIT_LIST: "The node has not left the network, or its exit is confirmed already: only the "
    "nodes of `exitList` can be removed. One in service first has to ask the contract for its exit and serve its time",
    SignatureRefusal.NOT_REMOVABLE_YET: "The node cannot be removed yet: the contract must hold it, and a liquidation "
    "has to wait for its `liquidationHeight` (`liquidatable` tells)",
    SignatureRefusal.NO_SIGNER: "No node of the network signed: try again in some minutes",
    SignatureRefusal.OTHER: "oxend refused the request for a reason of its own: try again in some minutes",
}


def refused(error: OxendError | BreakerOpenError) -> RequestRefusedError:
    """What a request that oxend did not fulfil is refused with."""
    if isinstance(error, BreakerOpenError):
        return RequestRefusedError(
            RequestErrorCode.UPSTREAM_UNAVAILABLE,
            "oxend has not answered such requests several times in a row and is left alone for a while: try again in "
            f"{max(1, round(error.wait))} s",
        )
    if isinstance(error, OxendUpstreamError):
        reason = signature_refusal(error)
        return RequestRefusedError(_CODES[reason], _MESSAGES[reason])
    if isinstance(error, OxendTimeoutError):
        return RequestRefusedError(
            RequestErrorCode.UPSTREAM_TIMEOUT,
            "oxend did not answer in time, as happens while some nodes cannot be reached: try again in a minute",
        )
    if isinstance(error, OxendUnreachableError | OxendNotReadyError):
        return RequestRefusedError(
            RequestErrorCode.UPSTREAM_UNAVAILABLE,
            "oxend cannot be reached or is still syncing: try again in a minute; `meta` tells how it fares",
        )
    return RequestRefusedError(
        RequestErrorCode.UPSTREAM_ERROR, "oxend did not answer as it should: try again in some minutes"
    )


def too_many() -> RequestRefusedError:
    """More requests than are served at once."""
    return RequestRefusedError(
        RequestErrorCode.RATE_LIMITED, "Too many signatures are being asked for at the moment: try again in a minute"
    )


def invalid(what: str) -> RequestRefusedError:
    """A reply that must not be handed on; `what` was found wrong with it."""
    return RequestRefusedError(
        RequestErrorCode.SIGNATURE_INVALID,
        f"The signature that oxend gave is of no use, {what}: it was withheld. Try again in some minutes",
    )
