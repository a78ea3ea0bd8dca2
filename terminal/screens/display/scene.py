"""What the resident's display lays out: one sentence, one number, one picture."""

from __future__ import annotations

from collections.abc import Iterator

from textual.containers import Vertical
from textual.widget import Widget

from terminal.counter.events import Picked
from terminal.counter.facts import Fault, Use
from terminal.counter.resident import OfferedUse, ResidentView, Scene
from terminal.shell.widgets.amount import AmountDisplay
from terminal.shell.widgets.card_picture import CardPicture
from terminal.shell.widgets.pin_boxes import PinBoxes
from terminal.shell.widgets.prose import Prose
from terminal.shell.widgets.touch import ChoiceLine
from terminal.shell.words import Words, points, yen

_PICTURED = {Scene.WELCOME, Scene.HOLD_CARD, Scene.HOLD_CARD_AGAIN, Scene.KEEP_CARD}
"""Scenes in which the resident does something with the card."""

_TONES = {
    Scene.PAID: "done",
    Scene.AWARDED: "done",
    Scene.LINKED: "done",
    Scene.VOIDED: "done",
    Scene.RETURNED: "done",
    Scene.CONVERTED: "done",
    Scene.LEFT: "done",
    Scene.RESERVED: "done",
    Scene.RELEASED: "done",
    Scene.QUEUED: "waiting",
    Scene.REFUSED: "refused",
    Scene.LAST_TRY: "refused",
    Scene.UNKNOWN: "unknown",
}
"""The colour of a result; its word is in the sentence."""

_ASKING = {Scene.HOLD_CARD, Scene.HOLD_CARD_AGAIN, Scene.KEEP_CARD, Scene.CHOOSE, Scene.PART, Scene.PIN, Scene.CONSENT}
"""Scenes in which something is for the resident to do now."""


def display(view: ResidentView, words: Words, *, motion: bool) -> Iterator[Widget]:
    """Yield what the display shows, from top to bottom."""
    tone = _TONES.get(view.scene)
    sentence = words(f"resident-{view.scene.replace('_', '-')}")
    yield Prose(sentence, f"band {tone}" if tone else "heading now" if view.scene in _ASKING else "heading")
    yield from _number(view, words)
    if view.scene is Scene.PIN:
        yield PinBoxes(view.boxes)
    if view.tries_left is not None:
        yield Prose(words("say-tries-left", tries=view.tries_left), "refused strong spaced")
    if view.lines:
        yield Vertical(*(_line(index, view, words) for index in range(len(view.lines))), classes="lines tight")
    for cut in view.cuts:
        yield Prose(words(f"resident-cut-{cut.leg}", points=points(cut.asked - cut.granted)), "spaced strong")
        yield Prose(words.refusal(Fault(cut.reason)).why, "detail")
    yield from _fault(view, words)
    if view.scene in _PICTURED and view.fault is None:
        moving = motion and view.scene is Scene.KEEP_CARD
        yield CardPicture(words("picture-card"), words("picture-reader"), moving=moving)
    if view.scene is Scene.CONSENT:
        for key in ("say-consent-what", "say-consent-card", "say-consent-not", "say-consent-leave"):
            yield Prose(words(key), "spaced")


def _number(view: ResidentView, words: Words) -> Iterator[Widget]:
    """Show the one number large; what belongs to it stands in words."""
    match view:
        case ResidentView(scene=Scene.CHOOSE, points=int() as held):
            yield Prose(words("say-balance", points=points(held)), "spaced")
        case ResidentView(scene=Scene.CHOOSE, reserved=int() as reserved):
            yield Prose(words("say-reserved-only", points=points(reserved)), "spaced")
        case ResidentView(scene=Scene.PART, yen=int() as bill, points=asked):
            yield Prose(words("resident-bill", yen=yen(bill)), "spaced")
            yield AmountDisplay(asked or 0, "P")
        case ResidentView(scene=Scene.PIN | Scene.LAST_TRY, yen=due):
            if due is not None:
                yield Prose(words("resident-due", yen=yen(due)), "spaced")
        case ResidentView(yen=int() as amount, points=earned):
            yield AmountDisplay(amount, "円")
            if earned is not None:
                yield Prose(words("resident-earned", points=points(earned)))
        case ResidentView(points=int() as amount):
            yield AmountDisplay(amount, "P")
        case _:  # a scene without a number
            pass


def _line(index: int, view: ResidentView, words: Words) -> Widget:
    line = view.lines[index]
    return ChoiceLine(index + 1, _name(line, view, words), _value(line), Picked(index + 1), chosen=index == view.cursor)


def _name(line: OfferedUse, view: ResidentView, words: Words) -> str:
    if line.use is Use.ALL and line.municipality != view.lines[0].municipality:
        return words("choice-all-of-municipality", municipality=words.municipality(line.municipality))
    return words(f"choice-{line.use}")


def _value(line: OfferedUse) -> str:
    return points(line.points) if line.use is Use.ALL else ""


def _fault(view: ResidentView, words: Words) -> Iterator[Widget]:
    """Say what was wrong; what to do after a refusal is told to the clerk, who tells the resident."""
    if view.fault is not None:
        refusal = words.refusal(view.fault)
        refused = view.scene is Scene.REFUSED
        yield Prose(refusal.what, "spaced strong")
        yield Prose(refusal.why if refused else refusal.todo, "spaced")
        if refused:
            yield Prose(words("resident-ask-clerk"), "spaced")
