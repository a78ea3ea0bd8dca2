"""What happens while a card is wanted: reading it, the resident's choice, the PIN, the signature."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from ledger.wire.answers import Standing
from reader.pin import PIN_DIGITS
from terminal.counter import pricing
from terminal.counter.amounts import amount_of, edited
from terminal.counter.effects import AskTries, Authorise
from terminal.counter.events import (
    Authorised,
    CardArrived,
    CardFailed,
    CardLeft,
    CardRead,
    Entered,
    Erased,
    Escaped,
    Event,
    Moved,
    OtherCardArrived,
    Picked,
    PinEntered,
    PinTyped,
    TriesLeft,
    Typed,
)
from terminal.counter.facts import (
    AwardIntent,
    BalanceIntent,
    Choice,
    ConvertIntent,
    Draft,
    Fault,
    Intent,
    LinkIntent,
    ReleaseIntent,
    ReserveIntent,
    Resident,
    SaleIntent,
    UnlinkIntent,
    Use,
    is_decided_here,
)
from terminal.counter.moves import Step, commit, go, home, read_card, stay
from terminal.counter.states import (
    Authorising,
    AwaitCard,
    AwaitCardAgain,
    Choosing,
    ConfirmingLastTry,
    Counter,
    EnteringPart,
    EnteringPin,
    Field,
    PickingUnlink,
    Reading,
    Refused,
    ShowingBalance,
)

TAP_AGAIN = frozenset(
    {
        "answer_broken",
        "card_not_answering",
        "card_pulled",
        "card_refused",
        "no_card",
        "no_reader",
        "pcsc_forbidden",
        "not_my_number_card",
        "pcsc_service_down",
        "reader_busy",
        "two_cards",
    }
)
"""What may go better when the card is held over the reader again; everything else is the card's own."""


# The tap --------------------------------------------------------------------------------------------------------


def await_card(counter: Counter, state: AwaitCard, event: Event) -> Step:
    """Read the card that comes."""
    match event:
        case CardArrived():
            return read_card(counter, state.intent)
        case OtherCardArrived():
            return go(counter, replace(state, notice=Fault("other_card")))
        case CardLeft() if state.notice in (Fault("other_card"), Fault("card_left_behind")):
            return go(counter, replace(state, notice=None))
        case Escaped():
            return give_up(counter, state.intent)
        case _:  # no other event is for this state
            return stay(counter)


def reading(counter: Counter, state: Reading, event: Event) -> Step:
    """Go on with whoever was read."""
    match event:
        case CardRead(_, resident, whole):
            return _known(counter, state.intent, resident, whole)
        case CardFailed(_, fault) if fault.code in TAP_AGAIN:
            return go(counter, AwaitCard(state.intent, fault))
        case CardFailed(_, fault):
            return go(counter, Refused(fault, state.intent))
        case Escaped():
            return give_up(counter, state.intent)
        case _:  # no other event is for this state
            return stay(counter)


def _known(counter: Counter, intent: Intent, resident: Resident, whole: bool) -> Step:
    terms = counter.terms
    if isinstance(intent, LinkIntent):
        if not whole or not resident.online:
            return go(counter, Refused(Fault("line_needed"), intent))
        return _ask_pin(counter, EnteringPin(pricing.link(terms), resident, intent))
    if resident.online and resident.standing is not Standing.ACTIVE:
        return go(counter, Refused(Fault(f"card_{resident.standing}"), intent))
    match intent:
        case BalanceIntent():
            return go(counter, ShowingBalance(resident) if resident.online else Refused(Fault("line_needed"), intent))
        case ConvertIntent() | UnlinkIntent() | ReserveIntent() | ReleaseIntent() if not resident.online:
            return go(counter, Refused(Fault("line_needed"), intent))
        case ConvertIntent():
            return _convert(counter, intent, resident)
        case UnlinkIntent(chosen=True):
            return go(counter, PickingUnlink(resident))
        case UnlinkIntent(service):
            return _ask_pin(counter, EnteringPin(pricing.unlink(service, terms), resident, intent))
        case ReserveIntent():
            return _reserve(counter, intent, resident)
        case ReleaseIntent():
            return commit(counter, pricing.release(terms))
        case AwardIntent():
            if not resident.online and not pricing.may_queue(intent.programme, terms):
                return go(counter, Refused(Fault("line_needed"), intent))
            return commit(counter, pricing.award(intent, terms))
        case SaleIntent(bill, redeem=None):
            none = pricing.choice_of_none(bill, resident, terms)
            if not resident.online:
                return _without_line(counter, intent, resident, none)
            if choices := pricing.choices_for(bill, resident, terms):
                return go(counter, Choosing(intent, resident, choices))
            return _settle(counter, intent, resident, none)
        case SaleIntent():
            return _as_wished(counter, intent, resident)
        case _:
            assert_never(intent)


