"""Made-up residents, terms and receipts for tests of the counter, and a way to walk it."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from ledger.wire.answers import ProgrammeBalance, Standing, Status, Verdict
from ledger.wire.rules import (
    AwardReason,
    DaysAfterAward,
    Earning,
    Name,
    Offline,
    Programme,
    Redeeming,
    Usable,
    in_force,
)
from terminal.counter import Counter, State, step
from terminal.counter.effects import Effect
from terminal.counter.events import CardArrived, CardRead, Entered, Event, Opened, Typed
from terminal.counter.facts import Draft, Receipt, Resident, Terms

SHOP = "252034-0001"
TERMINAL = f"{SHOP}-01"
MUNICIPALITY, STREET, OTHER = "252034", "252034-KUROKABE", "131164"
VOLUNTEERING = AwardReason(name=Name(ja="ボランティア", en="Volunteering"), up_to=500)
VISIT = AwardReason(name=Name(ja="来店", en="Visit"), points=5)
SIGNATURE = base64.b64encode(b"signed").decode()


def programme(code: str, *, order: int = 100, also_in: tuple[str, ...] = (), queues: bool = True) -> Programme:
    """Return a programme that gives a point for 110 yen and takes 500 points on the tap alone."""
    return Programme(
        code=code,
        name=Name(ja=code, en=code),
        version=1,
        effective_from=date(2026, 4, 1),
        deduction_order=order,
        earning=Earning(),
        reasons={"volunteering": VOLUNTEERING, "visit": VISIT},
        redeeming=Redeeming(tap_ceiling=500),
        expiry=DaysAfterAward(rule="days_after_award", days=365),
        usable=Usable(also_in=also_in),
        offline=Offline(award=queues, redeem=queues),
    )


TERMS = Terms(
    terminal_id=TERMINAL,
    shop_code=SHOP,
    shop_name="見本商店",
    programmes=in_force(
        [
            programme(MUNICIPALITY, order=1),
            programme(STREET, order=2, queues=False),
            programme(OTHER, also_in=(MUNICIPALITY,)),
        ],
        date(2026, 11, 23),
    ),
)


def held(code: str, points: int) -> ProgrammeBalance:
    """Return a balance of which 500 points need no PIN."""
    return ProgrammeBalance(programme=code, points=points, redeemable=points, tap_redeemable=min(points, 500))


def resident(*balances: ProgrammeBalance, standing: Standing | None = Standing.ACTIVE) -> Resident:
    """Return somebody who held a card over the reader."""
    return Resident(standing, balances)


def opened() -> Counter:
    """Return a counter that is ready for a bill."""
    return step(Counter(), Opened(TERMS))[0]


def walk(counter: Counter, events: Iterable[Event]) -> tuple[Counter, list[Effect]]:
    """Return the counter after all events, and every effect on the way."""
    effects: list[Effect] = []
    for event in events:
        counter, more = step(counter, event)
        effects += more
    return counter, effects


def tapped(bill: int, who: Resident) -> tuple[Counter, list[Effect]]:
    """Return the counter after a bill and a tap that the ledger answered."""
    counter, _ = walk(opened(), [Typed(str(bill)), Entered(), CardArrived()])
    return walk(counter, [CardRead(counter.task, who)])


def signed(draft: Draft, sequence: int = 1) -> Draft:
    """Return a draft as the engine gives it back once the card has signed."""
    assert not hasattr(draft.content, "target")
    return replace(draft, operation_id=f"{TERMINAL}-{sequence:06d}", at="2026-11-23T14:05:00+09:00")


def receipt(draft: Draft, status: Status | None = Status.ACCEPTED, code: str | None = None) -> Receipt:
    """Return what the engine gives for a written draft; without a status there is no verdict yet."""
    written = Receipt(f"{TERMINAL}-000001", "7f3a91c2", "2026-11-23T14:05:00+09:00", draft.content, draft.undoes)
    if status is None:
        return written
    taken = status is not Status.REFUSED
    return replace(
        written,
        verdict=Verdict(
            operation_id=written.operation_id,
            status=status,
            code=code,
            redeemed=written.redeemed if taken else 0,
            awarded=written.awarded if taken else 0,
            amount_due=written.amount_due if taken else None,
        ),
        balances=(held(MUNICIPALITY, 3),),
    )


def state_of(counter: Counter) -> type[State]:
    """Return the kind of state that a counter is in."""
    return type(counter.state)
