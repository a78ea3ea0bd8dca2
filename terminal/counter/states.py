"""The states of the counter: what it shows is a function of one of these, and of nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from ledger.wire.rules import AwardReason
from ledger.wire.values import MAX_YEN
from reader.pin import PIN_DIGITS
from terminal.counter.events import Task
from terminal.counter.facts import (
    Choice,
    Draft,
    Exchange,
    Fault,
    Intent,
    Receipt,
    Resident,
    SaleIntent,
    Terms,
    Undoable,
)
from terminal.counter.scanned import SlipCode


@dataclass(frozen=True, slots=True)
class Starting:
    """Journal, ledger and reader are being opened."""


@dataclass(frozen=True, slots=True)
class Unfit:
    """Nothing can be done until the fault is mended: disk full, journal damaged, fork. Enter tries again."""

    fault: Fault


@dataclass(frozen=True, slots=True)
class Idle:
    """Ready for a bill: `text` holds the digits typed so far."""

    text: str = ""
    notice: Fault | None = None


@dataclass(frozen=True, slots=True)
class PickingReason:
    """The clerk picks what points of a programme are given for; each reason comes with its code."""

    programme: str
    reasons: tuple[tuple[str, AwardReason], ...]
    cursor: int = 0


@dataclass(frozen=True, slots=True)
class EnteringAward:
    """Points to award are being typed; at most `most`."""

    picking: PickingReason
    text: str = ""
    notice: Fault | None = None

    @property
    def most(self) -> int:
        """The most points that the reason allows."""
        _, reason = self.picking.reasons[self.picking.cursor]
        return reason.up_to or 0


@dataclass(frozen=True, slots=True)
class Consenting:
    """The resident reads what first registration means; Enter agrees."""


@dataclass(frozen=True, slots=True)
class AwaitCard:
    """The resident is asked to hold the card over the reader; `notice` says what was wrong with the last try."""

    intent: Intent
    notice: Fault | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """The card is being read and the ledger asked."""

    intent: Intent


@dataclass(frozen=True, slots=True)
class Choosing:
    """The resident chooses how many points to use; `cursor` is on one of `choices`.

    `tap_only` after the PIN turned out to be locked: what is left to choose needs none.
    """

    intent: SaleIntent
    resident: Resident
    choices: tuple[Choice, ...]
    cursor: int = 0
    tap_only: bool = False
    notice: Fault | None = None

    @property
    def choice(self) -> Choice:
        """The line that Enter takes."""
        return self.choices[self.cursor]


@dataclass(frozen=True, slots=True)
class EnteringPart:
    """一部使う: the number of points is being typed; at most `most`."""

    choosing: Choosing
    text: str = ""
    notice: Fault | None = None

    @property
    def most(self) -> int:
        """The most points that this bill and this balance allow."""
        return self.choosing.choice.quote.redeemed


@dataclass(frozen=True, slots=True)
class EnteringPin:
    """The resident types the PIN; `typed` counts the boxes filled, `tries_left` is None until the card was asked.

    `back` is where the resident chose, None where there was no choice.
    """

    draft: Draft
    resident: Resident
    intent: Intent
    back: Choosing | None = None
    tries_left: int | None = None
    typed: int = 0
    last_try: bool = False
    notice: Fault | None = None

    @property
    def can_be_tried(self) -> bool:
        """Whether all boxes are filled, and the card has said how many tries are left."""
        return self.typed == PIN_DIGITS and self.tries_left is not None


@dataclass(frozen=True, slots=True)
class ConfirmingLastTry:
    """One try is left before the card locks: Enter goes on, Esc gives up."""

    pin: EnteringPin


@dataclass(frozen=True, slots=True)
class AwaitCardAgain:
    """The card left before it had signed: the same one is waited for."""

    pin: EnteringPin
    notice: Fault | None = None


@dataclass(frozen=True, slots=True)
class Authorising:
    """The card checks the PIN and signs."""

    pin: EnteringPin


@dataclass(frozen=True, slots=True)
class Sending:
    """The operation is being written and sent; there is no way back from here."""

    draft: Draft


@dataclass(frozen=True, slots=True)
class Done:
    """Accepted, final."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Queued:
    """Written, and sent as soon as the line is there; nothing more is needed of anybody."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was moved; `receipt` where it was the ledger that refused a written operation."""

    fault: Fault
    intent: Intent | None = None
    receipt: Receipt | None = None


@dataclass(frozen=True, slots=True)
class TimedOut:
    """Nobody went on for so long that the task was given up; nothing is typed here until somebody goes on."""

    intent: Intent