def _without_line(counter: Counter, intent: SaleIntent, resident: Resident, none: Choice) -> Step:
    """Offer what may be redeemed here all the same; else say why not, before anything is asked or written."""
    if choices := pricing.choices_for(intent.bill, resident, counter.terms):
        return go(counter, Choosing(intent, resident, choices))
    return go(counter, Choosing(intent, resident, (none,), notice=resident.barred or Fault("line_needed")))


def _reserve(counter: Counter, intent: ReserveIntent, resident: Resident) -> Step:
    if not pricing.may_be_reserved(counter.terms):
        return go(counter, Refused(Fault("offline_not_allowed"), intent))
    try:
        draft = pricing.reserve(intent, resident, counter.terms)
    except ValueError:
        return go(counter, Refused(Fault("insufficient_balance"), intent))
    return _ask_pin(counter, EnteringPin(draft, resident, intent))


def _as_wished(counter: Counter, intent: SaleIntent, resident: Resident) -> Step:
    if not resident.online and intent.redeem is not Use.NONE and not resident.balances:
        return go(counter, Refused(resident.barred or Fault("line_needed"), intent))
    try:
        choice = pricing.as_wished(intent, resident, counter.terms)
    except ValueError:
        wished = intent.redeem if isinstance(intent.redeem, int) else 0
        return go(counter, Refused(Fault("points_not_possible", (("points", wished),)), intent))
    return _settle(counter, intent, resident, choice)


def _convert(counter: Counter, intent: ConvertIntent, resident: Resident) -> Step:
    try:
        draft = pricing.convert(intent, resident, counter.terms)
    except ValueError:
        return go(counter, Refused(Fault("insufficient_balance"), intent))
    if draft.lacks_signature:
        return _ask_pin(counter, EnteringPin(draft, resident, intent))
    return commit(counter, draft)


def picking_unlink(counter: Counter, state: PickingUnlink, event: Event) -> Step:
    """Let the resident pick what to give up; the PIN is the yes."""
    match event:
        case Moved(by):
            return go(counter, replace(state, cursor=(state.cursor + by) % state.lines))
        case Picked(number) if 1 <= number <= state.lines:
            return _unlink(counter, replace(state, cursor=number - 1))
        case Entered():
            return _unlink(counter, state)
        case Escaped():
            return home(counter)
        case _:  # no other event is for this state
            return stay(counter)


def _unlink(counter: Counter, state: PickingUnlink) -> Step:
    draft = pricing.unlink(state.service, counter.terms)
    return _ask_pin(counter, EnteringPin(draft, state.resident, UnlinkIntent(state.service)))


def give_up(counter: Counter, intent: Intent) -> Step:
    """Give the bill back to be corrected; begin anew with all else."""
    return home(counter, str(intent.bill) if isinstance(intent, SaleIntent) else "")


# The choice -----------------------------------------------------------------------------------------------------


def choosing(counter: Counter, state: Choosing, event: Event) -> Step:
    """Let the resident choose: a number chooses at once, Enter takes the highlighted line."""
    match event:
        case Moved(by):
            return go(counter, replace(state, cursor=(state.cursor + by) % len(state.choices)))
        case Picked(number) if 1 <= number <= len(state.choices):
            return _chosen(counter, replace(state, cursor=number - 1))
        case Entered():
            return _chosen(counter, state)
        case Escaped():
            return give_up(counter, state.intent)
        case _:  # no other event is for this state
            return stay(counter)


def _chosen(counter: Counter, state: Choosing) -> Step:
    if state.choice.use is Use.SOME:
        return go(counter, EnteringPart(state))
    return _settle(counter, state.intent, state.resident, state.choice, state)


def entering_part(counter: Counter, state: EnteringPart, event: Event) -> Step:
    """Take the number of points to use."""
    match event:
        case Typed() | Erased():
            return go(counter, edited(state, event, state.most))
        case Escaped():
            return go(counter, state.choosing)
        case Entered() if state.notice is None:
            return _part(counter, state)
        case _:  # no other event is for this state
            return stay(counter)


def _part(counter: Counter, state: EnteringPart) -> Step:
    points = amount_of(state.text, state.most)
    if isinstance(points, Fault):
        return go(counter, replace(state, notice=points))
    chosen = state.choosing
    try:
        choice = pricing.choice_of(chosen.choice, points, chosen.resident, counter.terms, tap_only=chosen.tap_only)
    except ValueError:
        return go(counter, replace(state, notice=Fault("points_not_possible", (("points", points),))))
    return _settle(counter, chosen.intent, chosen.resident, choice, chosen)


