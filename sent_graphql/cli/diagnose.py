"""Runs the doctor and prints its findings as they come."""

import asyncio

import typer

from sent_graphql.doctor.examination import examine
from sent_graphql.doctor.findings import Finding
from sent_graphql.doctor.report import all_fine, as_json, as_text, conclusion
from sent_graphql.settings import Settings


def diagnose(settings: Settings, *, json: bool, colours: bool) -> bool:
    """Whether all is fine. Text is printed step by step, JSON at the end."""
    findings = asyncio.run(_examined(settings, quiet=json, colours=colours))
    typer.echo(as_json(findings) if json else conclusion(findings))
    return all_fine(findings)


async def _examined(settings: Settings, *, quiet: bool, colours: bool) -> list[Finding]:
    findings = []
    async for finding in examine(settings):
        findings.append(finding)
        if not quiet:
            typer.echo(as_text(finding, colours=colours))
    return findings
