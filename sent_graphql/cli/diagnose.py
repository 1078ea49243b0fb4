"""Runs the doctor and prints its findings as they come."""

import asyncio

import typer

from sent_graphql.configuration import LoadedSettings
from sent_graphql.doctor.examination import examine
from sent_graphql.doctor.findings import Finding
from sent_graphql.doctor.report import all_fine, as_json, as_text, conclusion
from sent_graphql.logs import configure_logging


def diagnose(loaded: LoadedSettings, *, json: bool, colours: bool) -> bool:
    """Whether all is fine. Text is printed step by step, JSON at the end."""
    # The findings say it all.
    configure_logging(loaded.settings.log.model_copy(update={"level": "error"}))
    findings = asyncio.run(_examined(loaded, quiet=json, colours=colours))
    typer.echo(as_json(findings) if json else conclusion(findings))
    return all_fine(findings)


async def _examined(loaded: LoadedSettings, *, quiet: bool, colours: bool) -> list[Finding]:
    findings = []
    async for finding in examine(loaded.settings, loaded.root):
        findings.append(finding)
        if not quiet:
            typer.echo(as_text(finding, colours=colours))
    return findings
