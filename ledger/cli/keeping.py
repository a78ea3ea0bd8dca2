"""Commands for keeping a ledger: what is wrong with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.office import Office, answer, office_of

if TYPE_CHECKING:
    from ledger.examination import Finding

app = typer.Typer()


@app.command()
def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Examine keys, databases, whether a verdict can be lost, and the books; exit 1 if anything has to be mended."""
    from ledger.examination import Level, examine

    office = office_of(context)
    with office.open() as ledger:
        findings = list(examine(ledger))
    wrong = any(each.level is Level.WRONG for each in findings)
    if as_json:
        answer(json.dumps({"ok": not wrong, "findings": [_as_json(each, office) for each in findings]}))
    else:
        for each in findings:
            answer(told(each, office))
    raise typer.Exit(1 if wrong else 0)


def told(finding: Finding, office: Office) -> str:
    """Return the lines that say what was found."""
    texts = office.texts
    lines = [f"{texts(f'doctor-{finding.level}')}  {texts(f'keeping-{finding.thing}')}  {finding.detail}".rstrip()]
    if finding.code is not None:
        refusal = texts.refusal(finding.code, **finding.told)
        lines += [f"    {line}" for line in (refusal.what, refusal.why, refusal.todo)]
    return "\n".join(lines)


def _as_json(finding: Finding, office: Office) -> dict[str, Any]:
    refusal = None if finding.code is None else office.texts.refusal(finding.code, **finding.told)
    return {
        "thing": finding.thing,
        "level": finding.level,
        "detail": finding.detail or None,
        "error": finding.code,
        "message": None if refusal is None else f"{refusal.what}\n{refusal.why}\n{refusal.todo}",
    }
