"""What the counter knows and speaks of: intents, residents, choices, drafts, receipts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from config.faults import Fault as Fault  # the counter speaks of faults too
from ledger.wire.answers import Cut, ProgrammeBalance, Standing, Verdict
from ledger.wire.kinds import granted
from ledger.wire.operations import Award, CardSigned, Convert, Link, Release, Reserve, Return, Sale, Unlink, Void
from ledger.wire.rules import Programme, Quote, Rate, restored
from ledger.wire.tokens import ServiceId

CounterOperation = Sale | Award | Void | Return | Convert | Link | Unlink | Reserve | Release
"""What can be asked of the ledger at a counter."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What this shop works with: its programmes in force, in deduction order, and how long it waits for a card."""

    terminal_id: str = ""
    shop_code: str = ""
    shop_name: str = ""
    programmes: Mapping[str, Programme] = field(default_factory=dict)
    tap_seconds: float = 60.0
    exchanges: tuple[Exchange, ...] = ()
    """The rates that hold today."""

    @property
    def municipality(self) -> str:
        """The code of the town that the shop stands in."""
        return self.shop_code[:6]


# What the clerk wants -------------------------------------------------------------------------------------------


class Use(StrEnum):
    """How many points a choice redeems: 全て使う / 一部使う / 使わない."""

    ALL = "all"
    SOME = "some"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class SaleIntent:
    """A bill of so many yen.

    `redeem` where the resident's choice is known before the tap, as a POS knows it: all, none, or so many points, of
    the town `town` if that is given. None lets the resident choose.
    """

    bill: int
    redeem: Literal[Use.ALL, Use.NONE] | int | None = None
    municipality: str | None = None


@dataclass(frozen=True, slots=True)
class AwardIntent:
    """Points without a bill, with the reason code that the municipality keeps."""

    programme: str
    points: int
    reason: str


@dataclass(frozen=True, slots=True)
class BalanceIntent:
    """残高照会: what the resident holds."""


@dataclass(frozen=True, slots=True)
class LinkIntent:
    """初回登録: the resident agreed to be registered, with the IDs to link at once."""

    services: tuple[ServiceId, ...] = ()


@dataclass(frozen=True, slots=True)
class Exchange:
    """One rate at which points of a programme become another's today (振替)."""

    source: str
    rate: Rate

    def given(self, points: int) -> int | None:
        """Return what so many points become; None where the rate takes them by more at once."""
        lots, rest = divmod(points, self.rate.take)
        return None if rest else lots * self.rate.give


@dataclass(frozen=True, slots=True)
class ConvertIntent:
    """振替: so many points of one programme become another's."""

    exchange: Exchange
    points: int


@dataclass(frozen=True, slots=True)
class UnlinkIntent:
    """連携解除・登録の取りやめ: what a POS gives up beforehand; without `service` everything, if it is `chosen`."""

    service: str | None = None
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class ReserveIntent:
    """取り置き: so many points are set aside for this shop, to be used there without a line."""

    points: int


@dataclass(frozen=True, slots=True)
class ReleaseIntent:
    """取り置きの返却: all that is left of what was set aside here becomes free again."""


Intent = (
    SaleIntent | AwardIntent | BalanceIntent | LinkIntent | ConvertIntent | UnlinkIntent | ReserveIntent | ReleaseIntent
)
"""What a card is waited for."""


# Who is there ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Resident:
    """A card that was read for this task, and what the ledger said of it; `standing` is None while the line is down.

    Who it is the desk alone knows, until an operation is written. Without a line `balances` are what may be redeemed
    here all the same; where that is nothing, `barred` says why.
    """

    standing: Standing | None = None
    balances: tuple[ProgrammeBalance, ...] = ()
    services: tuple[ServiceId, ...] = ()
    barred: Fault | None = None

    @property
    def online(self) -> bool:
        """Whether the ledger was asked."""
        return self.standing is not None


@dataclass(frozen=True, slots=True)
class Choice:
    """One line that the resident may choose: whose points, how many, and what the bill then comes to.

    The quote of `Use.SOME` is that of the most that could be entered.
    """

    use: Use
    municipality: str
    quote: Quote


