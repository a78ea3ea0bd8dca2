"""The counter's walks: what a clerk, a resident and a card do, and what the counter makes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Literal

import pytest

from config.texts import Texts
from ledger.wire.answers import Standing, Status
from ledger.wire.operations import Award, Convert, Link, Return, Sale, Unlink, Void
from ledger.wire.rules import Rate, Redeeming
from ledger.wire.tokens import ServiceId
from ledger.wire.values import MAX_YEN
from terminal.counter import Counter, State, resident_view, step
from terminal.counter.amounts import amount_of
from terminal.counter.effects import AskAgain, AskTries, Authorise, Commit, Effect, ListUndoable, ReadCard, Reopen, Wipe
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
from terminal.counter.facts import (
    AwardIntent,
    BalanceIntent,
    ConvertIntent,
    Draft,
    Exchange,
    Fault,
    Intent,
    LinkIntent,
    Resident,
    SaleIntent,
    Undoable,
    UnlinkIntent,
    Use,
)
from terminal.counter.keys import enter
from terminal.counter.left import AskingContext
from terminal.counter.moves import begin_to_wait
from terminal.counter.outcome import MAY_GO_BETTER
from terminal.counter.owner import Overruling, TakingBack, Voiding, matter_of
from terminal.counter.pieces import Figure, Say
from terminal.counter.resident import Scene
from terminal.counter.row import Phase
from terminal.counter.scanned import SlipCode, slip_code
from terminal.counter.states import (
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
    EnteringReturn,
    FindingUndo,
    Idle,
    PickingExchange,
    PickingReason,
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
from terminal.counter.table import at
from terminal.screens.counter.slip import slip
from terminal.shell.words import Words
from terminal.slips.operation import qr_text
from terminal.slips.rows import Emphasis, Row
from tests.terminal.counters import (
    MUNICIPALITY,
    OTHER,
    STREET,
    TERMS,
    held,
    opened,
    programme,
    receipt,
    resident,
    signed,
    state_of,
    tapped,
    walk,
)
from tests.terminal.desks import cut
from tests.terminal.screens.scenes import STATES


def commit_of(effects: list[Effect]) -> Commit:
    """Return the one commit among effects."""
    (commit,) = [effect for effect in effects if isinstance(effect, Commit)]
    return commit


def sale_of(commit: Commit) -> Sale:
    """Return the sale that is committed."""
    assert isinstance(commit.draft.content, Sale)
    return commit.draft.content


# The bill -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "text", "fault"),
    [
        (["1", "2", "0", "0"], "1200", None),
        (["１２００"], "1200", None),
        (["0", "0", "7"], "7", None),
        (["9999999"], "9999999", None),
        (["12", "a"], "12", "amount_not_digits"),
        (["12", "-"], "12", "amount_not_digits"),
        (["-5"], "", "amount_negative"),
        (["−5"], "", "amount_negative"),
        (["1.5"], "", "amount_not_digits"),
        (["²"], "2", None),
        (["٣"], "", "amount_not_digits"),
        (["9999999", "0"], "9999999", "amount_too_large"),
        (["9" * 5000], "", "amount_too_large"),
        (["123456789018"], "", "my_number_refused"),
        (["１２３４ ５６７８ ９０１８"], "", "my_number_refused"),
        (["12", "x", "3"], "123", None),
    ],
)
def test_a_bill_is_digits_and_a_wrong_key_leaves_it_as_it_was(typed: list[str], text: str, fault: str | None) -> None:
    """Digits of any width count; anything else is named, and what stood there stays."""
    counter, effects = walk(opened(), [Typed(characters) for characters in typed])
    assert isinstance(counter.state, Idle)
    assert counter.state.text == text
    assert (counter.state.notice.code if counter.state.notice else None) == fault
    assert effects == []


def test_a_wrong_key_is_not_entered_over() -> None:
    """Who types eight digits and Enter without looking asks for no bill of seven; erasing takes the wrong key back."""
    counter, effects = walk(opened(), [Typed(digit) for digit in "12000000"] + [Entered()])
    assert counter.state == Idle("1200000", Fault("amount_too_large", (("most", MAX_YEN),)))
    assert effects == []
    counter, _ = walk(counter, [Erased()])
    assert counter.state == Idle("1200000")
    assert walk(counter, [Erased()])[0].state == Idle("120000")


@pytest.mark.parametrize(("typed", "fault"), [("", "amount_missing"), ("0", "amount_zero")])
def test_no_card_is_asked_for_without_a_bill(typed: str, fault: str) -> None:
    """Enter on nothing or on zero stays where it is and says why."""
    counter, effects = walk(opened(), [Typed(typed), Entered()])
    assert counter.state == Idle(typed, Fault(fault))
    assert effects == []


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1200", 1200),
        ("１２", 12),
        ("9999999", MAX_YEN),
        ("", Fault("amount_missing")),
        ("00", Fault("amount_zero")),
        ("12x", Fault("amount_not_digits")),
        ("10000000", Fault("amount_too_large", (("most", MAX_YEN),))),
    ],
)
def test_an_amount_is_read_as_a_whole(text: str, amount: int | Fault) -> None:
    """A POS gives an amount at once, and hears of a wrong one what a clerk would."""
    assert amount_of(text) == amount


def test_a_bill_can_be_mended() -> None:
    """Backspace takes the last digit, Esc all of them."""
    counter, _ = walk(opened(), [Typed("129"), Erased()])
    assert counter.state == Idle("12")
    assert step(counter, Escaped())[0].state == Idle()


# The common case ------------------------------------------------------------------------------------------------


def test_three_keystrokes_make_a_sale_with_points() -> None:
    """Bill, Enter, tap, Enter for all: then it is written, and shown once it is decided."""
    counter, effects = tapped(1200, resident(held(MUNICIPALITY, 400)))
    assert isinstance(counter.state, Choosing)
    assert [choice.use for choice in counter.state.choices] == [Use.ALL, Use.SOME, Use.NONE]
    counter, effects = walk(counter, [Entered()])
    sale = sale_of(commit_of(effects))
    assert (sale.bill, sale.amount_due, sale.assurance.method) == (1200, 800, "tap")
    counter, _ = walk(counter, [Decided(counter.task, receipt(commit_of(effects).draft))])
    assert isinstance(counter.state, Done)
    assert walk(counter, [Entered()])[0].state == Idle()


def test_without_points_a_sale_needs_no_choice() -> None:
    """Who has nothing to use is not asked: the tap completes the sale and earns."""
    counter, effects = tapped(1200, resident())
    assert isinstance(counter.state, Sending)
    assert [leg.points for leg in sale_of(commit_of(effects)).award] == [10, 10]


@pytest.mark.parametrize(("key", "redeemed"), [(Picked(1), 400), (Picked(3), 0)])
def test_one_key_chooses(key: Event, redeemed: int) -> None:
    """The number of a line, pressed or touched, takes it at once."""
    counter, _ = tapped(1200, resident(held(MUNICIPALITY, 400)))
    _, effects = walk(counter, [key])
    assert sale_of(commit_of(effects)).amount_due == 1200 - redeemed


@pytest.mark.parametrize("key", [Picked(0), Picked(-1), Picked(4), Picked(99), Typed("0"), Typed("1"), Erased()])
def test_a_number_without_a_line_chooses_nothing(key: Event) -> None:
    """0 is no way to take the last line, unseen."""
    counter, _ = tapped(1200, resident(held(MUNICIPALITY, 400)))
    assert step(counter, key) == (counter, ())


def test_escape_at_the_choice_gives_the_bill_back() -> None:
    """The bill can be corrected, and nothing of the resident is left; the card has to be held again."""
    counter, _ = tapped(1200, resident(held(MUNICIPALITY, 400)))
    counter, effects = walk(counter, [Escaped()])
    assert (counter.state, effects) == (Idle("1200"), [])
    assert walk(counter, [Entered()])[0].state == AwaitCard(SaleIntent(1200), Fault("card_left_behind"))


def test_part_of_the_points_is_typed() -> None:
    """一部使う takes a number up to the most that can be used, and names a larger one."""
    counter, _ = tapped(1200, resident(held(MUNICIPALITY, 400)))
    counter, _ = walk(counter, [Picked(2), Typed("401")])
    assert isinstance(counter.state, EnteringPart)
    assert (counter.state.text, counter.state.notice) == ("", Fault("amount_too_large", (("most", 400),)))
    counter, effects = walk(counter, [Typed("150"), Entered()])
    assert sale_of(commit_of(effects)).amount_due == 1050


def test_a_part_below_the_minimum_is_named() -> None:
    """What the rules of the points do not allow is said, and another number can be typed."""
    rule = programme(MUNICIPALITY, order=1)
    least = rule.model_copy(update={"redeeming": Redeeming(minimum=100, tap_ceiling=500)})
    counter, _ = walk(
        opened(), [Opened(replace(opened().terms, programmes={MUNICIPALITY: least})), Typed("1200"), Entered()]
    )
    counter, _ = walk(counter, [CardArrived()])
    counter, _ = walk(counter, [CardRead(counter.task, resident(held(MUNICIPALITY, 400))), Picked(2), Typed("99")])
    counter, effects = walk(counter, [Entered()])
    assert isinstance(counter.state, EnteringPart)
    assert (counter.state.notice, effects) == (Fault("points_not_possible", (("points", 99),)), [])
    _, effects = walk(counter, [Erased(), Erased(), Erased(), Typed("100"), Entered()])
    assert sale_of(commit_of(effects)).amount_due == 1100


def test_another_towns_points_are_a_further_choice() -> None:
    """Points that the shop accepts of another town stand after 使わない, and move alone."""
    counter, _ = tapped(1200, resident(held(MUNICIPALITY, 400), held(STREET, 50), held(OTHER, 90)))
    assert isinstance(counter.state, Choosing)
    assert [(c.use, c.municipality, c.quote.redeemed) for c in counter.state.choices] == [
        (Use.ALL, MUNICIPALITY, 450),
        (Use.SOME, MUNICIPALITY, 450),
        (Use.NONE, MUNICIPALITY, 0),
        (Use.ALL, OTHER, 90),
    ]
    _, effects = walk(counter, [Moved(-1), Entered()])
    sale = sale_of(commit_of(effects))
    assert (sale.municipality, [leg.programme for leg in sale.redeem]) == (OTHER, [OTHER])


def test_a_visitor_may_use_some_of_what_they_have() -> None:
    """Who has another town's points alone gets the same three lines for them."""
    counter, _ = tapped(1200, resident(held(OTHER, 90)))
    assert isinstance(counter.state, Choosing)
    assert [(c.use, c.municipality) for c in counter.state.choices] == [
        (Use.ALL, OTHER),
        (Use.SOME, OTHER),
        (Use.NONE, MUNICIPALITY),
    ]


