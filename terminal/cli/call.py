"""One call of `kazasu op`: its arguments, its answers for people, and its output."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, NoReturn, assert_never

import typer

from config import settings as settings_file
from config.errors import OutputFailed
from config.faults import fault_of
from config.output import answer, say, tell
from config.texts import Texts
from ledger.wire.answers import ProgrammeBalance, Status
from ledger.wire.operations import Reserve, Sale
from ledger.wire.tokens import ServiceId
from offline_queue.errors import JournalInUse
from offline_queue.reading import Recorded
from terminal.cli import pin as pins
from terminal.cli.context import Exit, Globals, sentences
from terminal.cli.walk import Final, Stopped, Walk
from terminal.counter import Counter
from terminal.counter.amounts import amount_of
from terminal.counter.events import Asked, Entered, Event, Picked, PinEntered, Task, Typed
from terminal.counter.facts import Fault, Receipt
from terminal.counter.moves import Step
from terminal.counter.owner import Matter, OwnerRules
from terminal.counter.states import (
    AwaitCard,
    AwaitCardAgain,
    ConfirmingLastTry,
    ConfirmingUndo,
    Done,
    EnteringPin,
    EnteringReturn,
    PickingUndo,
    Queued,
    Refused,
    ShowingBalance,
    Unfit,
    Unknown,
)
from terminal.counter.undoing import may_be_part
from terminal.shop import books, clerks
from terminal.shop.engine import ReaderState, Surroundings
from terminal.shop.engine_thread import make_engine

Kind = str
"""What was asked for: `balance`, or the kind of an operation."""

CLERK_NUMBER = re.compile(r"[0-9A-Za-z]{1,16}")
REFERENCE = re.compile(r"[0-9A-Za-z._:/-]{1,64}")


@dataclass(frozen=True, slots=True)
class Ending:
    """How an operation ended, as `--json` tells it."""

    kind: Kind
    status: Literal["accepted", "accepted_with_shortfall", "queued", "refused", "unknown", "busy"]
    bill: int | None = None
    receipt: Receipt | None = None
    balances: tuple[ProgrammeBalance, ...] = ()
    fault: Fault | None = None
    services: tuple[ServiceId, ...] = ()
    """The numbers that are linked to the card: for people, who call them up by a tap."""
    reference: str | None = None

    @property
    def exit_code(self) -> Exit:
        """The exit code of the design page."""
        return Exit.ACCEPTED if self.status == "accepted_with_shortfall" else Exit[self.status.upper()]

    def as_json(self, message: str | None) -> dict[str, Any]:
        """Return the object that is printed."""
        receipt = self.receipt
        moved = receipt if self.status != "refused" else None
        return {
            "operation_id": receipt.operation_id if receipt else None,
            "reference": self.reference,
            "kind": self.kind,
            "status": self.status,
            "bill": self.bill,
            "redeemed": moved.redeemed if moved else 0,
            "awarded": moved.awarded if moved else 0,
            "amount_due": moved.amount_due if moved else None,
            "balances": [
                {
                    "programme": held.programme,
                    "points": held.points,
                    "expires_on": held.expires_on,
                    **({"reserved": held.reserved} if held.reserved else {}),
                }
                for held in self.balances
            ],
            "error": self.fault.code if self.fault else None,
            "message": message,
        }


@dataclass(frozen=True, slots=True)
class Call:
    """One command line: what it is about, and how it answers."""

    globals: Globals
    kind: Kind
    card: str | None
    timeout: float
    pin_fd: int | None
    as_json: bool
    reference: str | None = None
    """The caller's own name for the operation: the same again is the same operation."""
    bill: int | None = None
    """The yen that a return takes back."""
    as_owner: bool = False
    """Whether the owner's code was given."""
    clerk: str | None = None
    """Who is at the counter: the caller has made sure of them."""

    def finish(self, outcome: Ending, exit_code: int | None = None) -> NoReturn:
        """Print the outcome and end with its exit code."""
        texts = self.globals.texts
        outcome = replace(outcome, reference=outcome.reference or self.reference)
        message = None
        if outcome.fault is not None:
            message = sentences(texts, outcome.fault)
            if outcome.kind == "sale" and outcome.status == "refused" and not exit_code:
                message += f"\n{texts('say-without-points')}"
        elif outcome.receipt is not None and outcome.receipt.cuts:
            message = _shortened(outcome.receipt, texts)
        try:
            if self.as_json:
                answer(outcome.as_json(message))
            elif outcome.fault is not None:
                say(f"{message}\n({outcome.fault.code})")
            else:
                done = "op-queued" if outcome.status == "queued" else "op-accepted"
                tell("\n".join(filter(None, (texts(done, **_figures(outcome)), message))))
        except OutputFailed as failed:
            # What became of the operation is more than whether it could be printed: the exit code still says it.
            say(sentences(texts, fault_of(failed)))
        raise typer.Exit(outcome.exit_code if exit_code is None else exit_code)

    def misused(self, fault: Fault, bill: int | None = None) -> NoReturn:
        """End with exit 2: the command line itself is wrong."""
        self.finish(Ending(self.kind, "refused", bill, fault=fault), Exit.USAGE)

    def amount(self, text: str) -> int:
        """Return a whole amount; end with exit 2 where it is none."""
        amount = amount_of(text)
        if isinstance(amount, Fault):
            self.misused(amount)
        return amount

    def matching(self, pattern: re.Pattern[str], text: str | None, option: str) -> str | None:
        """Return a text that must match; end with exit 2 where it does not."""
        if text is not None and not pattern.fullmatch(text):
            self.misused(Fault("option_invalid", (("option", option),)))
        return text

    def with_owner(self, code: str | None) -> Call:
        """Return the call as the owner's, where the code is theirs; end with exit 11 where it is not."""
        if code is None:
            return self
        owners = settings_file.load_settings(self.globals.home.settings).owner.code
        if not owners:
            self.finish(Ending(self.kind, "refused", fault=Fault("owner_code_unset")))
        if not OwnerRules(owners).knows(code):
            self.finish(Ending(self.kind, "refused", fault=Fault("owner_code_wrong")))
        return replace(self, as_owner=True)

    def run(self, start: Callable[[Counter], Step], bill: int | None = None) -> NoReturn:
        """Walk the counter through one task, and end with how it ended; one that was recorded before is told again."""
        self.matching(REFERENCE, self.reference, "--reference")
        if self.reference is not None and (done := books.recorded(self.globals.home, reference=self.reference)):
            self.finish(ending_of(asyncio.run(books.decided(self.globals.home, self.globals.ledger, done))))
        clerk, settings = self._clerk(), settings_file.load_settings(self.globals.home.settings)
        rules = OwnerRules(settings.owner.code, settings.owner.award_above)
        engine = make_engine(
            self.globals.home, self.globals.ledger, card=self.card, reference=self.reference, clerk=clerk
        )
        if self.card is not None and self.card not in engine.practice_cards:
            known = ", ".join(engine.practice_cards) or "-"
            self.misused(Fault("practice_card_unknown", (("card", self.card), ("cards", known))), bill)
        consent = partial(self._ask_owner, rules, clerk or settings.counter.clerk)
        walk = Walk(engine, _Operator(self), self.timeout, self.card, consent=consent)
        try:
            final = walk.run(start)
        except Stopped as stopped:
            self.finish(_not_done(self.kind, bill, stopped.fault))
        self.finish(ended(self.kind, bill, final))

    def _clerk(self) -> str | None:
        """Return who is at the counter; end with exit 2 where nobody of that number may sign on."""
        self.matching(CLERK_NUMBER, self.clerk, "--clerk")
        known = clerks.load(self.globals.home.clerks)
        if self.clerk is not None and known.clerks and known.named(self.clerk) is None:
            self.misused(Fault("clerk_unknown"))
        return self.clerk

    def _ask_owner(self, rules: OwnerRules, clerk: str, matter: Matter | None) -> None:
        """Raise Stopped where something is the owner's, and the owner's code was not handed over."""
        if rules.asks(matter, clerk) and not self.as_owner:
            raise Stopped(Fault("owner_needed"))


