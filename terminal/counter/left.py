"""What the left of the counter says and asks, state by state: one question in large type, and what answers it.

The large button for Enter is no part of it: it stands below wherever the table has a key for Enter and no lines to
choose from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import assert_never

from ledger.wire.answers import ProgrammeBalance
from ledger.wire.operations import Award, Convert, Link, Release, Reserve, Return, Sale, Unlink, Void
from ledger.wire.values import MAX_YEN
from reader.pin import PIN_DIGITS, PIN_TRIES
from terminal.counter.facts import Choice, Exchange, Fault, Receipt, SaleIntent, Undoable, Use, is_decided_here
from terminal.counter.pieces import Boxes, Figure, Lines, Notice, Option, Picture, Piece, PracticeCards, Say
from terminal.counter.states import (
    Authorising,
    AwaitCard,
    AwaitCardAgain,
    Choosing,
    ConfirmingLastTry,
    ConfirmingUndo,
    Consenting,
    Done,
    EnteringAward,
    EnteringConvert,
    EnteringPart,
    EnteringPin,
    EnteringReserve,
    EnteringReturn,
    FindingUndo,
    Idle,
    PickingExchange,
    PickingReason,
    PickingTask,
    PickingUndo,
    PickingUnlink,
    Queued,
    Reading,
    Refused,
    Sending,
    ShowingBalance,
    Starting,
    TimedOut,
    Unfit,
    Unknown,
)
from terminal.shell.words import Words, clock, figure, moment, number_at_shop, points, signed_points, yen


@dataclass(frozen=True, slots=True)
class AskingContext:
    """What the question needs to know beside the state.

    `card_there` is whether something lies on the reader; `cards` are the practice cards that can be tapped.
    """

    words: Words
    card_there: bool = False
    practice: bool = False
    cards: tuple[str, ...] = ()


# Before a card is wanted -----------------------------------------------------------------------------------------


def starting(_state: Starting, room: AskingContext) -> Iterator[Piece]:
    """Say that the counter is getting ready."""
    yield Say(room.words("ask-starting"), "heading")
    yield Say(room.words("say-starting"), "quiet")


def unfit(state: Unfit, room: AskingContext) -> Iterator[Piece]:
    """Say what must be mended."""
    yield from _refusal(state.fault, room.words)


def idle(state: Idle, room: AskingContext) -> Iterator[Piece]:
    """Ask for the bill."""
    yield from _amount("ask-bill", state.text, "円", state.notice, room.words)


def picking_reason(state: PickingReason, room: AskingContext) -> Iterator[Piece]:
    """List what points are given for."""
    words = room.words
    yield Say(words("ask-reason"), "strong")
    yield Lines(
        tuple(
            Option(words.reason(reason), points(reason.points) if reason.points is not None else "")
            for _, reason in state.reasons
        ),
        state.cursor,
    )


def entering_award(state: EnteringAward, room: AskingContext) -> Iterator[Piece]:
    """Ask for the points to award."""
    yield from _points("ask-award", state, room.words)


def consenting(_state: Consenting, room: AskingContext) -> Iterator[Piece]:
    """Say what registering means."""
    yield Say(room.words("ask-consent"), "heading")
    for key in ("say-consent-what", "say-consent-card", "say-consent-not", "say-consent-leave"):
        yield Say(room.words(key), "spaced")


def picking_undo(state: PickingUndo, room: AskingContext) -> Iterator[Piece]:
    """List what can be undone."""
    words = room.words
    yield Say(words("ask-void"), "strong")
    if state.items is None:
        yield Say(words("say-void-reading"))
        return
    if not state.items:
        yield Say(words("say-void-none"))
    another = Option(words("choice-find"), "")
    yield Lines((*(_undoable_line(item, words) for item in state.items), another), state.cursor)


def finding_undo(state: FindingUndo, room: AskingContext) -> Iterator[Piece]:
    """Ask for number, amount or time."""
    yield Say(room.words("ask-find"), "heading" if state.text else "heading now")
    yield Say(state.text or "_", "strong spaced")
    yield from _notice(state.notice, room.words)
    yield Say(room.words("say-find"), "quiet")


def entering_return(state: EnteringReturn, room: AskingContext) -> Iterator[Piece]:
    """Ask for the yen of the bill that come back."""
    words, typed = room.words, state.text
    yield Say(words("ask-return"), "heading" if typed else "heading now")
    yield Figure(int(typed or state.most), "円", known=bool(typed))
    yield from _notice(state.notice, words)
    yield Say(words("say-return-whole", yen=yen(state.most)), "quiet")


def picking_task(state: PickingTask, room: AskingContext) -> Iterator[Piece]:
    """List what else a card is wanted for."""
    yield Say(room.words("ask-task"), "strong")
    yield Lines(tuple(Option(room.words(f"task-{task}"), "") for task in state.tasks), state.cursor)


def picking_exchange(state: PickingExchange, room: AskingContext) -> Iterator[Piece]:
    """List which points become which."""
    yield Say(room.words("ask-exchange"), "strong")
    yield Lines(tuple(_exchange(each, room.words) for each in state.exchanges), state.cursor)


def entering_convert(state: EnteringConvert, room: AskingContext) -> Iterator[Piece]:
    """Ask for the points to exchange."""
    words, exchange = room.words, state.picking.exchange
    yield from _amount("ask-convert", state.text, "P", state.notice, words)
    line = _exchange(exchange, words)
    yield Say(f"{line.name}  {line.value}", "quiet")


def entering_reserve(state: EnteringReserve, room: AskingContext) -> Iterator[Piece]:
    """Ask for the points to set aside."""
    words = room.words
    yield from _amount("ask-reserve", state.text, "P", state.notice, words)
    if state.most < MAX_YEN:
        yield Say(words("say-most", points=points(state.most)), "quiet")
    if state.notice is None:
        yield Say(words("say-reserve"), "quiet")


def picking_unlink(state: PickingUnlink, room: AskingContext) -> Iterator[Piece]:
    """List what can be given up, and what lapses with it."""
    words, resident = room.words, state.resident
    yield Say(words("ask-unlink"), "strong")
    held = sum(balance.points for balance in resident.balances)
    services = (Option(words("choice-unlink", service=each.service), each.number) for each in resident.services)
    yield Lines((*services, Option(words("choice-leave"), signed_points(-held))), state.cursor)
    yield Say(words("say-leave-lapse"), "strong spaced")
    yield Say(words("say-keep-card"), "quiet")


def confirming_undo(state: ConfirmingUndo, room: AskingContext) -> Iterator[Piece]:
    """Ask whether to undo it."""
    words, item, content = room.words, state.item, state.item.content
    yield Say(words("ask-confirm-void" if state.bill is None else "ask-confirm-return"), "heading now")
    match content:
        case Sale() if state.bill is not None:
            yield Figure(state.bill, "円")
            yield Say(words("say-confirm-void-sale", yen=yen(item.gives_back(state.bill))))
        case Sale():
            yield Figure(content.bill, "円")
            key = "say-confirm-void-unknown" if state.unknown else "say-confirm-void-sale"
            yield Say(words(key, yen=yen(item.gives_back())))
        case Convert(take=take, give=give):
            yield Figure(take.points, "P")
            yield Say(words("say-confirm-void-convert", points=points(give.points)))
        case Award():
            awarded = sum(leg.points for leg in content.award)
            yield Figure(awarded, "P")
            yield Say(words("say-confirm-void-award", points=points(awarded)))
        case _:
            assert_never(content)


# What the resident does ------------------------------------------------------------------------------------------


def await_card(state: AwaitCard, room: AskingContext) -> Iterator[Piece]:
    """Ask for a card."""
    yield from _hold_card("ask-hold-card", state.notice, room)


def await_card_again(state: AwaitCardAgain, room: AskingContext) -> Iterator[Piece]:
    """Ask for the same card once more."""
    yield from _hold_card("ask-hold-card-again", state.notice, room)


def reading(_state: Reading, room: AskingContext) -> Iterator[Piece]:
    """Ask to keep the card in place while it is read."""
    yield from _keep_card("ask-reading", room.words)


def choosing(state: Choosing, room: AskingContext) -> Iterator[Piece]:
    """List how many points could be used."""
    words = room.words
    yield Say(words("ask-use"), "strong")
    if state.notice is None and state.resident.online:
        yield Say(_held(state.resident.balances, words), "spaced")
    elif state.notice is None:
        usable = sum(balance.redeemable for balance in state.resident.balances)
        yield Say(words("say-reserved-only", points=points(usable)), "spaced")
    yield from _notice(state.notice, words)
    if not state.resident.online and len(state.choices) == 1:
        yield Say(f"{words('choice-all')}  {words('choice-some')}  {words('say-not-now')}", "quiet")
    yield Lines(tuple(_choice(choice, state, words) for choice in state.choices), state.cursor)
    if state.notice is None:
        yield Say(words("say-keep-card"), "quiet")


def entering_part(state: EnteringPart, room: AskingContext) -> Iterator[Piece]:
    """Ask for the points to use."""
    yield from _points("ask-part", state, room.words)


def entering_pin(state: EnteringPin, room: AskingContext) -> Iterator[Piece]:
    """Ask for the PIN."""
    words, tries = room.words, state.tries_left
    yield Say(words("ask-pin"), "heading" if state.typed == PIN_DIGITS else "heading now")
    yield Boxes(state.typed)
    if state.notice is None and tries is not None and tries < PIN_TRIES:  # a notice names them itself
        yield Say(words("say-tries-left", tries=tries), "refused strong")
    yield from _notice(state.notice, words)
    if tries is None:
        yield Say(words("ask-reading"), "quiet")
    else:
        yield Say(words("say-practice-pin" if room.practice else "say-pin-yourself"), "quiet")


def confirming_last_try(_state: ConfirmingLastTry, room: AskingContext) -> Iterator[Piece]:
    """Warn of the lock."""
    yield Say(room.words("ask-last-try"), "band refused")
    yield Say(room.words("say-last-try"), "spaced")
    yield Say(room.words("say-last-try-other"), "spaced strong")


def authorising(_state: Authorising, room: AskingContext) -> Iterator[Piece]:
    """Ask to keep the card in place while it signs."""
    yield from _keep_card("ask-authorising", room.words)


# What became of it -----------------------------------------------------------------------------------------------


def sending(_state: Sending, room: AskingContext) -> Iterator[Piece]:
    """Ask to wait."""
    yield Say(room.words("ask-sending"), "heading")
    yield Say(room.words("say-sending"), "quiet")


def done(state: Done, room: AskingContext) -> Iterator[Piece]:
    """Say that it is done, the one number that matters now, and what of it is not as it was promised."""
    words, receipt = room.words, state.receipt
    if any(cut.leg == "redeem" for cut in receipt.cuts):
        yield Say(words("ask-short"), "band waiting")
        yield Figure(receipt.amount_due or 0, "円")
        yield from _cuts(receipt, words)
        yield Say(words("say-short-todo"), "strong")
    else:
        yield Say(words(_done_title(receipt)), "band done")
        yield from _outcome(receipt, words)
        yield from _cuts(receipt, words)
    yield from _take_card(room)


def queued(state: Queued, room: AskingContext) -> Iterator[Piece]:
    """Say that it is taken and will be sent."""
    yield Say(room.words("ask-queued"), "band waiting")
    yield from _outcome(state.receipt, room.words)
    yield Say(room.words("say-queued-offline" if is_decided_here(state.receipt.content) else "say-queued"))
    yield from _take_card(room)


def refused(state: Refused, room: AskingContext) -> Iterator[Piece]:
    """Say what was refused, why, and what to do; a bill can always be paid without points."""
    yield from _refusal(state.fault, room.words)
    if isinstance(state.intent, SaleIntent):
        yield Say(room.words("say-without-points"), "spaced")
    yield from _take_card(room)


def timed_out(_state: TimedOut, room: AskingContext) -> Iterator[Piece]:
    """Say that nobody went on, and that nothing is lost."""
    refusal = room.words.refusal(Fault("timed_out"))
    yield Say(refusal.what, "band waiting")
    yield Say(refusal.why, "spaced")
    yield Say(refusal.todo, "spaced strong")
    yield from _take_card(room)


def unknown(state: Unknown, room: AskingContext) -> Iterator[Piece]:
    """Say that the outcome is unknown, what is tried, and what to tell the customer."""
    words = room.words
    yield Say(words("ask-unknown"), "band unknown")
    yield Say(words("say-unknown-why"), "spaced")
    yield Say(words("say-unknown-asking" if state.asking else "say-unknown-trying"), "spaced strong")
    yield Say(words("say-unknown-customer"), "spaced")
    yield from _take_card(room)


def showing_balance(state: ShowingBalance, room: AskingContext) -> Iterator[Piece]:
    """Say what the resident holds, and what of it lapses."""
    words, balances = room.words, state.resident.balances
    yield Say(words("ask-balance"), "heading")
    yield Figure(sum(balance.points for balance in balances), "P")
    if not balances:
        yield Say(words("say-no-points"))
    for balance in balances:
        if balance.reserved:
            yield Say(words("say-reserved-here", points=points(balance.reserved)), "quiet")
        if balance.expires_on is not None:
            lapsing = words("say-expiring", date=balance.expires_on, points=points(balance.expiring))
            yield Say(f"{words.programme(balance.programme)}  {lapsing}", "quiet")
    yield from _take_card(room)


# Pieces that several states share --------------------------------------------------------------------------------


def _refusal(fault: Fault, words: Words) -> Iterator[Piece]:
    refusal = words.refusal(fault)
    yield Say(refusal.what, "band refused")
    yield Say(refusal.why, "spaced")
    yield Say(refusal.todo, "spaced strong")
    yield Say(words("say-code", code=fault.code), "quiet spaced")


def _notice(notice: Fault | None, words: Words) -> Iterator[Piece]:
    if notice is not None:
        refusal = words.refusal(notice)
        yield Notice((Say(refusal.what, "refused strong"), Say(refusal.why), Say(refusal.todo)))


def _amount(heading: str, text: str, unit: str, notice: Fault | None, words: Words) -> Iterator[Piece]:
    """Ask for an amount: typing has the accent until there is something to go on with."""
    yield Say(words(heading), "heading" if text else "heading now")
    yield Figure(int(text or 0), unit, known=bool(text))
    yield from _notice(notice, words)


def _points(heading: str, state: EnteringAward | EnteringPart, words: Words) -> Iterator[Piece]:
    yield from _amount(heading, state.text, "P", state.notice, words)
    yield Say(words("say-most", points=points(state.most)), "quiet")


def _hold_card(heading: str, notice: Fault | None, room: AskingContext) -> Iterator[Piece]:
    words = room.words
    yield Say(words(heading), "heading now")
    if notice is None:
        yield Picture()
    yield from _notice(notice, words)
    if room.cards:
        yield Say(words("say-practice-cards"), "quiet spaced")
        yield PracticeCards(room.cards)


def _keep_card(heading: str, words: Words) -> Iterator[Piece]:
    yield Say(words(heading), "heading")
    yield Say(words("say-keep-card"), "now strong spaced")
    yield Picture(reading=True)


def _cuts(receipt: Receipt, words: Words) -> Iterator[Piece]:
    """Say how many points were not taken, and not given, and why the first; the slip names each."""
    for leg in ("redeem", "award"):
        cuts = [cut for cut in receipt.cuts if cut.leg == leg]
        if cuts:
            missing = sum(cut.asked - cut.granted for cut in cuts)
            yield Say(words(f"say-cut-{leg}", points=points(missing)), "strong")
            yield Say(words.refusal(Fault(cuts[0].reason)).what)


def _take_card(room: AskingContext) -> Iterator[Piece]:
    if room.card_there:
        yield Say(room.words("say-take-card"), "now strong")


def _undoable_line(item: Undoable, words: Words) -> Option:
    """Return when it was, its number, whether it can be voided or only returned, and what of it is left."""
    match item.content:
        case Sale():
            value = yen(item.bill)
        case Award(award=award):
            value = signed_points(sum(leg.points for leg in award))
        case Convert(take=take):
            value = signed_points(-take.points)
        case _:
            assert_never(item.content)
    at = moment(item.at)[5:] if item.closed else clock(item.at)
    way = words(f"choice-{item.undone_by}")
    return Option(f"{at}  {number_at_shop(item.operation_id)[3:]}  {way}", value)


def _exchange(exchange: Exchange, words: Words) -> Option:
    rate = exchange.rate
    named = {"source": words.programme(exchange.source), "target": words.programme(rate.to)}
    return Option(words("choice-exchange", **named), f"{figure(rate.take)} : {figure(rate.give)}")


def _held(balances: Sequence[ProgrammeBalance], words: Words) -> str:
    """Say what the resident holds, and what of it lapses next."""
    held = points(sum(balance.points for balance in balances))
    lapsing = [(balance.expires_on, balance.expiring) for balance in balances if balance.expires_on is not None]
    if not lapsing:
        return words("say-balance", points=held)
    date, expiring = min(lapsing)
    return words("say-balance-expiring", points=held, date=date, expiring=points(expiring))


def _choice(choice: Choice, state: Choosing, words: Words) -> Option:
    match choice.use:
        case Use.ALL if choice.municipality == state.choices[0].municipality:
            return Option(words("choice-all"), points(choice.quote.redeemed))
        case Use.ALL:
            theirs = words.programme(choice.quote.redeem[0].programme)
            return Option(words("choice-all-of", programme=theirs), points(choice.quote.redeemed))
        case Use.SOME:
            return Option(words("choice-some"), "")
        case Use.NONE:
            return Option(words("choice-none"), "")
        case _:
            assert_never(choice.use)


def _done_title(receipt: Receipt) -> str:
    match receipt.content:
        case Sale() | Award():
            return "ask-done"
        case Link():
            return "ask-linked"
        case Void():
            return "ask-voided"
        case Return():
            return "ask-returned"
        case Convert():
            return "ask-converted"
        case Unlink():
            return "ask-left"
        case Reserve():
            return "ask-reserved"
        case Release():
            return "ask-released"
        case _:
            assert_never(receipt.content)


def _outcome(receipt: Receipt, words: Words) -> Iterator[Piece]:
    """Show the one number that matters afterwards."""
    match receipt.content:
        case Sale():
            yield Say(words("say-amount-due"))
            yield Figure(receipt.amount_due or 0, "円")
        case Award():
            yield Say(words("say-awarded"))
            yield Figure(receipt.awarded, "P")
        case Link():
            yield Say(words("say-linked"), "spaced")
        case Convert():
            yield Say(words("say-converted"))
            yield Figure(receipt.awarded, "P")
        case Unlink(service=service):
            yield Say(words("say-left" if service is None else "say-unlinked"), "spaced")
        case Reserve(points=legs):
            yield Say(words("say-reserved"))
            yield Figure(sum(leg.points for leg in legs), "P")
        case Release():
            yield Say(words("say-released"), "spaced")
        case Void() | Return():
            if receipt.amount_due is not None and receipt.undoes is not None and receipt.undoes.bill:
                yield Say(words("say-given-back"))
                yield Figure(-receipt.amount_due, "円")
            yield Say(words("say-voided-points" if receipt.verdict else "say-voiding-points"), "spaced")
        case _:
            assert_never(receipt.content)
