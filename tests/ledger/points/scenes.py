"""What the tests of the points store ask for, in few words."""

from dataclasses import replace
from datetime import date, datetime, time

from pydantic import BaseModel

from config.japan import JST
from ledger.points.store import Request
from ledger.wire.operations import Award, Convert, Leg, Return, Sale, TapOnly, Void

CITY = "252034"
STREET = "252034-MIHON"
SHOP = "252034-0001"
TERMINAL = "252034-0001-01"
MYKEY = "K7QM3V9TXW"
DAY = date(2026, 11, 23)


def operation_id(seq: int) -> str:
    """Return the id of the terminal's entry `seq`."""
    return f"{TERMINAL}-{seq:06d}"


def request(seq: int, content: BaseModel, *, mykey: str | None = MYKEY, pin: bool = False) -> Request:
    """Return an operation as the API hands it over."""
    return Request(
        operation_id=operation_id(seq),
        terminal_id=TERMINAL,
        shop=SHOP,
        business_date=DAY.isoformat(),
        content=content,
        content_hash=f"{seq:064x}",
        mykey=mykey,
        pin_verified=pin,
        arrived=noon(DAY),
    )


def noon(day: date) -> datetime:
    """Return noon of a day in Japan."""
    return datetime.combine(day, time(12), JST)


def sale(
    seq: int, bill: int, city: int = 0, street: int = 0, *, award: int | None = None, pin: bool = False
) -> Request:
    """Return a sale that redeems so many points of each programme, with the award that the rules give."""
    due = bill - city - street
    earned = due // 110 if award is None else award
    content = Sale(
        kind="sale",
        municipality=CITY,
        resident="AAAA",
        bill=bill,
        redeem=[Leg(programme=code, points=points) for code, points in ((CITY, city), (STREET, street)) if points],
        award=[Leg(programme=STREET, points=earned)] if earned else [],
        amount_due=due,
        rules={CITY: 1, STREET: 1},
        assurance=TapOnly(method="tap"),
    )
    return request(seq, content, pin=pin)


def award(seq: int, points: int, *, mykey: str = MYKEY) -> Request:
    """Return an award of the municipality's points."""
    content = Award(
        kind="award",
        municipality=CITY,
        resident="AAAA",
        award=[Leg(programme=CITY, points=points)],
        reason="visit",
        rules={CITY: 1},
        assurance=TapOnly(method="tap"),
    )
    return request(seq, content, mykey=mykey)


def void(seq: int, target: int) -> Request:
    """Return the voiding of entry `target`, which names nobody."""
    return request(seq, Void(kind="void", municipality=CITY, target=operation_id(target)), mykey=None)


def give_back(seq: int, target: int, bill: int) -> Request:
    """Return the return of `bill` yen of entry `target`, which names nobody."""
    content = Return(kind="return", municipality=CITY, target=operation_id(target), bill=bill)
    return request(seq, content, mykey=None)


def convert(seq: int, take: int, give: int, *, pin: bool = False) -> Request:
    """Return the conversion of the municipality's points into the street's."""
    content = Convert(
        kind="convert",
        municipality=CITY,
        resident="AAAA",
        take=Leg(programme=CITY, points=take),
        give=Leg(programme=STREET, points=give),
        rules={CITY: 1, STREET: 1},
        assurance=TapOnly(method="tap"),
    )
    return request(seq, content, pin=pin)


def stamped(asked: Request, version: int) -> Request:
    """Return a request that was priced with another version of the street's rules."""
    assert isinstance(asked.content, Sale)
    return replace(asked, content=asked.content.model_copy(update={"rules": {CITY: 1, STREET: version}}))


def elsewhere(asked: Request, **fields: str) -> Request:
    """Return a request with some of its fields changed."""
    return replace(asked, **fields)  # type: ignore[arg-type]  # the fields named are all texts