def test_done_goes_straight_to_the_next_bill() -> None:
    """The next bill's first digit, or a function key, leaves a result."""
    counter, effects = tapped(1200, resident())
    counter, _ = walk(counter, [Decided(counter.task, receipt(commit_of(effects).draft))])
    assert walk(counter, [Typed("7")])[0].state == Idle("7")
    assert isinstance(walk(counter, [Asked(Task.BALANCE)])[0].state, AwaitCard)


# Cards ----------------------------------------------------------------------------------------------------------


def test_a_card_that_lies_there_already_is_read_at_once() -> None:
    """A resident who is faster than the clerk is not asked again."""
    counter, effects = walk(opened(), [CardArrived(), Typed("500"), Entered()])
    assert counter.state == Reading(SaleIntent(500))
    assert effects == [ReadCard(counter.task, SaleIntent(500))]


def test_a_card_left_behind_pays_for_nobody_else() -> None:
    """A card that has served must be lifted before it serves again."""
    counter, effects = tapped(500, resident())
    counter, _ = walk(counter, [Decided(counter.task, receipt(commit_of(effects).draft)), Typed("900"), Entered()])
    assert counter.state == AwaitCard(SaleIntent(900), Fault("card_left_behind"))
    counter, _ = walk(counter, [CardLeft()])
    assert counter.state == AwaitCard(SaleIntent(900))
    assert isinstance(walk(counter, [CardArrived()])[0].state, Reading)


