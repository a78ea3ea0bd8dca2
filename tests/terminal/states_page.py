"""Writes the page of the counter's states from its table: `python -m tests.terminal.states_page docs/counter.md`.

What leads where is not written down anywhere: every sample of a state is stepped through a sample of every event.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

from config.texts import Texts
from terminal.counter import State, step
from terminal.counter.events import (
    Asked,
    Entered,
    Escaped,
    Event,
    Opened,
    Picked,
    PinEntered,
    Tick,
    Trouble,
    Typed,
)
from terminal.counter.keys import EVERYWHERE, TASKS, Digits, Key
from terminal.counter.row import Phase
from terminal.counter.states import Field, Idle
from terminal.counter.table import at
from terminal.shell.words import Words
from tests.terminal.happenings import everything
from tests.terminal.screens.scenes import STATES, TERMS, counter_in

HEAD = """# The counter, state by state

What the counter shows is a function of its state, and every event leads to a defined state: `terminal.counter.step`.
What a state *is* stands in one row of `terminal/counter/table.py`. This page is made from that table; a test holds it
fresh, and `python -m tests.terminal.states_page docs/counter.md` writes it anew.

To add a state: its class in `states.py`, its row in `table.py` (the type checker asks for it), its step in `entry.py`,
`card.py` or `outcome.py`, what its left says in `left.py`, its texts, and a sample in
`tests/terminal/screens/scenes.py` (a test asks for it). `python -m tests.terminal.shown` then records what it shows,
and what becomes of it.
"""

GENERAL = """
Two things are left out of the picture: trouble (the disk is full, the journal is damaged) leads to `Unfit` from
wherever no operation is written yet, and a function key begins its task wherever the keys below name it.
"""

TIMES = """
*Waits*: seconds until a task that nobody goes on with is given up. *Sound* is played when the state is entered. Each
state has the keys {everywhere} too, and Ctrl+Q.
"""


def page() -> str:
    """Return the page."""
    everywhere = " and ".join(_named(key) for key in EVERYWHERE)
    return "\n".join(
        (HEAD, "```mermaid", *_diagram(), "```", GENERAL, "## Keys", *_keys(), TIMES.format(everywhere=everywhere))
    )


def edges() -> dict[tuple[type[State], type[State]], list[Event]]:
    """Return what leads from one state to another, found by trying everything at every sample."""
    found: dict[tuple[type[State], type[State]], list[Event]] = defaultdict(list)
    for sample in STATES.values():
        for field in Field:
            before = replace(counter_in(sample), field=field)
            for event in everything(before):
                after, _ = step(before, event)
                if type(after.state) is not type(sample):
                    found[type(sample), type(after.state)].append(event)
    return found


def _diagram() -> Iterator[str]:
    yield "stateDiagram-v2"
    yield "    [*] --> Starting"
    for (before, after), events in edges().items():
        drawn = sorted({_word(event) for event in events if _is_drawn(before, event)})
        if drawn:
            yield f"    {before.__name__} --> {after.__name__}: {', '.join(drawn)}"


def _is_drawn(before: type[State], event: Event) -> bool:
    return not isinstance(event, Trouble) and (before is Idle or not isinstance(event, Asked))


def _word(event: Event) -> str:
    """Return what an event is called in the picture: the key where it is one."""
    for key in TASKS:
        if key.means == event:
            return key.cap
    kind = type(event)
    named: dict[type[Event], str] = {
        Entered: "Enter",
        Escaped: "Esc",
        Opened: "engine ready",
        Picked: "a number",
        PinEntered: "PIN entered",
        Tick: "time passes",
        Typed: "digits",
    }
    words = re.findall("[A-Z][a-z]+", kind.__name__)
    return named.get(kind, " ".join(words).lower())


def _keys() -> Iterator[str]:
    yield ""
    yield "| state | what it is | keys | digits | sound | waits | trouble |"
    yield "|---|---|---|---|---|---|---|"
    for kind in get_args(State):
        samples = [sample for sample in STATES.values() if type(sample) is kind]
        row = at(samples[0]).row
        keys = dict.fromkeys(key for sample in samples for key in _own_keys(sample))
        patience = f"{row.patience.seconds(TERMS):.0f} s" if row.patience else ""
        about = (inspect.getdoc(kind) or "").splitlines()[0]
        digits = "" if row.digits is Digits.NOTHING else row.digits
        stands = "stands" if row.phase is Phase.WRITTEN else ""
        named = ", ".join(_named(key) for key in keys)
        yield f"| `{kind.__name__}` | {about} | {named} | {digits} | {row.sound or ''} | {patience} | {stands} |"


def _own_keys(state: State) -> Iterator[Key]:
    here = at(state)
    if here.forward is not None:
        yield here.forward
    yield from here.keys


def _named(key: Key) -> str:
    return f"{key.cap} {Words(Texts('en'))(key.text)}"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
