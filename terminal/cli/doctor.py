"""`kazasu doctor`: what is wrong with this machine, and how to mend it."""

from __future__ import annotations

import asyncio

import typer

from config import settings as settings_file
from config.faults import KNOWN
from config.findings import Level
from config.output import answer, tell
from config.settings import Settings
from reader.pcsc import PcscSource
from terminal.cli.context import AsJson, Exit, given
from terminal.shop.doctor import Patient, examine
from terminal.shop.opening import local_time

EXAMPLE = "Example: kazasu doctor --json"


def command(
    context: typer.Context,
    as_json: AsJson = False,
) -> None:
    """Examine reader, PC/SC service, clock, SQLite, journal, ledger; exit 1 if anything has to be mended."""
    chosen = given(context)
    try:
        settings = settings_file.load_settings(chosen.home.settings)
    except KNOWN:  # a finding like any other; the defaults do for the rest
        settings = Settings()
    patient = Patient(chosen.home, settings, PcscSource(settings.reader.name), local_time, chosen.ledger)
    findings = asyncio.run(examine(patient))
    wrong = any(finding.level is Level.WRONG for finding in findings)
    if as_json:
        answer({"ok": not wrong, "findings": [finding.as_json(chosen.texts) for finding in findings]})
    else:
        for finding in findings:
            tell(finding.lines(chosen.texts, "doctor"))
    raise typer.Exit(Exit.FAILED if wrong else Exit.ACCEPTED)