def test_another_kind_of_card_is_named_and_taken_away() -> None:
    """A Suica in the field is said, and forgotten once it is gone."""
    counter, _ = walk(opened(), [Typed("500"), Entered(), OtherCardArrived()])
    assert counter.state == AwaitCard(SaleIntent(500), Fault("other_card"))
    assert walk(counter, [CardLeft()])[0].state == AwaitCard(SaleIntent(500))


def test_a_card_that_could_not_be_read_is_asked_for_again() -> None:
    """A card pulled too early is held over again, without typing the bill anew."""
    counter, _ = walk(opened(), [Typed("500"), Entered(), CardArrived()])
    counter, _ = walk(counter, [CardFailed(counter.task, Fault("card_pulled")), CardLeft()])
    assert counter.state == AwaitCard(SaleIntent(500), Fault("card_pulled"))
    assert isinstance(walk(counter, [CardArrived()])[0].state, Reading)


@pytest.mark.parametrize("standing", [Standing.UNREGISTERED, Standing.REVOKED, Standing.SUSPENDED])
def test_a_card_of_no_standing_is_refused(standing: Standing) -> None:
    """Nothing is written for a card that may not be used; trying again cannot help, and Esc gives the bill back."""
    counter, effects = tapped(500, resident(standing=standing))
    assert counter.state == Refused(Fault(f"card_{standing}"), SaleIntent(500))
    assert not any(isinstance(effect, Commit) for effect in effects)
    assert walk(counter, [CardLeft(), Entered()])[0].state == Idle()
    assert walk(counter, [CardLeft(), Escaped()])[0].state == Idle("500")


@pytest.mark.parametrize("code", sorted(MAY_GO_BETTER))
def test_what_may_go_better_is_tried_again_with_the_same_bill(code: str) -> None:
    """Enter asks for a card once more, and Esc gives the bill back all the same."""
    counter = replace(opened(), state=Refused(Fault(code), SaleIntent(500)))
    assert walk(counter, [Entered()])[0].state == AwaitCard(SaleIntent(500))
    assert walk(counter, [Escaped()])[0].state == Idle("500")
    bare = Refused(Fault(code))
    assert walk(replace(opened(), state=bare), [Entered()])[0].state == Idle()
    assert at(bare).forward == enter("key-next")
    assert at(replace(bare, intent=SaleIntent(500))).forward == enter("key-again")


def test_an_answer_to_an_earlier_task_is_not_for_this_one() -> None:
    """What was read for a sale that was given up cannot complete the next."""
    counter, _ = walk(opened(), [Typed("500"), Entered(), CardArrived()])
    late = CardRead(counter.task, resident(held(MUNICIPALITY, 400)))
    counter, _ = walk(counter, [Escaped(), Escaped(), CardLeft(), Typed("900"), Entered(), CardArrived()])
    after, effects = step(counter, late)
    assert (after, effects) == (counter, ())


# The line is down -----------------------------------------------------------------------------------------------


def test_offline_a_sale_earns_what_may_queue() -> None:
    """Without the line nothing is redeemed, which is said first, and only what its programme lets queue is awarded."""
    counter, effects = tapped(1200, resident(standing=None))
    assert isinstance(counter.state, Choosing)
    assert ([choice.use for choice in counter.state.choices], effects) == ([Use.NONE], [])
    assert counter.state.notice == Fault("line_needed")
    counter, effects = walk(counter, [Entered()])
    sale = sale_of(commit_of(effects))
    assert (sale.redeem, [leg.programme for leg in sale.award]) == ([], [MUNICIPALITY])
    counter, _ = walk(counter, [Unanswered(counter.task, receipt(commit_of(effects).draft, None))])
    assert isinstance(counter.state, Queued)


@pytest.mark.parametrize("task", [Task.BALANCE, Task.LINK])
def test_what_needs_the_line_says_so(task: Task) -> None:
    """A balance and a first registration cannot be had offline."""
    events: list[Event] = [Asked(task), *([Entered()] if task is Task.LINK else []), CardArrived()]
    counter, _ = walk(opened(), events)
    counter, _ = walk(counter, [CardRead(counter.task, resident(standing=None), whole=True)])
    assert isinstance(counter.state, Refused)
    assert counter.state.fault == Fault("line_needed")


def test_an_unanswered_sale_with_points_is_unknown_until_it_is_decided() -> None:
    """Asking again under the same id leads to the verdict."""
    counter, effects = tapped(1200, resident(held(MUNICIPALITY, 400)))
    counter, effects = walk(counter, [Entered()])
    written = receipt(commit_of(effects).draft, None)
    counter, _ = walk(counter, [Unanswered(counter.task, written)])
    assert counter.state == Unknown(written)
    assert (written.redeemed, written.awarded, written.amount_due) == (400, 14, 800)
    counter, effects = walk(counter, [Entered()])
    assert effects == [AskAgain(counter.task, written)]
    assert step(counter, Entered())[1] == ()
    decided = receipt(Draft(written.content))
    assert walk(counter, [Decided(counter.task, decided)])[0].state == Done(decided)


