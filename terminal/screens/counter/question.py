"""The left of the counter: one question in large type, and what answers it, for every state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from textual.containers import Grid, Vertical
from textual.widget import Widget

from ledger.wire.answers import ProgrammeBalance, Status
from ledger.wire.operations import Award, Link, Sale, Void
from terminal.counter.events import Picked
from terminal.counter.facts import Choice, Fault, Receipt, Use, Voidable
from terminal.counter.resident import FEW_TRIES
from terminal.counter.states import (
    Authorising,
    AwaitCard,
    AwaitCardAgain,
    Choosing,
    ConfirmingLastTry,
    ConfirmingVoid,
    Consenting,
    Done,
    EnteringAward,
    EnteringPart,
    EnteringPin,
    Idle,
    PickingReason,
    PickingVoid,
    Queued,
    Reading,
    Refused,
    Sending,
    ShowingBalance,
    Starting,
    State,
    Unfit,
    Unknown,
)
from terminal.screens.counter.keys import forward
from terminal.shell.widgets.amount import AmountDisplay
from terminal.shell.widgets.card_picture import CardPicture
from terminal.shell.widgets.pin_boxes import PIN_DIGITS, PinBoxes
from terminal.shell.widgets.prose import Prose
from terminal.shell.widgets.touch import ChoiceLine, Hold, KeyCap
from terminal.shell.words import Words, clock, given, number_at_shop, points, yen

ROOMY_LINES = 3
"""Lines to choose from that may stand apart on a screen of 24 rows."""


@dataclass(frozen=True, slots=True)
class Room:
    """What the question needs to know beside the state.

    `card_there` is whether something lies on the reader; `cards` are the practice cards that can be tapped.
    """

    words: Words
    card_there: bool = False
    practice: bool = False
    cards: tuple[str, ...] = ()
    motion: bool = True


def question(state: State, room: Room) -> Iterator[Widget]:
    """Yield what stands at the left, from top to bottom."""
    words = room.words
    match state:
        case Starting():
            yield Prose(words("ask-starting"), "heading")
            yield Prose(words("say-starting"), "quiet")
        case Unfit(fault):
            yield from _refusal(fault, words)
            yield from _button(state, words)
        case Idle(text, notice):
            yield from _amount("ask-bill", text, "円", notice, words)
            yield from _button(state, words, ready=bool(text) and notice is None)
        case PickingReason():
            yield from _reasons(state, words)
        case Consenting():
            yield Prose(words("ask-consent"), "heading")
            for key in ("say-consent-what", "say-consent-card", "say-consent-not", "say-consent-leave"):
                yield Prose(words(key), "spaced")
            yield from _button(state, words)
        case EnteringAward() | EnteringPart():
            asked = "ask-part" if isinstance(state, EnteringPart) else "ask-award"
            yield from _amount(asked, state.text, "P", state.notice, words)
            yield Prose(words("say-most", points=points(state.most)), "quiet")
            yield from _button(state, words, ready=bool(state.text) and state.notice is None)
        case PickingVoid():
            yield from _voidables(state, words)
        case ConfirmingVoid():
            yield from _confirm_void(state, words)
        case AwaitCard() | AwaitCardAgain() | Reading() | Choosing():
            yield from _with_card(state, room)
        case EnteringPin() | ConfirmingLastTry() | Authorising():
            yield from _with_pin(state, room)
        case Sending() | Done() | Queued() | Refused() | Unknown() | ShowingBalance():
            yield from _result(state, room)


# Pieces that several states share --------------------------------------------------------------------------------


def _button(state: State, words: Words, *, ready: bool = True) -> Iterator[Widget]:
    """Yield the large button for Enter, where Enter does something; it has the accent when it should be pressed now."""
    if key := forward(state):
        yield KeyCap(key.cap, words(key.text), key.means, "forward now" if ready else "forward")


def _refusal(fault: Fault, words: Words) -> Iterator[Widget]:
    refusal = words.refusal(fault)
    yield Prose(refusal.what, "band refused")
    yield Prose(refusal.why, "spaced")
    yield Prose(refusal.todo, "spaced strong")
    yield Prose(words("say-code", code=fault.code), "quiet spaced")


def _notice(notice: Fault | None, words: Words) -> Iterator[Widget]:
    if notice is not None:
        refusal = words.refusal(notice)
        yield Vertical(Prose(refusal.what, "refused strong"), Prose(refusal.why), Prose(refusal.todo), classes="notice")


def _amount(heading: str, text: str, unit: str, notice: Fault | None, words: Words) -> Iterator[Widget]:
    """Ask for an amount: typing has the accent until there is something to go on with."""
    yield Prose(words(heading), "heading" if text else "heading now")
    yield AmountDisplay(int(text or 0), unit, "" if text else "quiet")
    yield from _notice(notice, words)


def _lines(lines: Iterable[ChoiceLine]) -> Widget:
    """Show lines to choose from, apart where there is room for that."""
    shown = list(lines)
    return Vertical(*shown, classes="lines" if len(shown) <= ROOMY_LINES else "lines tight")


def _cards(room: Room) -> Iterator[Widget]:
    if room.cards:
        yield Prose(room.words("say-practice-cards"), "quiet spaced")
        yield Grid(
            *(
                KeyCap(str(number), room.words(f"card-{card}"), Hold(card), "tile")
                for number, card in enumerate(room.cards, start=1)
            ),
            classes="tiles",
        )


def _picture(room: Room, *, reading: bool = False) -> Widget:
    return CardPicture(room.words("picture-card"), room.words("picture-reader"), moving=reading and room.motion)


# What the clerk types --------------------------------------------------------------------------------------------


def _reasons(state: PickingReason, words: Words) -> Iterator[Widget]:
    yield Prose(words("ask-reason"), "strong")
    yield _lines(
        ChoiceLine(
            index + 1,
            words.reason(reason),
            points(reason.points) if reason.points is not None else "",
            Picked(index + 1),
            chosen=index == state.cursor,
        )
        for index, (_, reason) in enumerate(state.reasons)
    )


def _voidables(state: PickingVoid, words: Words) -> Iterator[Widget]:
    yield Prose(words("ask-void"), "heading")
    if state.items:
        yield _lines(_voidable(index, item, state.cursor) for index, item in enumerate(state.items))
    else:
        yield Prose(words("say-void-reading" if state.items is None else "say-void-none"))


def _voidable(index: int, item: Voidable, cursor: int) -> ChoiceLine:
    number, means = index + 1, Picked(index + 1)
    match item.content:
        case Sale(bill=bill):
            value = yen(bill)
        case Award(award=award):
            value = given(sum(leg.points for leg in award))
    name = f"{clock(item.at)}  {number_at_shop(item.operation_id)}"
    return ChoiceLine(number, name, value, means, chosen=index == cursor)


def _confirm_void(state: ConfirmingVoid, words: Words) -> Iterator[Widget]:
    content = state.item.content
    yield Prose(words("ask-confirm-void"), "heading now")
    if isinstance(content, Sale):
        yield AmountDisplay(content.bill, "円")
        key = "say-confirm-void-unknown" if state.unknown else "say-confirm-void-sale"
        yield Prose(words(key, yen=yen(content.amount_due)))
    else:
        awarded = sum(leg.points for leg in content.award)
        yield AmountDisplay(awarded, "P")
        yield Prose(words("say-confirm-void-award", points=points(awarded)))
    yield from _button(state, words)


# What the resident does ------------------------------------------------------------------------------------------


def _with_card(state: AwaitCard | AwaitCardAgain | Reading | Choosing, room: Room) -> Iterator[Widget]:
    words = room.words
    match state:
        case AwaitCard(notice=notice) | AwaitCardAgain(notice=notice):
            again = isinstance(state, AwaitCardAgain)
            yield Prose(words("ask-hold-card-again" if again else "ask-hold-card"), "heading now")
            if notice is None:
                yield _picture(room)
            yield from _notice(notice, words)
            yield from _cards(room)
        case Reading():
            yield Prose(words("ask-reading"), "heading")
            yield Prose(words("say-keep-card"), "now strong spaced")
            yield _picture(room, reading=True)
        case Choosing():
            yield Prose(words("ask-use"), "strong")
            if state.notice is None:
                yield Prose(_held(state.resident.balances, words), "spaced")
            yield from _notice(state.notice, words)
            yield _lines(_choice(index, choice, state, words) for index, choice in enumerate(state.choices))
            if state.notice is None:
                yield Prose(words("say-keep-card"), "quiet")


def _held(balances: Sequence[ProgrammeBalance], words: Words) -> str:
    """Say what the resident holds, and what of it lapses next."""
    held = points(sum(balance.points for balance in balances))
    lapsing = [(balance.expires_on, balance.expiring) for balance in balances if balance.expires_on is not None]
    if not lapsing:
        return words("say-balance", points=held)
    date, expiring = min(lapsing)
    return words("say-balance-expiring", points=held, date=date, expiring=points(expiring))


def _choice(index: int, choice: Choice, state: Choosing, words: Words) -> ChoiceLine:
    own = choice.municipality == state.choices[0].municipality
    match choice.use:
        case Use.ALL:
            theirs = words.programme(choice.quote.redeem[0].programme)
            name = words("choice-all") if own else words("choice-all-of", programme=theirs)
            value = points(choice.quote.redeemed)
        case Use.SOME:
            name, value = words("choice-some"), ""
        case Use.NONE:
            name, value = words("choice-none"), ""
    return ChoiceLine(index + 1, name, value, Picked(index + 1), chosen=index == state.cursor)


def _with_pin(state: EnteringPin | ConfirmingLastTry | Authorising, room: Room) -> Iterator[Widget]:
    words = room.words
    match state:
        case EnteringPin(tries_left=tries, typed=typed):
            full = typed == PIN_DIGITS
            yield Prose(words("ask-pin"), "heading" if full else "heading now")
            yield PinBoxes(typed)
            if state.notice is None and tries is not None and tries < FEW_TRIES:  # a notice names them itself
                yield Prose(words("say-tries-left", tries=tries), "refused strong")
            yield from _notice(state.notice, words)
            if tries is None:
                yield Prose(words("ask-reading"), "quiet")
            else:
                yield Prose(words("say-practice-pin" if room.practice else "say-pin-yourself"), "quiet")
            yield from _button(state, words, ready=full and tries is not None)
        case ConfirmingLastTry():
            yield Prose(words("ask-last-try"), "band refused")
            yield Prose(words("say-last-try"), "spaced")
            yield Prose(words("say-last-try-other"), "spaced strong")
            yield from _button(state, words, ready=False)
        case Authorising():
            yield Prose(words("ask-authorising"), "heading")
            yield Prose(words("say-keep-card"), "now strong spaced")
            yield _picture(room, reading=True)


# What became of it -----------------------------------------------------------------------------------------------


def _result(state: Sending | Done | Queued | Refused | Unknown | ShowingBalance, room: Room) -> Iterator[Widget]:
    words = room.words
    match state:
        case Sending():
            yield Prose(words("ask-sending"), "heading")
            yield Prose(words("say-sending"), "quiet")
        case Done(receipt):
            yield from _done(receipt, words)
        case Queued(receipt):
            yield Prose(words("ask-queued"), "band waiting")
            yield from _outcome(receipt, words)
            yield Prose(words("say-queued"))
        case Refused(fault):
            yield from _refusal(fault, words)
        case Unknown(asking=asking):
            yield Prose(words("ask-unknown"), "band unknown")
            yield Prose(words("say-unknown-why"), "spaced")
            yield Prose(words("say-unknown-asking" if asking else "say-unknown-trying"), "spaced strong")
            yield Prose(words("say-unknown-customer"), "spaced")
        case ShowingBalance(resident):
            yield Prose(words("ask-balance"), "heading")
            yield AmountDisplay(sum(balance.points for balance in resident.balances), "P")
            yield from _lapsing(resident.balances, words)
    if room.card_there and not isinstance(state, Sending):
        yield Prose(words("say-take-card"), "now strong")
    yield from _button(state, words, ready=not room.card_there)


def _done(receipt: Receipt, words: Words) -> Iterator[Widget]:
    title = {"link": "ask-linked", "void": "ask-voided"}.get(receipt.content.kind, "ask-done")
    yield Prose(words(title), "band done")
    yield from _outcome(receipt, words)
    if receipt.verdict is not None and receipt.verdict.status is Status.SHORTFALL:
        yield Prose(words("say-shortfall"))


def _outcome(receipt: Receipt, words: Words) -> Iterator[Widget]:
    """Show the one number that matters afterwards."""
    match receipt.content:
        case Sale(amount_due=due):
            yield Prose(words("say-amount-due"))
            yield AmountDisplay(due, "円")
        case Award():
            yield Prose(words("say-awarded"))
            yield AmountDisplay(receipt.awarded, "P")
        case Link():
            yield Prose(words("say-linked"), "spaced")
        case Void():
            if isinstance(receipt.undoes, Sale):
                yield Prose(words("say-given-back"))
                yield AmountDisplay(receipt.undoes.amount_due, "円")
            yield Prose(words("say-voided-points" if receipt.verdict else "say-voiding-points"), "spaced")


def _lapsing(balances: Sequence[ProgrammeBalance], words: Words) -> Iterator[Widget]:
    if not balances:
        yield Prose(words("say-no-points"))
    for balance in balances:
        if balance.expires_on is not None:
            yield Prose(
                f"{words.programme(balance.programme)}  "
                + words("say-expiring", date=balance.expires_on, points=points(balance.expiring)),
                "quiet",
            )
