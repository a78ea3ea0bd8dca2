"""Everything that can happen to a counter, in samples: what people, cards and the clock do, and what an engine says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from ledger.wire.answers import Standing, Status
from ledger.wire.operations import Sale
from terminal.counter import Counter
from terminal.counter.effects import Commit
from terminal.counter.events import (
    Asked,
    Authorised,
    CardArrived,
    CardFailed,
    CardLeft,
    CardRead,
    Decided,
    Entered,
    Erased,
    Escaped,
    Event,
    Moved,
    NotRecorded,
    Opened,
    OtherCardArrived,
    Picked,
    PinEntered,
    PinTyped,
    Scanned,
    Task,
    Tick,
    TriesLeft,
    Trouble,
    Typed,
    Unanswered,
    UndoableListed,
)
from terminal.counter.facts import Draft, Fault, Resident, Undoable
from terminal.counter.states import Authorising, Sending
from terminal.slips.operation import qr_text
from tests.terminal.counters import (
    MUNICIPALITY,
    OTHER,
    STREET,
    TERMINAL,
    TERMS,
    held,
    receipt,
    resident,
    signed,
    tapped,
)

SOLD = Draft(next(e.draft.content for e in tapped(1200, resident())[1] if isinstance(e, Commit)))
assert isinstance(SOLD.content, Sale)
ITEM = Undoable(f"{TERMINAL}-000009", "2026-11-23T14:05:00+09:00", SOLD.content)

CLOSED = replace(ITEM, closed=True)

PEOPLE: list[Event] = [
    *(Typed(text) for text in ("1", "2", "3", "90", "1200", "９", "x", "-1", "123456789018")),
    *(Picked(number) for number in range(6)),
    *(Moved(by) for by in (-1, 1)),
    *(Asked(task) for task in Task),
    *(PinTyped(count) for count in range(-1, 6)),
    Scanned("4901234567894"),
    Scanned(qr_text(ITEM.operation_id, "7f3a 91c2")),
    Entered(),
    Escaped(),
    Erased(),
]
"""What clerk and resident do."""

WORLD: list[Event] = [
    CardArrived(),
    CardLeft(),
    OtherCardArrived(),
    Opened(TERMS),
    Trouble(Fault("disk_full")),
]
"""What cards and disks do."""

RESIDENTS: list[Resident] = [
    *(resident(standing=standing) for standing in [*Standing, None]),
    resident(held(MUNICIPALITY, 400)),
    resident(held(MUNICIPALITY, 3000), held(STREET, 80)),
    resident(held(OTHER, 700)),
    resident(held(MUNICIPALITY, 0), held(OTHER, 90)),
    resident(held(MUNICIPALITY, 501), held(OTHER, 1)),
    resident(held(MUNICIPALITY, 400).model_copy(update={"tap_redeemable": 0}), standing=None),
    Resident(None, barred=Fault("not_reserved_here")),
]
"""Anybody: of any standing, with any points, online or not."""

FAULTS = ["pin_wrong", "pin_blocked", "pin_last_try", "card_pulled", "card_changed"]


def answers(counter: Counter, task: int, asked: Draft | None = None) -> list[Callable[[], Event]]:
    """Return what an engine might say of a task, fitting or not; `asked` is what a card was last to sign."""
    state = counter.state
    draft = state.draft if isinstance(state, Sending) else SOLD
    asked = state.pin.draft if isinstance(state, Authorising) else asked
    return [
        *(partial(CardRead, task, who, whole) for who in RESIDENTS for whole in (False, True)),
        *(partial(CardFailed, task, Fault(code)) for code in FAULTS),
        *(partial(TriesLeft, task, tries) for tries in range(4)),
        lambda: Authorised(task, signed(asked or SOLD)),
        lambda: Authorised(task, SOLD),
        lambda: Decided(task, receipt(draft)),
        lambda: Decided(task, receipt(draft, Status.REFUSED, "amounts_wrong")),
        lambda: Unanswered(task, receipt(draft, None)),
        lambda: NotRecorded(task, Fault("disk_full")),
        *(partial(UndoableListed, task, items) for items in ((), (ITEM,), (CLOSED,))),
    ]


def everything(counter: Counter) -> list[Event]:
    """Return a sample of every event that can come now."""
    return [
        *(replace(event) for event in [*PEOPLE, *WORLD]),
        *(make() for make in answers(counter, counter.task)),
        *(Tick(counter.now + seconds) for seconds in (1.0, 5.0, 15.0, 1000.0)),
        PinEntered(bytearray(b"1234")),
    ]