def test_an_unknown_sale_can_be_voided_for_the_full_bill() -> None:
    """Esc leads to voiding the very operation, and back again; it is left in no other way."""
    counter, effects = tapped(1200, resident(held(MUNICIPALITY, 400)))
    counter, effects = walk(counter, [Entered()])
    sold = commit_of(effects)
    written = receipt(sold.draft, None)
    counter, _ = walk(counter, [Unanswered(counter.task, written)])
    unknown = counter.state
    counter, _ = walk(counter, [Escaped()])
    assert isinstance(counter.state, ConfirmingUndo)
    assert walk(counter, [Escaped()])[0].state == unknown
    _, effects = walk(counter, [Entered()])
    draft = commit_of(effects).draft
    assert isinstance(draft.content, Void)
    assert draft.content.target == written.operation_id
    assert draft.undoes == Undoable(written.operation_id, written.at, sale_of(sold))


# The PIN --------------------------------------------------------------------------------------------------------


def at_the_pin(tries: int = 3) -> Counter:
    """Return a counter where 800 points, above the tap ceiling, want the PIN."""
    counter, _ = tapped(1200, resident(held(MUNICIPALITY, 800)))
    counter, effects = walk(counter, [Entered()])
    assert effects == [AskTries(counter.task)]
    return walk(counter, [TriesLeft(counter.task, tries)])[0]


def with_pin(counter: Counter) -> tuple[Counter, list[Effect]]:
    """Return the counter after four digits."""
    return walk(counter, [PinTyped(4), PinEntered(bytearray(b"1234"))])


def test_above_the_tap_ceiling_the_card_signs() -> None:
    """PIN, signature, then one commit of exactly what the resident chose."""
    counter, effects = with_pin(at_the_pin())
    (signing,) = effects
    assert isinstance(signing, Authorise)
    assert signing.draft.lacks_signature
    counter, effects = walk(counter, [Authorised(counter.task, signed(signing.draft))])
    assert sale_of(commit_of(effects)).amount_due == 400
    assert isinstance(counter.state, Sending)


def test_a_signature_over_something_else_is_not_committed() -> None:
    """What comes back signed must be what was asked for."""
    counter, effects = with_pin(at_the_pin())
    (signing,) = effects
    assert isinstance(signing, Authorise)
    other = replace(signing.draft, content=signing.draft.content.model_copy(update={"amount_due": 0}))
    assert step(counter, Authorised(counter.task, signed(other))) == (counter, ())


def test_a_wrong_pin_asks_the_card_what_is_left() -> None:
    """The tries shown are the card's own, and the reason stays on the screen."""
    counter, _ = with_pin(at_the_pin())
    fault = Fault("pin_wrong", (("tries", 2),))
    counter, effects = walk(counter, [CardFailed(counter.task, fault)])
    assert [type(effect) for effect in effects] == [AskTries]
    counter, _ = walk(counter, [TriesLeft(counter.task, 2)])
    assert isinstance(counter.state, EnteringPin)
    assert (counter.state.tries_left, counter.state.notice) == (2, fault)


def test_the_last_try_needs_an_explicit_yes() -> None:
    """With one try left nothing is typed until somebody agrees; Esc goes back to choosing."""
    counter = at_the_pin(tries=1)
    assert isinstance(counter.state, ConfirmingLastTry)
    assert isinstance(walk(counter, [Escaped()])[0].state, Choosing)
    counter, _ = walk(counter, [Entered()])
    counter, _ = walk(counter, [TriesLeft(counter.task, 1)])
    _, effects = with_pin(counter)
    assert isinstance(effects[0], Authorise)
    assert effects[0].last_try


def test_a_locked_pin_leaves_what_needs_none() -> None:
    """Who cannot sign may still use points up to the tap ceiling."""
    counter = at_the_pin(tries=0)
    assert isinstance(counter.state, Choosing)
    assert counter.state.notice == Fault("pin_blocked")
    assert [choice.quote.redeemed for choice in counter.state.choices] == [500, 500, 0]
    _, effects = walk(counter, [Entered()])
    assert sale_of(commit_of(effects)).amount_due == 700


def test_a_card_that_left_before_it_signed_is_asked_for_again() -> None:
    """The digits are forgotten, and the same card goes on where it was."""
    counter, _ = walk(at_the_pin(), [PinTyped(2), CardLeft()])
    assert isinstance(counter.state, AwaitCardAgain)
    other, _ = walk(counter, [OtherCardArrived()])
    assert other.state == replace(counter.state, notice=Fault("other_card"))
    assert walk(other, [CardLeft()])[0].state == counter.state
    counter, effects = walk(counter, [CardArrived()])
    assert isinstance(counter.state, EnteringPin)
    assert (counter.state.typed, [type(effect) for effect in effects]) == (0, [AskTries])
    counter, _ = walk(counter, [CardFailed(counter.task, Fault("card_changed"))])
    assert isinstance(counter.state, AwaitCardAgain)
    assert counter.state.notice == Fault("card_changed")


def test_a_pin_that_nobody_wants_is_wiped() -> None:
    """A PIN that arrives anywhere else is overwritten, not kept."""
    pin = bytearray(b"1234")
    assert step(opened(), PinEntered(pin))[1] == (Wipe(pin),)


# What a POS knows before the tap --------------------------------------------------------------------------------

BOTH_MUNICIPALITIES = resident(held(MUNICIPALITY, 400), held(OTHER, 90))


def tapped_for(intent: SaleIntent, who: Resident) -> tuple[Counter, list[Effect]]:
    """Return the counter after a tap for an intent that says how many points are wanted."""
    counter, _ = begin_to_wait(opened(), intent)
    counter, _ = walk(counter, [CardArrived()])
    return walk(counter, [CardRead(counter.task, who)])


