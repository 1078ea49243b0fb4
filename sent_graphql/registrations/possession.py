"""The check of one BLS proof of possession, for a worker process: it takes some half a second of a processor."""

from sent_graphql.models.proofs import SignedKeys
from sent_graphql.models.registrations import RegistrationError, RegistrationErrorCode


def possession_problems(chain_id: int, rewards_contract: str, keys: SignedKeys) -> tuple[RegistrationError, ...]:
    """What is wrong with the BLS key or its signature over both keys and the operator's address."""
    # Not at the module's top: the service's own process must not import py_ecc.
    from sent_graphql.bls import BlsPointError, PublicKey, Signature, SigningDomain, verify  # noqa: PLC0415

    problems = []
    key = signature = None
    try:
        key = PublicKey.from_hex(keys.pubkey_bls)
    except BlsPointError as error:
        problems.append(_problem("pubkeyBls", f"`pubkeyBls` cannot be used: {error}"))
    try:
        signature = Signature.from_hex(keys.sig_bls)
    except BlsPointError as error:
        problems.append(_problem("sigBls", f"`sigBls` cannot be used: {error}"))
    if key is None or signature is None:
        return tuple(problems)
    domain = SigningDomain(chain_id, rewards_contract)
    message = domain.proof_of_possession(key, keys.operator, keys.pubkey)
    if verify(key, signature, message, domain.hash_tag):
        return ()
    return (
        _problem(
            "sigBls",
            "`sigBls` does not prove possession of `pubkeyBls` for this `operator` and `pubkey`, the rewards contract "
            f"{rewards_contract} and chain {chain_id}",
        ),
    )


def _problem(field: str, message: str) -> RegistrationError:
    return RegistrationError(code=RegistrationErrorCode.SIGNATURE, message=message, field=field)
