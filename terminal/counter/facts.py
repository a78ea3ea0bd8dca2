"""What the counter knows and speaks of: intents, residents, choices, drafts, receipts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from config.faults import Fault as Fault  # the counter speaks of faults too
from ledger.wire.answers import Cut, ProgrammeBalance, Standing, Verdict
from ledger.wire.kinds import granted
from ledger.wire.operations import Award, CardSigned, Link, Sale, Void
from ledger.wire.rules import Programme, Quote
from ledger.wire.tokens import ServiceId

CounterOperation = Sale | Award | Void | Link
"""What can be asked of the ledger at a counter."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What this shop works with: its programmes in force, in deduction order, and how long it waits for a card."""

    terminal_id: str = ""
    shop_code: str = ""
    shop_name: str = ""
    programmes: Mapping[str, Programme] = field(default_factory=dict)
    tap_seconds: float = 60.0

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
    town: str | None = None


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


Intent = SaleIntent | AwardIntent | BalanceIntent | LinkIntent
"""What a card is waited for."""


# Who is there ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Resident:
    """A card that was read for this task, and what the ledger said of it; `standing` is None while the line is down.

    Who it is the desk alone knows, until an operation is written.
    """

    standing: Standing | None = None
    balances: tuple[ProgrammeBalance, ...] = ()
    services: tuple[ServiceId, ...] = ()

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

    Whose card it is, and its signature, are sealed into it when it is written; a void says what it undoes.
    """

    content: CounterOperation
    undoes: Sale | Award | None = None
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
    undoes: Sale | Award | None = None
    verdict: Verdict | None = None
    balances: tuple[ProgrammeBalance, ...] = ()
    elapsed_ms: int = 0

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
        """Yen that are to be paid: points that were not granted are among them."""
        return granted(self.content, self.verdict).amount_due

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """Points that were asked for and not granted, and why."""
        return () if self.verdict is None else tuple(self.verdict.cuts)


@dataclass(frozen=True, slots=True)
class Voidable:
    """An operation of this terminal's open day that can still be undone."""

    operation_id: str
    at: str
    content: Sale | Award


def is_to_be_signed(content: CounterOperation) -> bool:
    """Return whether an operation rests on the card's signature rather than on the tap."""
    return not isinstance(content, Void) and isinstance(content.assurance, CardSigned)