@pytest.mark.parametrize(
    ("redeem", "municipality", "who", "redeemed"),
    [
        (Use.ALL, None, BOTH_MUNICIPALITIES, 400),
        (Use.ALL, OTHER, BOTH_MUNICIPALITIES, 90),
        (Use.ALL, None, resident(), 0),
        (Use.NONE, None, BOTH_MUNICIPALITIES, 0),
        (Use.NONE, None, resident(standing=None), 0),
        (150, None, BOTH_MUNICIPALITIES, 150),
        (90, OTHER, BOTH_MUNICIPALITIES, 90),
    ],
)
def test_a_wish_of_a_pos_is_taken_without_a_choice(
    redeem: Literal[Use.ALL, Use.NONE] | int, municipality: str | None, who: Resident, redeemed: int
) -> None:
    """Nobody at the counter is asked; the sale is written as wished."""
    _, effects = tapped_for(SaleIntent(1200, redeem, municipality), who)
    assert sale_of(commit_of(effects)).amount_due == 1200 - redeemed


@pytest.mark.parametrize(
    ("redeem", "municipality", "who", "fault"),
    [
        (401, None, BOTH_MUNICIPALITIES, Fault("points_not_possible", (("points", 401),))),
        (91, OTHER, BOTH_MUNICIPALITIES, Fault("points_not_possible", (("points", 91),))),
        (1, None, resident(), Fault("points_not_possible", (("points", 1),))),
        (Use.ALL, None, resident(standing=None), Fault("line_needed")),
        (1, None, resident(standing=None), Fault("line_needed")),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused(
    redeem: Literal[Use.ALL] | int, municipality: str | None, who: Resident, fault: Fault
) -> None:
    """A POS hears why, and nothing is written."""
    intent = SaleIntent(1200, redeem, municipality)
    counter, effects = tapped_for(intent, who)
    assert (counter.state, effects) == (Refused(fault, intent), [])


# Award, void, registration, balance -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "reason", "points"),
    [
        ([Entered(), Typed("50"), Entered()], "volunteering", 50),
        ([Picked(1), Typed("500"), Entered()], "volunteering", 500),
        ([Picked(2)], "visit", 5),
        ([Moved(-1), Entered()], "visit", 5),
        ([Picked(1), Escaped(), Moved(1), Moved(1), Entered(), Typed("7"), Entered()], "volunteering", 7),
    ],
)
def test_an_award_names_its_reason(keys: list[Event], reason: str, points: int) -> None:
    """F3, a reason, points, a tap: written without a choice; a reason of fixed points needs none typed."""
    counter, _ = walk(opened(), [Asked(Task.AWARD), *keys, CardArrived()])
    counter, effects = walk(counter, [CardRead(counter.task, resident())])
    award = commit_of(effects).draft.content
    assert isinstance(award, Award)
    assert (award.reason, [leg.points for leg in award.award]) == (reason, [points])


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ([Entered()], Fault("amount_missing")),
        ([Typed("0"), Entered()], Fault("amount_zero")),
        ([Typed("501"), Entered()], Fault("amount_too_large", (("most", 500),))),
    ],
)
def test_an_award_keeps_to_what_its_reason_allows(keys: list[Event], fault: Fault) -> None:
    """What the ledger would refuse is said before anybody holds a card."""
    counter, effects = walk(opened(), [Asked(Task.AWARD), Picked(1), *keys])
    assert isinstance(counter.state, EnteringAward)
    assert (counter.state.notice, effects) == (fault, [])


@pytest.mark.parametrize("key", [Picked(0), Picked(3), Typed("1"), Erased()])
def test_a_number_without_a_reason_picks_none(key: Event) -> None:
    """Only the numbers that stand there count."""
    counter, _ = walk(opened(), [Asked(Task.AWARD)])
    assert step(counter, key) == (counter, ())


def test_without_reasons_nothing_is_awarded() -> None:
    """A town that gives no reasons has nothing to award for, which is said at once."""
    bare = {MUNICIPALITY: programme(MUNICIPALITY).model_copy(update={"reasons": {}})}
    counter, _ = walk(opened(), [Opened(replace(opened().terms, programmes=bare)), Asked(Task.AWARD)])
    assert counter.state == Idle(notice=Fault("no_programme"))


def test_offline_an_award_waits_only_if_its_programme_says_so() -> None:
    """An award that may not queue is refused before it is written."""
    intent = AwardIntent(STREET, 50, "volunteering")
    counter, _ = begin_to_wait(opened(), intent)
    counter, _ = walk(counter, [CardArrived()])
    counter, effects = walk(counter, [CardRead(counter.task, resident(standing=None))])
    assert (counter.state, effects) == (Refused(Fault("line_needed"), intent), [])


def test_a_number_without_an_operation_voids_nothing() -> None:
    """Nor does Enter while the list is read."""
    _, effects = tapped(1200, resident())
    items = (Undoable("252034-0001-01-000009", "2026-11-23T14:05:00+09:00", sale_of(commit_of(effects))),)
    cases: tuple[tuple[tuple[Undoable, ...] | None, list[Event]], ...] = (
        (None, [Picked(1), Entered(), Moved(1)]),
        (items, [Picked(0), Picked(3)]),
    )
    for found, keys in cases:
        counter = replace(opened(), state=PickingUndo(found))
        for key in keys:
            assert step(counter, key) == (counter, ())