@dataclass
class _Operator:
    """Answers for the people who are not there: gives the PIN, picks what to void, and says no to the last try."""

    call: Call
    tries: int = 0

    def __call__(self, counter: Counter, around: Surroundings) -> Event | None:
        match counter.state:
            case EnteringPin(tries_left=int(left), notice=notice):
                return PinEntered(self._pin(left, notice))
            case ConfirmingLastTry():
                raise Stopped(Fault("pin_last_try"))
            case PickingUndo((), notice=notice):
                raise Stopped(notice or Fault("target_unknown"))
            case PickingUndo((_,)):
                return Picked(1)
            case EnteringReturn(notice=Fault() as wrong):
                raise Stopped(wrong)
            case EnteringReturn(text=""):
                return Typed(str(self.call.bill)) if self.call.bill is not None else Entered()
            case EnteringReturn():
                return Entered()
            case ConfirmingUndo(bill=None) if self.call.kind == "return":
                if not may_be_part(counter.state):
                    raise Stopped(Fault("target_not_undoable"))
                return Asked(Task.UNDO)
            case ConfirmingUndo():
                return Entered()
            case AwaitCard() | AwaitCardAgain() if around.reader is ReaderState.PRACTICE and self.call.card is None:
                raise Stopped(Fault("practice_card_needed", (("cards", ", ".join(around.practice_cards)),)))
            case _:  # the walk goes on when the engine says something, and ends in a `Final` state
                return None

    def _pin(self, left: int, notice: Fault | None) -> bytearray:
        self.tries += 1
        if self.call.pin_fd is not None:
            if self.tries > 1:
                raise Stopped(notice or Fault("pin_not_given"))
            try:
                return pins.from_descriptor(self.call.pin_fd)
            except OSError:
                raise Stopped(Fault("pin_not_given")) from None
        if not pins.can_ask():
            raise Stopped(Fault("pin_not_given"))
        if notice is not None:
            say(self.call.globals.texts.refusal(notice.code, **dict(notice.args)).what)
        return pins.ask(self.call.globals.texts("op-pin", tries=left))