# What is written ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Draft:
    """An operation that is not written yet; `operation_id` and `at` are fixed when a card signs them.

    Whose card it is, and its signature, are sealed into it when it is written; a void or return says what it undoes.
    """

    content: CounterOperation
    undoes: Undoable | None = None
    operation_id: str | None = None
    at: str | None = None

    @property
    def lacks_signature(self) -> bool:
        """Whether a card has still to sign."""
        return is_to_be_signed(self.content) and self.operation_id is None


@dataclass(frozen=True, slots=True)
class Receipt:
    """An operation that is durable in the journal, with its verdict as soon as there is one.

    `short_hash` is the start of the journal entry's hash, `elapsed_ms` what the machine (not the people) took from
    tap to verdict.
    """

    operation_id: str
    short_hash: str
    at: str
    content: CounterOperation
    undoes: Undoable | None = None
    verdict: Verdict | None = None
    balances: tuple[ProgrammeBalance, ...] = ()
    elapsed_ms: int = 0
    reservable: int = 0
    """Points that the resident could set aside for this shop now."""

    @property
    def bill(self) -> int | None:
        """The bill in yen, of a sale."""
        return self.content.bill if isinstance(self.content, Sale) else None

    @property
    def redeemed(self) -> int:
        """Points that paid: as decided, or as asked while there is no verdict."""
        return granted(self.content, self.verdict).redeemed

    @property
    def awarded(self) -> int:
        """Points that were earned: as decided, or as asked while there is no verdict."""
        return granted(self.content, self.verdict).awarded

    @property
    def amount_due(self) -> int | None:
        """Yen that are to be paid: points that were not granted are among them; what is given back is negative."""
        if isinstance(self.content, Void | Return) and (self.verdict is None or self.verdict.amount_due is None):
            undone = self.undoes
            if undone is None or not isinstance(undone.content, Sale):
                return None
            return -undone.gives_back(self.content.bill if isinstance(self.content, Return) else None)
        return granted(self.content, self.verdict).amount_due

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """Points that were asked for and not granted, and why."""
        return () if self.verdict is None else tuple(self.verdict.cuts)


@dataclass(frozen=True, slots=True)
class Undoable:
    """An operation that can still be undone: before the close by a void, after it by a return.

    `closed` is whether a close covers it; `returned` is the yen of its bill that came back already. `by_owner` says
    that another terminal of the shop did it, so that it takes the owner's code.
    """

    operation_id: str
    at: str
    content: Sale | Award | Convert
    verdict: Verdict | None = None
    closed: bool = False
    returned: int = 0
    by_owner: bool = False
    operator: str | None = None
    """Who did it, None where it was done a moment ago."""

    @property
    def undone_by(self) -> Literal["void", "return"]:
        """The kind of operation that undoes it now."""
        return "return" if self.closed or self.returned else "void"

    @property
    def bill(self) -> int:
        """Yen of the bill that can still come back; 0 of what has no bill."""
        return self.content.bill - self.returned if isinstance(self.content, Sale) else 0

    def gives_back(self, bill: int | None = None) -> int:
        """Return the yen that the customer gets back, if they had paid, for so much of the bill; None is a void.

        The ledger gives the points back itself.
        """
        if not isinstance(self.content, Sale):
            return 0
        sale = granted(self.content, self.verdict)
        if bill is None:
            return sale.amount_due or 0
        points = [restored(sale.redeemed, self.content.bill, back) for back in (self.returned, self.returned + bill)]
        return bill - (points[1] - points[0])


def is_decided_here(content: CounterOperation) -> bool:
    """Return whether a sale's points were decided without a line: then they are used, whatever the ledger says when."""
    return isinstance(content, Sale) and content.offline is not None


def is_to_be_signed(content: CounterOperation) -> bool:
    """Return whether an operation rests on the card's signature rather than on the tap."""
    return not isinstance(content, Void | Return) and isinstance(content.assurance, CardSigned)
