"""Writes down what each state shows and what becomes of it: `python -m tests.terminal.shown` writes both records anew.

`shown.txt` has for each sample of a state the left of the counter, by the keys of its texts, what it adds with a card
on the reader and in practice, the slip, and the resident's display. `steps.txt` has what each sample of an event makes
of it. A sentence may be worded anew without a change here; what is said, with which amounts, and what is done may not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import cache
from pathlib import Path
from types import MappingProxyType

from pydantic import BaseModel

from config.texts import Refusal, Texts
from ledger.wire.rules import AwardReason
from terminal.counter import State, resident_view, step
from terminal.counter.events import PinEntered, Trouble
from terminal.counter.facts import Fault
from terminal.counter.left import AskingContext
from terminal.counter.states import Field
from terminal.counter.table import at
from terminal.shell.words import Words
from tests.terminal import counters, happenings
from tests.terminal.happenings import everything
from tests.terminal.screens import scenes
from tests.terminal.screens.scenes import CARDS, STATES, TERMS, counter_in

HERE = Path(__file__).parent
ANEW = "`python -m tests.terminal.shown` writes it anew: read the difference before it is committed."
SHOWN = f"""What each state of the counter shows, by the keys of its texts.
{ANEW}
"""
STEPS = f"""What becomes of each state of the counter: events, the state that follows, and what is done about it.
Events that change nothing, or only what lies on the reader, are left out, and so is trouble with the disk. `^name` is
what the state before has under that name; names in capitals are samples of `scenes.py` and `happenings.py`.
{ANEW}
"""


NAMED: dict[int, str] = {
    id(value): name
    for module in (counters, scenes, happenings)
    for name, value in vars(module).items()
    if name.isupper() and is_dataclass(value)
} | {id(who): f"RESIDENTS[{place}]" for place, who in enumerate(happenings.RESIDENTS)}
"""The names of sample values."""


class KeyWords(Words):
    """Says the key of each text, and what is put into it."""

    def __call__(self, key: str, /, **args: str | int) -> str:
        """Return key and arguments, once the text was found to take them."""
        super().__call__(key, **args)
        return " ".join((key, *(f"{name}={value}" for name, value in args.items())))

    def refusal(self, fault: Fault) -> Refusal:
        """Return the fault's code and arguments as its three sentences."""
        super().refusal(fault)
        said = " ".join((fault.code, *(f"{name}={value}" for name, value in fault.args)))
        return Refusal(f"what: {said}", f"why: {said}", f"todo: {said}")

    def reason(self, reason: AwardReason) -> str:
        """Return the English name."""
        return reason.name.en


WORDS = KeyWords(Texts("en"), TERMS.programmes)


def plain(value: object, known: Mapping[int, str] = MappingProxyType({})) -> str:
    """Return a value in few words: what stands at its default is left out, what is `known` bears its name."""
    if id(value) in known and (is_dataclass(value) or value.__class__ is tuple):
        return known[id(value)]
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, BaseModel):
        said = value.model_dump(mode="json", exclude_defaults=True)
        return f"{type(value).__name__}({', '.join(f'{name}={each}' for name, each in said.items())})"
    if is_dataclass(value):
        said = {
            each.name: getattr(value, each.name) for each in fields(value) if getattr(value, each.name) != each.default
        }
        shown = (f"{name}={plain(each, known)}" for name, each in said.items())
        return f"{type(value).__name__}({', '.join(shown)})"
    if isinstance(value, tuple | list):
        return f"[{', '.join(plain(each, known) for each in value)}]"
    return str(value)


def left(state: State, *, card_there: bool = False, practice: bool = False) -> list[str]:
    """Return the pieces of the left."""
    room = AskingContext(WORDS, card_there, practice, CARDS if practice else ())
    return [plain(piece) for piece in at(state).left(room)]


def shown(state: State) -> Iterator[str]:
    """Yield the lines about one state."""
    usual = left(state)
    yield from (f"  {line}" for line in usual)
    for what, lines in (
        ("card on the reader", left(state, card_there=True)),
        ("in practice", left(state, practice=True)),
    ):
        yield from (f"  {what}: {line}" for line in lines if line not in usual)
    ready = [when for when, there in (("without a card", False), ("with a card", True)) if at(state).ready(there)]
    if at(state).forward is not None:
        yield f"  Enter has the accent: {' and '.join(ready) or 'never'}"
    if wait := at(state).read_first:
        yield f"  read for {wait} s before a key does anything"
    yield f"  slip: {plain(at(state).paper(TERMS), NAMED)}"
    yield f"  resident: {plain(resident_view(counter_in(state)), NAMED)}"


def steps(state: State) -> Iterator[str]:
    """Yield the lines about what becomes of one state: with an empty reader, then what differs with something on it."""
    usual = _outcomes(state, Field.EMPTY)
    for field in Field:
        for result, events in _grouped(state, field).items():
            fresh = [event for event in events if field is Field.EMPTY or usual.get(event) != result]
            if fresh:
                yield f"  {'' if field is Field.EMPTY else f'({field.value}) '}{', '.join(fresh)}"
                yield f"    {result}"


def _grouped(state: State, field: Field) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for event, result in _outcomes(state, field).items():
        found.setdefault(result, []).append(event)
    return found


def _outcomes(state: State, field: Field) -> dict[str, str]:
    """Return what each event makes of a state, by their words."""
    before = replace(counter_in(state), field=field)
    known = NAMED | {id(getattr(state, each.name)): f"^{each.name}" for each in fields(state)}
    found = {}
    for event in everything(before):
        after, effects = step(before, event)
        changed = [
            f"{name}={plain(getattr(after, name), known)}"
            for name in ("task", "field", "last", "changed_at")
            if getattr(after, name, None) != getattr(before, name, None)
        ]
        moved = after.state != state or effects or any(not each.startswith("field=") for each in changed)
        wiped = isinstance(event, PinEntered) and after.state == state
        if moved and not wiped and not isinstance(event, Trouble):
            becomes = "stays" if after.state == state else plain(after.state, known)
            found[plain(event, known)] = " | ".join((becomes, *changed, *(plain(effect, known) for effect in effects)))
    return found


RECORDS: dict[str, tuple[str, Callable[[State], Iterator[str]]]] = {
    "shown.txt": (SHOWN, shown),
    "steps.txt": (STEPS, steps),
}
"""The files of the records: how each begins, and what it says of a state."""


def block(name: str, about: Callable[[State], Iterator[str]]) -> str:
    """Return what a record says of one sample."""
    state = STATES[name]
    return "\n".join((f"## {name}: {type(state).__name__}", *about(state)))


def write() -> None:
    """Write the records anew."""
    for file, (head, about) in RECORDS.items():
        text = "\n\n".join((head.strip(), *(block(name, about) for name in STATES)))
        (HERE / file).write_text(f"{text}\n", encoding="utf-8")


@cache
def recorded(file: str) -> tuple[str, ...]:
    """Return what stands in a record: its head, and its blocks."""
    return tuple((HERE / file).read_text(encoding="utf-8").removesuffix("\n").split("\n\n"))


if __name__ == "__main__":
    write()