def test_a_void_is_picked_and_confirmed() -> None:
    """F4 lists what can be undone; nothing is written before a yes."""
    _, effects = tapped(1200, resident())
    sold = sale_of(commit_of(effects))
    counter, effects = walk(opened(), [Asked(Task.UNDO)])
    assert effects == [ListUndoable(counter.task)]
    items = (Undoable("252034-0001-01-000009", "2026-11-23T14:05:00+09:00", sold),)
    counter, effects = walk(counter, [UndoableListed(counter.task, items), Entered()])
    assert (counter.state, effects) == (ConfirmingUndo(items[0]), [])
    _, effects = walk(counter, [Entered()])
    assert isinstance(commit_of(effects).draft.content, Void)


def decided_sale() -> Undoable:
    """Return a sale of 1,200 yen, of which 400 were paid in points, that the ledger accepted."""
    counter, effects = tapped(1200, resident(held(MUNICIPALITY, 400)))
    counter, effects = walk(counter, [Entered()])
    sold = receipt(commit_of(effects).draft)
    content = sold.content
    assert isinstance(content, Sale)
    return Undoable(sold.operation_id, sold.at, content, sold.verdict)


def test_after_the_close_part_or_all_of_a_sale_is_returned() -> None:
    """F4, number, Enter: the rest by default, never more; the yen to give back are said before the yes."""
    closed = replace(decided_sale(), closed=True, returned=200)
    counter, _ = walk(opened(), [Asked(Task.UNDO)])
    counter, _ = walk(counter, [UndoableListed(counter.task, ()), Entered()])
    assert counter.state == FindingUndo()
    counter, effects = walk(counter, [Typed("1200"), Entered()])
    assert effects == [ListUndoable(counter.task, number=1200)]
    missing, _ = walk(counter, [UndoableListed(counter.task, ())])
    assert missing.state == FindingUndo("1200", Fault("undo_missing", (("number", 1200),)))
    counter, _ = walk(counter, [UndoableListed(counter.task, (closed,)), Entered()])
    assert counter.state == EnteringReturn(closed)
    assert walk(counter, [Entered()])[0].state == ConfirmingUndo(closed, bill=1000)
    too_much, _ = walk(counter, [Typed("1001")])
    assert isinstance(too_much.state, EnteringReturn)
    assert too_much.state.notice == Fault("amount_too_large", (("most", 1000),))
    counter, _ = walk(counter, [Typed("300"), Entered()])
    assert counter.state == ConfirmingUndo(closed, bill=300)
    # Of 400 points, 66 are back with the first 200 yen, 166 with 500.
    assert closed.gives_back(300) == 200
    assert matter_of(counter, step(counter, Entered())) == TakingBack()
    assert walk(counter, [Escaped()])[0].state == EnteringReturn(closed)
    counter, effects = walk(counter, [Entered()])
    content = commit_of(effects).draft.content
    assert content == Return(kind="return", municipality=MUNICIPALITY, target=closed.operation_id, bill=300)


def test_before_the_close_part_of_a_sale_can_be_returned_too() -> None:
    """F4 again leads from the question whether to void it to the yen that come back."""
    sold = decided_sale()
    for item, part in ((sold, True), (replace(sold, verdict=None), False)):
        counter = replace(opened(), state=ConfirmingUndo(item))
        after, _ = walk(counter, [Asked(Task.UNDO)])
        assert isinstance(after.state, EnteringReturn) is part
        assert matter_of(counter, step(counter, Entered())) == Voiding(None)


RATE = Exchange(MUNICIPALITY, Rate(to=STREET, take=100, give=110, since=date(2026, 4, 1)))


@pytest.mark.parametrize(
    ("points", "held_points", "outcome"),
    [(300, 300, Sending), (600, 800, EnteringPin), (300, 299, Refused), (250, 800, EnteringConvert)],
)
def test_points_are_exchanged_at_todays_rate(points: int, held_points: int, outcome: type[State]) -> None:
    """F5, 2, points, tap: what a tap may move at once, more with the PIN, never more than is held, and no rest."""
    counter = replace(opened(), terms=replace(TERMS, exchanges=(RATE,)))
    counter, _ = walk(counter, [Asked(Task.CARD), Picked(2), Typed(str(points)), Entered(), CardArrived()])
    counter, effects = walk(counter, [CardRead(counter.task, resident(held(MUNICIPALITY, held_points)))])
    assert state_of(counter) is outcome
    if outcome is Sending:
        content = commit_of(effects).draft.content
        assert isinstance(content, Convert)
        assert (content.take.points, content.give.points) == (300, 330)


def test_nothing_is_exchanged_where_there_is_no_rate() -> None:
    """It is said before anybody holds a card."""
    counter, _ = walk(opened(), [Asked(Task.CONVERT)])
    assert counter.state == Idle(notice=Fault("no_exchange"))
    several = replace(opened(), terms=replace(TERMS, exchanges=(RATE, RATE)))
    counter, _ = walk(several, [Asked(Task.CONVERT), Moved(1), Entered()])
    assert counter.state == EnteringConvert(PickingExchange((RATE, RATE), 1))
    assert walk(counter, [Escaped()])[0].state == PickingExchange((RATE, RATE), 1)


@pytest.mark.parametrize(("line", "service"), [(1, "library"), (2, None)])
def test_a_number_or_everything_is_given_up_with_the_pin(line: int, service: str | None) -> None:
    """F5, 3, tap, choice, PIN: nothing is written before the card has signed."""
    who = replace(resident(held(MUNICIPALITY, 400)), services=(ServiceId(service="library", number="0042"),))
    counter, _ = walk(opened(), [Asked(Task.CARD), Picked(3), CardArrived()])
    counter, _ = walk(counter, [CardRead(counter.task, who)])
    assert counter.state == PickingUnlink(who)
    counter, effects = walk(counter, [Picked(line)])
    assert effects == [AskTries(counter.task)]
    assert isinstance(counter.state, EnteringPin)
    content = counter.state.draft.content
    assert isinstance(content, Unlink)
    assert content.service == service