@dataclass(frozen=True, slots=True)
class Unknown:
    """処理未了: points were to be redeemed and no answer came. Enter asks again, Esc leads to voiding it."""

    receipt: Receipt
    asking: bool = False


@dataclass(frozen=True, slots=True)
class ShowingBalance:
    """残高照会: what the resident holds."""

    resident: Resident


@dataclass(frozen=True, slots=True)
class PickingUndo:
    """The clerk picks what to undo, or to look for another; `items` is None until the journal was read, newest first.

    `slip` is the one that was scanned: its operation is picked already. `number` is what was looked for.
    """

    items: tuple[Undoable, ...] | None = None
    cursor: int = 0
    slip: SlipCode | None = None
    number: int | None = None
    to_void: bool = False
    """Whether nothing but a void is meant: the ledger says why where that cannot be."""
    notice: Fault | None = None
    """Why what another terminal did cannot be looked up."""


@dataclass(frozen=True, slots=True)
class FindingUndo:
    """The clerk types number, amount or time of what to undo."""

    text: str = ""
    notice: Fault | None = None


@dataclass(frozen=True, slots=True)
class EnteringReturn:
    """返品: the yen of the bill that come back are typed; nothing typed is all that is left of it."""

    item: Undoable
    text: str = ""
    notice: Fault | None = None

    @property
    def most(self) -> int:
        """The most that can still come back."""
        return self.item.bill


@dataclass(frozen=True, slots=True)
class ConfirmingUndo:
    """The clerk confirms what is undone; `unknown` is where Esc leads back to, if that is how we came here.

    `bill` is the yen that are returned, None where the whole operation is voided.
    """

    item: Undoable
    unknown: Unknown | None = None
    bill: int | None = None


@dataclass(frozen=True, slots=True)
class PickingTask:
    """The clerk picks what else a card is wanted for."""

    tasks: tuple[Task, ...] = (Task.LINK, Task.CONVERT, Task.LEAVE, Task.RESERVE, Task.RELEASE)
    cursor: int = 0


@dataclass(frozen=True, slots=True)
class PickingExchange:
    """振替: the clerk picks which points become which."""

    exchanges: tuple[Exchange, ...]
    cursor: int = 0

    @property
    def exchange(self) -> Exchange:
        """The line that Enter takes."""
        return self.exchanges[self.cursor]


@dataclass(frozen=True, slots=True)
class EnteringConvert:
    """振替: the points to give are typed."""

    picking: PickingExchange
    text: str = ""
    notice: Fault | None = None


@dataclass(frozen=True, slots=True)
class EnteringReserve:
    """取り置き: the points to set aside are typed; at most `most`, where that is known.

    `same` is whether the card that was just served is still meant, at the end of its sale.
    """

    text: str = ""
    notice: Fault | None = None
    most: int = MAX_YEN
    same: bool = False


@dataclass(frozen=True, slots=True)
class PickingUnlink:
    """The resident picks what to give up: one of the linked numbers, or, on the last line, everything."""

    resident: Resident
    cursor: int = 0

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return len(self.resident.services) + 1

    @property
    def service(self) -> str | None:
        """What Enter gives up; None is everything."""
        services = self.resident.services
        return services[self.cursor].service if self.cursor < len(services) else None


State = (
    Starting
    | Unfit
    | Idle
    | PickingReason
    | EnteringAward
    | Consenting
    | AwaitCard
    | Reading
    | Choosing
    | EnteringPart
    | EnteringPin
    | ConfirmingLastTry
    | AwaitCardAgain
    | Authorising
    | Sending
    | Done
    | Queued
    | Refused
    | TimedOut
    | Unknown
    | ShowingBalance
    | PickingUndo
    | FindingUndo
    | EnteringReturn
    | ConfirmingUndo
    | PickingTask
    | PickingExchange
    | EnteringConvert
    | EnteringReserve
    | PickingUnlink
)


class Field(StrEnum):
    """What lies in the reader's field; a card that served one task must be lifted before it serves another."""

    EMPTY = "empty"
    CARD = "card"
    USED_CARD = "used_card"
    OTHER_CARD = "other_card"


@dataclass(frozen=True, slots=True)
class Counter:
    """The whole counter: its state and what holds across states.

    `task` numbers what was begun, so that a late answer to an earlier one is known for that; `now`, `changed_at`
    (when somebody last moved the state) and `field_changed_at` are seconds of the monotonic clock, as of the last tick.
    """

    state: State = field(default_factory=Starting)
    terms: Terms = field(default_factory=Terms)
    field: Field = Field.EMPTY
    task: int = 0
    now: float = 0.0
    changed_at: float = 0.0
    field_changed_at: float = 0.0
