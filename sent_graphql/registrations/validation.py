"""Would the contracts take this registration? Keys, signatures, amounts and what the network knows, all at once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from sent_graphql.models.keys import InvalidKeyError, bls_pubkey, ed25519_pubkey
from sent_graphql.models.network import ServiceNode, ServiceNodeState
from sent_graphql.models.proofs import RegistrationTexts, SignedKeys
from sent_graphql.models.registrations import RegistrationError, RegistrationErrorCode
from sent_graphql.models.snapshot import NetworkState
from sent_graphql.models.validation import ProposedRegistration, RegistrationValidation
from sent_graphql.registrations.parsing import read_address, read_contract, read_keys
from sent_graphql.registrations.proofs import FIELDS as SIGNED_FIELDS
from sent_graphql.registrations.proofs import ed25519_problems_of
from sent_graphql.registrations.rules import StakingRules, fee_problems, remainder, stake_problems
from sent_graphql.registrations.terms import read_terms
from sent_graphql.registrations.verdicts import ProofCheck

FIELDS: Final = (*SIGNED_FIELDS, "operator", "contract", "stake", "reserved", "fee")
"""The order of errors: that of the input. What is wrong with all of `reserved` comes before what is with its parts."""


class RegistrationValidator:
    """Judges registrations by the network as a snapshot shows it, and keeps nothing."""

    def __init__(self, proofs: ProofCheck) -> None:
        self._proofs = proofs

    async def validate(self, proposed: ProposedRegistration, state: NetworkState) -> RegistrationValidation:
        """All that is wrong with it. Raises WorkersError when its signatures cannot be checked now."""
        texts = proposed.texts
        rules = StakingRules(
            staking_requirement=state.network.staking_requirement, max_contributors=state.network.max_contributors
        )
        keys, problems = read_keys(texts)
        operator = read_address(texts.operator, "operator", RegistrationErrorCode.INVALID_OPERATOR_ADDRESS, [])
        contract = read_contract(texts.contract, problems)
        terms, unreadable = read_terms(proposed, operator, max_reserved=rules.max_reserved)
        left = remainder(terms, rules)
        problems += unreadable
        problems += stake_problems(terms, rules)
        problems += fee_problems(terms)
        problems += _contract_problems(contract, operator, state)
        problems += _registered_problems(texts, state)
        problems += await self._signature_problems(texts, keys)
        return RegistrationValidation(
            errors=tuple(sorted(problems, key=_place)),
            remaining_contribution=None if left is None else left.contribution,
            remaining_spots=None if left is None else left.spots,
            remaining_min_contribution=None if left is None else left.min_contribution,
        )

    async def _signature_problems(
        self, texts: RegistrationTexts, keys: SignedKeys | None
    ) -> Iterable[RegistrationError]:
        """Of both signatures; of the Ed25519 one alone where something cannot be read that only the other covers."""
        return ed25519_problems_of(texts) if keys is None else (await self._proofs.check(keys)).problems


def _contract_problems(contract: str | None, operator: str | None, state: NetworkState) -> Iterator[RegistrationError]:
    """Why a contract that is known cannot serve. One that is not known may be newer than the snapshot."""
    known = None if contract is None else state.contract_by_address.get(contract)
    if known is None:
        return
    if operator is not None and known.operator != operator:
        yield _unfit(known.address, f"belongs to the operator {known.operator}")
    if not known.viable:
        yield _unfit(known.address, "can take no stake any more: the staking requirement has changed since it was made")


def _unfit(contract: str, why: str) -> RegistrationError:
    return RegistrationError(
        code=RegistrationErrorCode.INVALID_CONTRACT_ADDRESS,
        message=f"The contribution contract {contract} {why}",
        field="contract",
        address=contract,
    )


def _registered_problems(texts: RegistrationTexts, state: NetworkState) -> Iterator[RegistrationError]:
    """Keys that a living node has: neither side takes a key twice."""
    keys: tuple[tuple[str, str | None, Callable[[str], str], Mapping[str, ServiceNode]], ...] = (
        ("pubkey", texts.pubkey, ed25519_pubkey, state.node_by_pubkey),
        ("pubkeyBls", texts.pubkey_bls, bls_pubkey, state.node_by_bls),
    )
    for field, text, canonical, nodes in keys:
        try:
            node = nodes.get(canonical(text or ""))
        except InvalidKeyError:
            continue
        if node is not None and node.state is not ServiceNodeState.EXITED:
            yield RegistrationError(
                code=RegistrationErrorCode.ALREADY_REGISTERED,
                message=f"`{field}` is the key of a node that is registered now ({node.state.name})",
                field=field,
            )


def _place(problem: RegistrationError) -> tuple[int, int]:
    field = -1 if problem.field is None else FIELDS.index(problem.field)
    return field, -1 if problem.index is None else problem.index