def test_what_a_card_is_asked_for_needs_the_line() -> None:
    """Offline nobody leaves, and nothing is exchanged."""
    for intent in (UnlinkIntent("library"), UnlinkIntent(chosen=True), ConvertIntent(RATE, 100)):
        counter, _ = walk(begin_to_wait(opened(), intent)[0], [CardArrived()])
        counter, effects = walk(counter, [CardRead(counter.task, resident(standing=None))])
        assert (counter.state, effects) == (Refused(Fault("line_needed"), intent), [])


def test_a_first_registration_is_agreed_to_and_signed() -> None:
    """F5, consent, tap, PIN: the card signs the registration."""
    counter, effects = walk(opened(), [Asked(Task.LINK), Entered(), CardArrived()])
    assert effects == [ReadCard(counter.task, LinkIntent())]
    unknown = resident(standing=Standing.UNREGISTERED)
    counter, _ = walk(counter, [CardRead(counter.task, unknown, whole=True), TriesLeft(counter.task, 3)])
    counter, effects = with_pin(counter)
    (signing,) = effects
    assert isinstance(signing, Authorise)
    _, effects = walk(counter, [Authorised(counter.task, signed(signing.draft))])
    assert isinstance(commit_of(effects).draft.content, Link)


def test_a_balance_is_shown_and_forgotten() -> None:
    """照会 shows what is held, and nothing ten seconds after the card is gone."""
    counter, _ = walk(opened(), [Asked(Task.BALANCE), CardArrived()])
    assert counter.state == Reading(BalanceIntent())
    counter, _ = walk(
        counter, [CardRead(counter.task, resident(held(MUNICIPALITY, 400))), Tick(5.0), CardLeft(), Tick(14.9)]
    )
    assert isinstance(counter.state, ShowingBalance)
    assert walk(counter, [Tick(15.0)])[0].state == Idle()


# Trouble and time -----------------------------------------------------------------------------------------------


def test_what_cannot_be_recorded_stops_everything_but_what_is_written() -> None:
    """A full disk is said before anything else; Enter tries again."""
    counter, effects = walk(opened(), [Typed("12"), Trouble(Fault("disk_full"))])
    assert counter.state == Unfit(Fault("disk_full"))
    counter, effects = walk(counter, [Entered()])
    assert (counter.state, effects) == (Starting(), [Reopen()])
    counter, effects = tapped(1200, resident())
    assert step(counter, Trouble(Fault("disk_full"))) == (counter, ())
    counter, _ = walk(counter, [NotRecorded(counter.task, Fault("disk_full"))])
    assert counter.state == Refused(Fault("disk_full"), SaleIntent(1200))


def test_a_refusal_of_the_ledger_is_shown_with_its_reason() -> None:
    """A verdict is final, shown, and gives the bill back."""
    counter, effects = tapped(1200, resident(held(MUNICIPALITY, 400)))
    counter, effects = walk(counter, [Entered()])
    decided = receipt(commit_of(effects).draft, Status.REFUSED, "amounts_wrong")
    counter, _ = walk(counter, [Decided(counter.task, decided)])
    assert counter.state == Refused(Fault("amounts_wrong"), SaleIntent(1200), decided)


def test_what_was_not_granted_is_due_and_said_wherever_it_is_shown() -> None:
    """Counter, resident's display and slip show the verdict's one amount, and which points were not taken, and why."""
    counter, effects = tapped(1200, resident(held(MUNICIPALITY, 400)))
    counter, effects = walk(counter, [Entered()])
    draft = commit_of(effects).draft
    whole = receipt(draft)
    assert whole.verdict is not None
    short = replace(whole, verdict=cut(whole.verdict, draft.content, 150))
    counter, _ = walk(counter, [Decided(counter.task, short)])
    assert (whole.amount_due, short.amount_due, short.redeemed) == (800, 950, 250)
    words = Words(Texts("en"), TERMS.programmes)
    pieces = list(at(counter.state).left(AskingContext(words)))
    assert Figure(950, "円") in pieces
    said = [piece.text for piece in pieces if isinstance(piece, Say)]
    assert "Points not taken: 150 P" in said
    assert words.refusal(Fault("insufficient_balance")).what in said
    seen = resident_view(counter)
    assert (seen.yen, seen.cuts) == (950, short.cuts)
    assert Row("Amount due", "950 円", Emphasis.STRONG) in slip(counter, words)


@pytest.mark.parametrize(
    ("events", "seconds", "before", "after"),
    [
        ([Typed("500"), Entered()], 60, AwaitCard, TimedOut),
        ([Asked(Task.LINK)], 120, Consenting, TimedOut),
        ([Asked(Task.AWARD)], 9999, PickingReason, PickingReason),
        ([Asked(Task.UNDO)], 9999, PickingUndo, PickingUndo),
    ],
)
def test_what_nobody_goes_on_with_is_given_up(
    events: list[Event], seconds: float, before: type[State], after: type[State]
) -> None:
    """Waiting for a resident ends; what the clerk is typing does not."""
    counter, _ = walk(opened(), [Tick(100.0), *events, Tick(99.9 + seconds)])
    assert state_of(counter) is before
    assert state_of(walk(counter, [Tick(100.0 + seconds)])[0]) is after


def test_a_pin_that_comes_too_late_falls_into_no_bill() -> None:
    """A time-out is said, takes no digits, and keeps the bill until somebody goes on."""
    counter, effects = walk(at_the_pin(), [Tick(100.0), PinTyped(2), Tick(100.0), Tick(220.0)])
    assert counter.state == TimedOut(SaleIntent(1200))
    assert effects == []
    assert resident_view(counter).scene is Scene.TIMED_OUT
    late: list[Event] = [
        *(Typed(digit) for digit in "1234"),
        *(PinTyped(count) for count in range(5)),
        Picked(1),
        Moved(1),
        Erased(),
        Asked(Task.BALANCE),
        Scanned("4901234567894"),
        Scanned(SLIP),
        CardArrived(),
        CardLeft(),
        Tick(9999.0),
    ]
    for event in late:
        after, asked = step(counter, event)
        assert after.state == counter.state
        assert asked == ()
    pin = bytearray(b"1234")
    assert step(counter, PinEntered(pin)) == (counter, (Wipe(pin),))
    assert step(counter, Escaped())[0].state == Idle("1200")
    assert walk(counter, [CardLeft(), Entered()])[0].state == AwaitCard(SaleIntent(1200))