def _settle(
    counter: Counter, intent: SaleIntent, resident: Resident, choice: Choice, back: Choosing | None = None
) -> Step:
    draft = pricing.sale(choice, counter.terms, online=resident.online)
    if draft.lacks_signature:
        return _ask_pin(counter, EnteringPin(draft, resident, intent, back and replace(back, notice=None)))
    return commit(counter, draft)


# The PIN and the signature --------------------------------------------------------------------------------------


def _ask_pin(counter: Counter, pin: EnteringPin) -> Step:
    if counter.field in (Field.EMPTY, Field.OTHER_CARD):
        return go(counter, AwaitCardAgain(pin))
    return go(counter, pin, AskTries(counter.task))


def entering_pin(counter: Counter, state: EnteringPin, event: Event) -> Step:
    """Count the boxes, and have the card check the PIN once all are filled."""
    match event:
        case PinTyped(count) if 0 <= count <= PIN_DIGITS:
            return go(counter, replace(state, typed=count, notice=None))
        case PinEntered(pin) if state.tries_left is not None:
            signing = Authorise(counter.task, state.draft, state.last_try, pin)
            return go(counter, Authorising(replace(state, typed=PIN_DIGITS, notice=None)), signing)
        case TriesLeft(_, 0):
            return _locked(counter, state)
        case TriesLeft(_, 1) if not state.last_try:
            return go(counter, ConfirmingLastTry(replace(state, tries_left=1, typed=0)))
        case TriesLeft(_, tries):
            return go(counter, replace(state, tries_left=tries))
        case CardFailed(_, fault):
            return _signature_failed(counter, state, fault)
        case CardLeft():
            return go(counter, AwaitCardAgain(_emptied(state)))
        case Escaped():
            return _without_pin(counter, state)
        case _:  # no other event is for this state
            return stay(counter)


def confirming_last_try(counter: Counter, state: ConfirmingLastTry, event: Event) -> Step:
    """Use the last try only after an explicit yes."""
    match event:
        case Entered():
            return _ask_pin(counter, replace(state.pin, last_try=True))
        case Escaped():
            return _without_pin(counter, state.pin)
        case _:  # no other event is for this state
            return stay(counter)


def await_card_again(counter: Counter, state: AwaitCardAgain, event: Event) -> Step:
    """Go on with the PIN once a card is back; whether it is the same one is seen when it is read."""
    match event:
        case CardArrived():
            return _ask_pin(counter, state.pin)
        case OtherCardArrived():
            return go(counter, replace(state, notice=Fault("other_card")))
        case CardLeft() if state.notice == Fault("other_card"):
            return go(counter, replace(state, notice=None))
        case Escaped():
            return _without_pin(counter, state.pin)
        case _:  # no other event is for this state
            return stay(counter)


def authorising(counter: Counter, state: Authorising, event: Event) -> Step:
    """Commit what the card signed; nobody can leave while it does, since its answer is near."""
    match event:
        case Authorised(_, draft) if not draft.lacks_signature and _same_but_signed(state.pin.draft, draft):
            return commit(counter, draft)
        case CardFailed(_, fault):
            return _signature_failed(counter, state.pin, fault)
        case _:  # no other event is for this state
            return stay(counter)


def _signature_failed(counter: Counter, pin: EnteringPin, fault: Fault) -> Step:
    match fault.code:
        case "pin_blocked":
            return _locked(counter, pin)
        case "pin_wrong" | "pin_last_try" | "pin_malformed":
            # The card is asked again, so that the number shown is its own.
            return _ask_pin(counter, replace(_emptied(pin), notice=fault))
        case _:  # every other fault: the card is asked for once more, with what was wrong
            return go(counter, AwaitCardAgain(_emptied(pin), fault))


def _locked(counter: Counter, pin: EnteringPin) -> Step:
    """Offer what needs no PIN, if anything does."""
    fault, back = Fault("pin_blocked"), pin.back
    choices = pricing.choices_for(back.intent.bill, pin.resident, counter.terms, tap_only=True) if back else ()
    if back is None or not choices:
        return go(counter, Refused(fault, pin.intent))
    return go(counter, Choosing(back.intent, pin.resident, choices, tap_only=True, notice=fault))


def _without_pin(counter: Counter, pin: EnteringPin) -> Step:
    return give_up(counter, pin.intent) if pin.back is None else go(counter, pin.back)


def _emptied(pin: EnteringPin) -> EnteringPin:
    return replace(pin, tries_left=None, typed=0, last_try=False, notice=None)


def _same_but_signed(asked: Draft, signed: Draft) -> bool:
    """Return whether the card signed what was asked; by what it was decided without a line is known only then."""
    if is_decided_here(asked.content) is not is_decided_here(signed.content):
        return False
    settled = {"assurance": None, "offline": None}
    return replace(signed, content=asked.content, operation_id=None, at=None) == asked and (
        asked.content.model_copy(update=settled) == signed.content.model_copy(update=settled)
    )
