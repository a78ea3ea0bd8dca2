"""What a resident may choose on a bill, and the drafts that come of the choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Literal

from ledger.wire.answers import ProgrammeBalance
from ledger.wire.operations import (
    Award,
    CardSigned,
    Convert,
    DecidedOffline,
    Leg,
    Link,
    Release,
    Reserve,
    Return,
    Sale,
    TapOnly,
    Unlink,
    Void,
)
from ledger.wire.rules import Programme, Quote, quote
from terminal.counter.facts import (
    AwardIntent,
    Choice,
    ConvertIntent,
    Draft,
    Exchange,
    ReserveIntent,
    Resident,
    SaleIntent,
    Terms,
    Undoable,
    Use,
)


def choices_for(bill: int, resident: Resident, terms: Terms, *, tap_only: bool = False) -> tuple[Choice, ...]:
    """Return the lines to choose from: 1 all, 2 some, 3 none, then other towns' points; none when there is no choice.

    Where the shop's own town has nothing to give, the first town that has stands in its place.
    """
    municipalities = dict.fromkeys(
        [terms.municipality, *(programme.municipality for programme in terms.programmes.values())]
    )
    priced = {
        municipality: _priced(bill, None, resident, terms, municipality, tap_only) for municipality in municipalities
    }
    possible = [(municipality, most) for municipality, most in priced.items() if most.redeem]
    if not possible:
        return ()
    (municipality, most), *others = possible
    return (
        Choice(Use.ALL, municipality, most),
        Choice(Use.SOME, municipality, most),
        choice_of_none(bill, resident, terms),
        *(Choice(Use.ALL, other, most) for other, most in others),
    )


def choice_of(choice: Choice, points: int, resident: Resident, terms: Terms, *, tap_only: bool = False) -> Choice:
    """Return a choice of so many points; raise ValueError where that is not possible."""
    priced = _priced(choice.quote.bill, points, resident, terms, choice.municipality, tap_only)
    return Choice(Use.SOME, choice.municipality, priced)


def choice_of_none(bill: int, resident: Resident, terms: Terms) -> Choice:
    """Return the choice to use none; while the line is down, only what may queue is awarded."""
    priced = quote(bill, 0, resident.balances, terms.programmes, terms.municipality)
    if not resident.online:
        priced = replace(priced, award=tuple(leg for leg in priced.award if may_queue(leg.programme, terms)))
    return Choice(Use.NONE, terms.municipality, priced)


def as_wished(intent: SaleIntent, resident: Resident, terms: Terms) -> Choice:
    """Return the choice that was made before the tap; raise ValueError where it is not possible."""
    if intent.redeem is Use.NONE:
        return choice_of_none(intent.bill, resident, terms)
    choices = choices_for(intent.bill, resident, terms)
    every = [
        choice for choice in choices if choice.use is Use.ALL and intent.municipality in (None, choice.municipality)
    ]
    if intent.redeem is Use.ALL:
        return every[0] if every else choice_of_none(intent.bill, resident, terms)
    if not every or intent.redeem is None:
        raise ValueError(f"{intent.redeem} points cannot be redeemed: there are none")
    return choice_of(every[0], intent.redeem, resident, terms)


def may_queue(programme: str, terms: Terms) -> bool:
    """Return whether points of a programme may be awarded while the line is down."""
    return terms.programmes[programme].offline.award


UNDECIDED = DecidedOffline(pack=1, counters="0" * 64)
"""Stands in a draft whose points are redeemed without a line, until the card signs it."""


def sale(choice: Choice, terms: Terms, *, online: bool = True) -> Draft:
    """Return the draft of a sale; one that needs the PIN is still to be signed.

    Points that are redeemed without a line are decided here.
    """
    priced = choice.quote
    decided: dict[str, DecidedOffline] = {"offline": UNDECIDED} if priced.redeem and not online else {}
    legs = (*priced.redeem, *priced.award)
    return Draft(
        Sale(
            kind="sale",
            municipality=choice.municipality,
            resident="",
            bill=priced.bill,
            redeem=list(priced.redeem),
            award=list(priced.award),
            amount_due=priced.amount_due,
            rules={leg.programme: terms.programmes[leg.programme].version for leg in legs},
            assurance=CardSigned(method="pin") if priced.needs_pin else TapOnly(method="tap"),
            **decided,
        )
    )


def award(intent: AwardIntent, terms: Terms) -> Draft:
    """Return the draft of an award without a bill."""
    programme = terms.programmes[intent.programme]
    return Draft(
        Award(
            kind="award",
            municipality=programme.municipality,
            resident="",
            award=[Leg(programme=programme.code, points=intent.points)],
            reason=intent.reason,
            rules={programme.code: programme.version},
            assurance=TapOnly(method="tap"),
        )
    )


def link(terms: Terms) -> Draft:
    """Return the draft of a first registration, which the card has still to sign."""
    return Draft(
        Link(
            kind="link",
            municipality=terms.municipality,
            registration="",
            consent=True,
            assurance=CardSigned(method="pin"),
        )
    )


def unlink(service: str | None, terms: Terms) -> Draft:
    """Return the draft that gives one linked number up, or everything; the card has still to sign it."""
    named = {} if service is None else {"service": service}
    assurance = CardSigned(method="pin")
    return Draft(Unlink(kind="unlink", municipality=terms.municipality, resident="", assurance=assurance, **named))


def exchanges(programmes: Mapping[str, Programme], municipality: str, on: date) -> tuple[Exchange, ...]:
    """Return the rates that hold on a day between programmes of a town."""
    return tuple(
        Exchange(programme.code, rate)
        for programme in programmes.values()
        for rate in programme.convert
        if programme.municipality == municipality and rate.holds(rate.to, on) and rate.to in programmes
    )


def convert(intent: ConvertIntent, resident: Resident, terms: Terms) -> Draft:
    """Return the draft of an exchange; raise ValueError where the resident does not have the points, or it has a rest.

    Above what a tap may move, it is still to be signed.
    """
    exchange, taken = intent.exchange, intent.points
    given = exchange.given(taken)
    held = next((balance for balance in resident.balances if balance.programme == exchange.source), None)
    if given is None or held is None or held.points < taken:
        raise ValueError(f"{taken} points of {exchange.source} cannot be exchanged")
    source, target = terms.programmes[exchange.source], terms.programmes[exchange.rate.to]
    ceiling = 0 if source.redeeming is None else source.redeeming.tap_ceiling
    return Draft(
        Convert(
            kind="convert",
            municipality=source.municipality,
            resident="",
            take=Leg(programme=source.code, points=taken),
            give=Leg(programme=target.code, points=given),
            rules={source.code: source.version, target.code: target.version},
            assurance=TapOnly(method="tap") if taken <= ceiling else CardSigned(method="pin"),
        )
    )


def may_be_reserved(terms: Terms) -> tuple[Programme, ...]:
    """Return the programmes of the shop's town whose points may be redeemed here without a line."""
    return tuple(
        programme
        for programme in terms.programmes.values()
        if programme.offline.redeem and programme.redeeming is not None and programme.municipality == terms.municipality
    )