@pytest.mark.parametrize("intent", [LinkIntent(), AwardIntent(MUNICIPALITY, 5, "visit"), BalanceIntent()])
def test_after_a_time_out_the_same_begins_again(intent: Intent) -> None:
    """Whoever stands there then may be somebody else: to a first registration they have to agree anew."""
    counter = replace(opened(), state=TimedOut(intent))
    begun = Consenting() if isinstance(intent, LinkIntent) else AwaitCard(intent)
    assert step(counter, Entered())[0].state == begun
    assert step(counter, Escaped())[0].state == Idle()


# What is scanned ------------------------------------------------------------------------------------------------

SLIP = "KZ1:252034-0001-01-000009:7f3a91c2"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (qr_text("252034-0001-01-000009", "7f3a 91c2"), SlipCode("252034-0001-01-000009", "7f3a91c2")),
        ("KZ1+252034-0001-01-000009+7f3a91c2", SlipCode("252034-0001-01-000009", "7f3a91c2")),
        ("kz1:252034-0001-01-000009:7F3A91C2\n", SlipCode("252034-0001-01-000009", "7f3a91c2")),
        ("4901234567894", None),
        ("KZ2:252034-0001-01-000009:7f3a91c2", None),
        ("KZ1:252034-0001-01-000009", None),
        ("KZ1:252034-0001-01-000009:7f3a91", None),
        ("KZ1:252034-0001-01-000009:7f3a91c2 ; 1", None),
        ("KZ1:２５２０３４-0001-01-000009:7f3a91c2", None),
        ("", None),
    ],
)
def test_a_slips_code_is_read_as_it_was_printed(text: str, code: SlipCode | None) -> None:
    """Also by a scanner that is set to another keyboard; nothing else is a slip's."""
    assert slip_code(text) == code


def test_a_scanned_slip_opens_what_it_is_of() -> None:
    """The operation is looked for with its hash, and undone only after a yes."""
    _, effects = tapped(1200, resident())
    item = Undoable("252034-0001-01-000009", "2026-11-23T14:05:00+09:00", sale_of(commit_of(effects)))
    counter, effects = walk(opened(), [Scanned(SLIP)])
    assert effects == [ListUndoable(counter.task, "252034-0001-01-000009", "7f3a91c2")]
    assert step(counter, UndoableListed(counter.task, (item,)))[0].state == ConfirmingUndo(item)
    assert step(counter, UndoableListed(counter.task, ()))[0].state == Idle(notice=Fault("slip_unknown"))
    assert step(counter, Escaped())[0].state == Idle()


def test_a_sisters_slip_takes_the_owners_code() -> None:
    """Also where the whole is voided; the entry says that it was given, and of an own sale says nothing."""
    _, effects = tapped(1200, resident())
    own = Undoable("252034-0001-02-000009", "2026-11-23T14:05:00+09:00", sale_of(commit_of(effects)))
    for item in (own, replace(own, by_owner=True)):
        counter, _ = walk(opened(), [Scanned(SLIP)])
        counter, _ = step(counter, UndoableListed(counter.task, (item,)))
        matter = matter_of(counter, step(counter, Entered()))
        assert matter == (Overruling() if item.by_owner else Voiding(None))
        content = commit_of(walk(counter, [Entered()])[1]).draft.content
        assert content.as_json().get("by_owner", False) == item.by_owner


def test_why_a_sister_cannot_be_asked_is_said() -> None:
    """The line is down, or the terminal has no owner's code: not that the slip is unknown."""
    counter, _ = walk(opened(), [Scanned(SLIP)])
    fault = Fault("owner_code_unset")
    assert step(counter, UndoableListed(counter.task, (), fault))[0].state == Idle(notice=fault)


def test_a_scanned_slip_does_not_take_a_bill_away() -> None:
    """Where something is under way, a slip is no more than any other code."""
    for state in STATES.values():
        counter = replace(opened(), state=state)
        resting = at(state).row.phase is Phase.RESTING and not (isinstance(state, Idle) and state.text)
        after, effects = step(counter, Scanned(SLIP))
        assert (after == counter, effects == ()) == (not resting, not resting)
        assert step(counter, Scanned("4901234567894")) == (counter, ())


def test_a_result_forgets_the_balance_once_the_card_is_gone() -> None:
    """The amount due stays for the clerk; what the resident holds does not."""
    counter, effects = tapped(1200, resident())
    decided = receipt(commit_of(effects).draft)
    counter, _ = walk(counter, [Decided(counter.task, decided), CardLeft(), Tick(9.0)])
    assert counter.state == Done(decided)
    counter, _ = walk(counter, [Tick(10.0)])
    assert counter.state == Done(replace(decided, balances=()))
    assert resident_view(counter).scene is Scene.WELCOME


def test_the_pin_waits_for_the_card_to_say_how_many_tries_are_left() -> None:
    """A PIN typed before the card answered is wiped, not tried."""
    counter, _ = tapped(1200, resident(held(MUNICIPALITY, 800)))
    counter, _ = walk(counter, [Entered()])
    counter, effects = with_pin(counter)
    assert isinstance(counter.state, EnteringPin)
    assert effects == [Wipe(bytearray(b"1234"))]
