"""What a resident may choose on a bill, and the drafts that come of the choice."""

from __future__ import annotations

from ledger.messages import Award, CardSigned, Leg, Link, ProgrammeBalance, Sale, TapOnly, Void
from ledger.rules import Quote, quote
from terminal.counter.facts import (
    AwardIntent,
    Choice,
    Draft,
    Resident,
    Terms,
    Use,
    Voidable,
)


def choices_for(bill: int, resident: Resident, terms: Terms, *, tap_only: bool = False) -> tuple[Choice, ...]:
    """Return the lines to choose from: 1 all, 2 some, 3 none, then other towns' points; none when there is no choice.

    Where the shop's own town has nothing to give, the first town that has stands in its place.
    """
    towns = dict.fromkeys([terms.municipality, *(programme.municipality for programme in terms.programmes.values())])
    priced = {town: _priced(bill, None, resident, terms, town, tap_only) for town in towns}
    possible = [(town, most) for town, most in priced.items() if most.redeem]
    if not possible:
        return ()
    (town, most), *others = possible
    return (
        Choice(Use.ALL, town, most),
        Choice(Use.SOME, town, most),
        Choice(Use.NONE, terms.municipality, without_points(bill, terms)),
        *(Choice(Use.ALL, other, most) for other, most in others),
    )


def part(bill: int, points: int, resident: Resident, terms: Terms, town: str, *, tap_only: bool = False) -> Quote:
    """Return what the bill comes to with so many points of one town; raise ValueError where that is not possible."""
    return _priced(bill, points, resident, terms, town, tap_only)


def without_points(bill: int, terms: Terms) -> Quote:
    """Return what the bill comes to when no points are used."""
    return quote(bill, 0, (), terms.programmes, terms.municipality)


def while_offline(bill: int, terms: Terms) -> Quote:
    """Return what the bill comes to while the line is down: nothing redeemed, and awarded what may queue."""
    priced = without_points(bill, terms)
    kept = tuple(leg for leg in priced.award if terms.programmes[leg.programme].offline.award)
    return Quote(bill, (), kept, needs_pin=False)


def sale(priced: Quote, town: str, resident: Resident, terms: Terms) -> Draft:
    """Return the draft of a sale; one that needs the PIN is still to be signed."""
    legs = (*priced.redeem, *priced.award)
    return Draft(
        Sale(
            kind="sale",
            municipality=town,
            resident=resident.sealed,
            bill=priced.bill,
            redeem=list(priced.redeem),
            award=list(priced.award),
            amount_due=priced.amount_due,
            rules={leg.programme: terms.programmes[leg.programme].version for leg in legs},
            assurance=CardSigned(method="pin", nonce=resident.nonce, signature="")
            if priced.needs_pin
            else TapOnly(method="tap"),
        )
    )


def award(intent: AwardIntent, resident: Resident, terms: Terms) -> Draft:
    """Return the draft of an award without a bill."""
    programme = terms.programmes[intent.programme]
    return Draft(
        Award(
            kind="award",
            municipality=programme.municipality,
            resident=resident.sealed,
            award=[Leg(programme=programme.code, points=intent.points)],
            reason=intent.reason,
            rules={programme.code: programme.version},
            assurance=TapOnly(method="tap"),
        )
    )


def link(registration: str, resident: Resident, terms: Terms) -> Draft:
    """Return the draft of a first registration, which the card has still to sign."""
    return Draft(
        Link(
            kind="link",
            municipality=terms.municipality,
            registration=registration,
            consent=True,
            assurance=CardSigned(method="pin", nonce=resident.nonce, signature=""),
        )
    )


def void(item: Voidable) -> Draft:
    """Return the draft that undoes an operation."""
    content = Void(kind="void", municipality=item.content.municipality, target=item.operation_id)
    return Draft(content, undoes=item.content)


def _priced(bill: int, points: int | None, resident: Resident, terms: Terms, town: str, tap_only: bool) -> Quote:
    balances = [_by_tap(balance) for balance in resident.balances] if tap_only else resident.balances
    return quote(bill, points, balances, terms.programmes, town)


def _by_tap(balance: ProgrammeBalance) -> ProgrammeBalance:
    return balance.model_copy(update={"redeemable": balance.tap_redeemable})
