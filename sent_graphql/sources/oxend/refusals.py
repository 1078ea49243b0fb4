"""What oxend means when it refuses to sign: one code covers all its reasons, so they are told apart by their words."""

from enum import Enum
from typing import Final

from sent_graphql.sources.oxend.errors import OxendUpstreamError


class SignatureRefusal(Enum):
    """Why there is no signature."""

    NO_REWARDS = "no rewards"
    NOT_IN_EXIT_LIST = "not in the exit list"
    NOT_REMOVABLE_YET = "not removable yet"
    NO_SIGNER = "no signer"
    OTHER = "other"


_WORDS: Final = (
    ("no rewards are available", SignatureRefusal.NO_REWARDS),
    ("not in the list of recently exited nodes", SignatureRefusal.NOT_IN_EXIT_LIST),
    ("cannot be removed yet", SignatureRefusal.NOT_REMOVABLE_YET),
    ("no signatures added", SignatureRefusal.NO_SIGNER),
)


def signature_refusal(error: OxendUpstreamError) -> SignatureRefusal:
    """The reason in the words of a refused request for a signature."""
    words = error.message.lower()
    return next((reason for part, reason in _WORDS if part in words), SignatureRefusal.OTHER)
