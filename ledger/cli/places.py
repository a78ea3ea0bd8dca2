"""Commands for what takes part: programmes and their rules, shops, terminals, and the offices' tokens."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from config.municipalities import is_known
from config.plain import shown
from ledger.cli.office import MunicipalityArgument, MunicipalityOption, acting, note, office_of, officer, print_line

app = typer.Typer()


@app.command()
def rules(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Programmes, as TOML.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look whether it could be taken.")] = False,
) -> None:
    """Take programmes, or new versions of them, from a rules file: all of them, or none where one is wrong.

    It prints what holds where the file is silent: ceilings, budget, the memory of the tap, how often a reason counts.
    """
    from ledger.defaults import silent
    from ledger.rulebook import Rulebook, RulesError

    office = office_of(context)
    with office.open() as ledger:
        try:
            book = Rulebook.read(file)
            book.check(ledger.registry.programmes(book.municipalities))
        except RulesError as error:
            key, reason = shown(error.key, 80), error.sentence(office.texts)
            office.refuse("rules_invalid", path=str(file), line=str(error.line), key=key, reason=reason)
        if not dry_run:
            ledger.registry.add_programmes(book.programmes)
            for each in book.programmes:
                note(ledger, each.municipality, "rules", programme=each.code, version=str(each.version))
        for each in book.programmes:
            since = each.effective_from.isoformat()
            office.tell("office-rules", programme=each.code, version=str(each.version), since=since)
            if held := list(silent(each)):
                office.tell("office-rules-silent")
            width = max((len(default.toml) for default in held), default=0)
            for default in held:
                print_line(f"  {default.toml:<{width}}  # {office.texts(f'default-{default.meaning}')}")
        if dry_run:
            office.tell("office-dry-run")


@app.command("list")
def list_(context: typer.Context, municipality: MunicipalityArgument) -> None:
    """Print a municipality's programmes, shops and terminals (CSV)."""
    office = office_of(context)
    with office.open() as ledger:
        programmes = ledger.registry.programmes([municipality])
        rows: list[tuple[object, ...]] = [
            ("programme", p.code, f"{p.name.ja} / {p.name.en}", p.version, p.effective_from) for p in programmes
        ]
        rows += [("shop", each.code, each.name, "", "") for each in ledger.registry.shops(municipality)]
        rows += [
            ("service", f"{municipality}/{name}", each, "", "") for name, each in ledger.registry.services(municipality)
        ]
        rows += [("terminal", each, "", "", "") for each in ledger.registry.terminals(municipality)]
        office.tell_table("office-columns-list", rows)


@app.command()
def shop(
    context: typer.Context,
    code: Annotated[str, typer.Argument(help="Municipality and number: 252034-0001.")],
    name: Annotated[str, typer.Argument(help="The name on slips.")],
) -> None:
    """Add a shop, or change its name."""
    from pydantic import ValidationError

    from ledger.wire.setup import Shop

    office = office_of(context)
    name = office.plain("name", name)
    try:
        asked = Shop(code=code, name=name)
    except ValidationError:
        office.refuse("shop_code_wrong", given=shown(code, 40))
    with office.open() as ledger:
        with acting(ledger, code[:6], "shop", shop=code):
            ledger.registry.add_shop(asked)
        office.tell("office-shop", shop=code, name=name)


@app.command()
def service(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Municipality and service: 252034/library.")],
    shop: Annotated[list[str] | None, typer.Option(help="A shop that links its numbers; several times.")] = None,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Take the numbers over that release 0.1.0 linked without saying whose.")
    ] = False,
) -> None:
    """Name the shops that link a service's numbers and see them: these, and no other."""
    municipality, _, own = name.partition("/")
    office = office_of(context)
    if not is_known(municipality) or not re.fullmatch(r"[a-z][a-z0-9-]{0,31}", own):
        office.refuse("service_name_wrong", given=shown(name, 40))
    shops = shop or []
    if any(each[:6] != municipality for each in shops):
        office.refuse("office_mismatch")
    with office.open() as ledger:
        with acting(ledger, municipality, "service", service=own, shops=" ".join(shops)):
            if shops or not adopt:
                ledger.registry.set_service(municipality, own, shops)
            count = ledger.identity.assign(municipality, own) if adopt else 0
        office.tell("office-service", service=name, shops=", ".join(shops) or "–")
        if adopt:
            office.tell("office-service-adopted", service=name, count=count)


@app.command()
def enrol(context: typer.Context, shop: Annotated[str, typer.Option(help="The shop's code.")]) -> None:
    """Print a code with which one terminal of a shop can be enrolled, once, within a week."""
    with office_of(context).open() as ledger:
        with acting(ledger, shop[:6], "enrolment_code", shop=shop):
            code = ledger.new_enrolment_code(shop)
        print_line(code)


@app.command()
def withdraw(
    context: typer.Context, terminal: Annotated[str, typer.Argument(help="Its number: 252034-0001-01.")]
) -> None:
    """Take nothing more from a terminal that was lost, stolen or replaced; its number is not given again."""
    from ledger.api.packs import withdraw as withdraw_terminal

    office = office_of(context)
    with office.open() as ledger:
        with acting(ledger, terminal[:6], "withdraw", terminal=terminal):
            withdraw_terminal(ledger, terminal, officer(terminal[:6]))
        office.tell("office-withdrawn", terminal=terminal)


@app.command()
def token(
    context: typer.Context,
    municipality: MunicipalityOption,
    who: Annotated[str, typer.Option(help="Who will act with it, by name, for the audit.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="read, award, approve, operate or tokens; several times for several.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=731, help="How long it is good for.")] = 365,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="End all tokens of this person instead.")] = False,
) -> None:
    """Print a token with which an officer may use the HTTP API; it is shown once."""
    from ledger.api.desk import Officer, Scope

    office = office_of(context)
    named = scope or [str(Scope.READ)]
    if unknown := [each for each in named if each not in list(Scope)]:
        office.refuse("scope_unknown", given=shown(unknown[0], 40), known=", ".join(Scope))
    bearer = Officer(municipality, office.plain("--who", who), frozenset(map(Scope, named)))
    with office.open() as ledger:
        if withdraw:
            count = ledger.office.withdraw_tokens(bearer)
            note(ledger, municipality, "token_withdrawn", to=bearer.who)
            office.tell("office-tokens-withdrawn", count=count)
            return
        made = ledger.office.new_token(bearer, ledger.today() + timedelta(days=days), ledger.today())
        note(ledger, municipality, "token", to=bearer.who, scopes=" ".join(sorted(bearer.scopes)))
        print_line(made)