def _not_done(kind: Kind, bill: int | None, fault: Fault) -> Ending:
    """Return how a task ended in which nothing was recorded."""
    return Ending(kind, "busy" if fault.code == JournalInUse.code else "refused", bill, fault=fault)


def ending_of(record: Recorded) -> Ending:
    """Return how an operation stands that was recorded before."""
    content, verdict = record.entry.content, record.verdict
    receipt = Receipt(record.operation_id, record.short_hash, record.entry.at, content, verdict=verdict)  # type: ignore[arg-type]  # a close, too
    told = Ending(content.kind, "queued", receipt.bill, receipt, reference=record.entry.reference)
    if verdict is None:
        redeems = isinstance(content, Sale) and content.redeem and content.offline is None
        return replace(told, status="unknown", fault=Fault("outcome_unknown")) if redeems else told
    if verdict.status is Status.REFUSED:
        return replace(told, status="refused", fault=Fault(verdict.code or "unreadable"))
    return replace(told, status="accepted_with_shortfall" if verdict.status is Status.SHORTFALL else "accepted")


def ended(kind: Kind, bill: int | None, final: Final) -> Ending:
    """Return how a walk ended."""
    match final:
        case Done(receipt):
            short = receipt.verdict is not None and receipt.verdict.status is Status.SHORTFALL
            return Ending(kind, "accepted_with_shortfall" if short else "accepted", bill, receipt, receipt.balances)
        case Queued(receipt):
            return Ending(kind, "queued", bill, receipt)
        case Unknown(receipt):
            return Ending(kind, "unknown", bill, receipt, fault=Fault("outcome_unknown"))
        case Refused(fault, _, None):
            return _not_done(kind, bill, fault)
        case Refused(fault, _, receipt):
            return Ending(kind, "refused", bill, receipt, receipt.balances if receipt else (), fault)
        case Unfit(fault):
            return _not_done(kind, bill, fault)
        case ShowingBalance(resident):
            return Ending(kind, "accepted", bill, balances=resident.balances, services=resident.services)
        case _:
            assert_never(final)


def _shortened(receipt: Receipt, texts: Texts) -> str:
    """Say which points were not taken or not given, why, and what to do where that leaves yen to be paid."""
    said = []
    for cut in receipt.cuts:
        missing = texts(f"op-cut-{cut.leg}", points=cut.asked - cut.granted, programme=cut.programme)
        said += [missing, texts.refusal(cut.reason).why]
    if any(cut.leg == "redeem" for cut in receipt.cuts):
        said.append(texts("op-short-todo", due=receipt.amount_due or 0))
    return "\n".join(said)


def _held(balance: ProgrammeBalance) -> str:
    """Return what is held of a programme, and what is set aside here beside it."""
    aside = f" (+{balance.reserved})" if balance.reserved else ""
    return f"{balance.programme} {balance.points}{aside}"


def _figures(outcome: Ending) -> dict[str, str | int]:
    """Return what the sentences for people mention."""
    receipt = outcome.receipt
    content = receipt.content if receipt else None
    return {
        "kind": outcome.kind,
        "operation": receipt.operation_id if receipt else "",
        "redeemed": receipt.redeemed if receipt else 0,
        "awarded": receipt.awarded if receipt else 0,
        "back": -(receipt.amount_due or 0) if receipt else 0,
        "back_points": -receipt.redeemed if receipt else 0,
        "reserved": sum(leg.points for leg in content.points) if isinstance(content, Reserve) else 0,
        "due": (receipt.amount_due or 0) if receipt else 0,
        "balances": ", ".join(map(_held, outcome.balances)) or "-",
        "linked": ", ".join(f"{each.service}:{each.number}" for each in outcome.services) or "-",
    }
