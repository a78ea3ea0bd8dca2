"""`kazasu doctor`: what is wrong with this machine, and how to mend it."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from config import settings as settings_file
from config.output import answer, tell
from config.settings import Settings
from config.texts import Texts
from reader.pcsc import PcscSource
from terminal.cli.context import Exit, given, sentences
from terminal.fault import KNOWN
from terminal.shop.doctor import Finding, Level, Patient, examine
from terminal.shop.opening import local_time

EXAMPLE = "Example: kazasu doctor --json"


def command(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Examine reader, PC/SC service, clock, SQLite, journal, ledger; exit 1 if anything has to be mended."""
    chosen = given(context)
    try:
        settings = settings_file.load(chosen.home.settings)
    except KNOWN:  # a finding like any other; the defaults do for the rest
        settings = Settings()
    patient = Patient(chosen.home, settings, PcscSource(settings.reader.name), local_time, chosen.ledger)
    findings = asyncio.run(examine(patient))
    wrong = any(finding.level is Level.WRONG for finding in findings)
    if as_json:
        answer({"ok": not wrong, "findings": [_as_json(finding, chosen.texts) for finding in findings]})
    else:
        for finding in findings:
            tell(_lines(finding, chosen.texts))
    raise typer.Exit(Exit.FAILED if wrong else Exit.ACCEPTED)


def _as_json(finding: Finding, texts: Texts) -> dict[str, str | None]:
    return {
        "thing": finding.thing,
        "level": finding.level,
        "detail": finding.detail or None,
        "error": finding.fault.code if finding.fault else None,
        "message": sentences(texts, finding.fault) if finding.fault else None,
    }


def _lines(finding: Finding, texts: Texts) -> str:
    head = f"{texts(f'doctor-{finding.level}')}  {texts(f'doctor-{finding.thing}')}  {finding.detail}".rstrip()
    if finding.fault is None:
        return head
    told = sentences(texts, finding.fault).splitlines()
    return "\n".join([head, *(f"    {line}" for line in told)])
