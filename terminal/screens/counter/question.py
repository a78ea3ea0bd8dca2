"""Draws the left of the counter: the pieces of one question, and the large button that goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from textual.containers import Grid, Vertical
from textual.widget import Widget

from terminal.counter.events import Picked
from terminal.counter.keys import Hold
from terminal.counter.left import AskingContext
from terminal.counter.pieces import Boxes, Figure, Lines, Notice, Picture, Piece, PracticeCards, Say
from terminal.counter.states import State
from terminal.counter.table import at
from terminal.shell.widgets.amount import AmountDisplay
from terminal.shell.widgets.card_picture import CardPicture
from terminal.shell.widgets.pin_boxes import PinBoxes
from terminal.shell.widgets.prose import Prose
from terminal.shell.widgets.touch import ChoiceLine, KeyCap
from terminal.shell.words import Words

ROOMY_LINES = 3
"""Lines to choose from that may stand apart on a screen of 24 rows."""


def question(state: State, room: AskingContext, *, motion: bool) -> Iterator[Widget]:
    """Yield what stands at the left, from top to bottom."""
    here = at(state)
    for piece in here.left(room):
        yield _drawn(piece, room.words, motion=motion)
    if here.forward is not None and not here.lines:
        look = "forward now" if here.ready(room.card_there) else "forward"
        yield KeyCap(here.forward.cap, room.words(here.forward.text), here.forward.means, look)


def _drawn(piece: Piece, words: Words, *, motion: bool) -> Widget:
    match piece:
        case Say(text, look):
            return Prose(text, look)
        case Notice(texts):
            return Vertical(*(Prose(each.text, each.look) for each in texts), classes="notice")
        case Figure(amount, unit, known):
            return AmountDisplay(amount, unit, "" if known else "quiet")
        case Lines(lines, cursor):
            shown = (
                ChoiceLine(number, line.name, line.value, Picked(number), chosen=number == cursor + 1)
                for number, line in enumerate(lines, start=1)
            )
            return Vertical(*shown, classes="lines" if len(lines) <= ROOMY_LINES else "lines tight")
        case PracticeCards(names):
            cards = (
                KeyCap(str(number), words(f"card-{card}"), Hold(card), "tile")
                for number, card in enumerate(names, start=1)
            )
            return Grid(*cards, classes="tiles")
        case Picture(reading):
            return CardPicture(words("picture-card"), words("picture-reader"), moving=reading and motion)
        case Boxes(typed):
            return PinBoxes(typed)
        case _:
            assert_never(piece)
