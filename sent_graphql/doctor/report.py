"""Findings as people and programs read them."""

from collections.abc import Sequence
from typing import Final

import msgspec

from sent_graphql.doctor.findings import Finding, Verdict

_COLOURS: Final = {Verdict.FINE: "\x1b[32m", Verdict.NOTE: "\x1b[33m", Verdict.WRONG: "\x1b[1;31m"}
_RESET: Final = "\x1b[0m"


def as_text(finding: Finding, *, colours: bool) -> str:
    """One line, and one for each remedy."""
    word = f"{finding.verdict.value:<5}"
    if colours:
        word = f"{_COLOURS[finding.verdict]}{word}{_RESET}"
    return "\n".join(
        [f"{word}  {finding.subject}: {finding.detail}", *(f"         → {remedy}" for remedy in finding.remedies)]
    )


def as_json(findings: Sequence[Finding]) -> str:
    """`{"fine": whether nothing is wrong, "findings": [{subject, verdict, detail, remedies}]}`."""
    document = {"fine": all_fine(findings), "findings": findings}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def all_fine(findings: Sequence[Finding]) -> bool:
    """Whether no step found a fault."""
    return all(finding.verdict is not Verdict.WRONG for finding in findings)


def conclusion(findings: Sequence[Finding]) -> str:
    """The last line for people."""
    wrong = sum(finding.verdict is Verdict.WRONG for finding in findings)
    if not wrong:
        return "All is fine."
    return "One thing is wrong." if wrong == 1 else f"{wrong} things are wrong."