def reservable(balances: Sequence[ProgrammeBalance], terms: Terms) -> int:
    """Return how many points could be set aside for this shop."""
    codes = {programme.code for programme in may_be_reserved(terms)}
    return sum(balance.points for balance in balances if balance.programme in codes)


def reserve(intent: ReserveIntent, resident: Resident, terms: Terms) -> Draft:
    """Return the draft that sets points aside, to be signed; raise ValueError where the resident has not so many.

    They are taken in the order in which a bill would take them.
    """
    held = {balance.programme: balance.points for balance in resident.balances}
    legs: list[Leg] = []
    left = intent.points
    for programme in may_be_reserved(terms):
        if (points := min(left, held.get(programme.code, 0))) > 0:
            legs.append(Leg(programme=programme.code, points=points))
            left -= points
    if left:
        raise ValueError(f"{intent.points} points cannot be set aside")
    return Draft(
        Reserve(
            kind="reserve",
            municipality=terms.municipality,
            resident="",
            points=legs,
            rules={leg.programme: terms.programmes[leg.programme].version for leg in legs},
            assurance=CardSigned(method="pin"),
        )
    )


def release(terms: Terms) -> Draft:
    """Return the draft that gives back what is left of what was set aside here."""
    assurance = TapOnly(method="tap")
    return Draft(Release(kind="release", municipality=terms.municipality, resident="", assurance=assurance))


def void(item: Undoable) -> Draft:
    """Return the draft that undoes an operation."""
    content = Void(kind="void", municipality=item.content.municipality, target=item.operation_id, **_as_owner(item))
    return Draft(content, undoes=item)


def take_back(item: Undoable, bill: int) -> Draft:
    """Return the draft that takes goods of a sale back, for so many yen of its bill."""
    content = Return(
        kind="return",
        municipality=item.content.municipality,
        target=item.operation_id,
        bill=bill,
        **_as_owner(item),
    )
    return Draft(content, undoes=item)


def _as_owner(item: Undoable) -> dict[str, Literal[True]]:
    """Return what says that the owner's code was given; nothing where it takes none, as entries say nothing of it."""
    return {"by_owner": True} if item.by_owner else {}


def _priced(
    bill: int, points: int | None, resident: Resident, terms: Terms, municipality: str, tap_only: bool
) -> Quote:
    balances = [_by_tap(balance) for balance in resident.balances] if tap_only else resident.balances
    return quote(bill, points, balances, terms.programmes, municipality)


def _by_tap(balance: ProgrammeBalance) -> ProgrammeBalance:
    return balance.model_copy(update={"redeemable": balance.tap_redeemable})
