"""The counter as a pure state machine: `step(counter, event)` returns the counter afterwards and what is to be done."""

from terminal.counter.resident import ResidentView
from terminal.counter.states import Counter, State
from terminal.counter.step import resident_view, step

__all__ = ["Counter", "ResidentView", "State", "resident_view", "step"]
