"""Works the counter without a screen: the same machine and engine, with an operator that answers for people."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from terminal.counter import Counter, State, step
from terminal.counter.events import Event
from terminal.counter.facts import Fault
from terminal.counter.moves import Step
from terminal.counter.owner import Matter, matter_of
from terminal.counter.states import (
    AwaitCard,
    AwaitCardAgain,
    Done,
    Idle,
    Queued,
    Refused,
    ShowingBalance,
    Starting,
    Unfit,
    Unknown,
)
from terminal.shop.engine import Engine, EngineReport, ReaderState, Surroundings

Final = Done | Queued | Refused | ShowingBalance | Unfit | Unknown
"""Where a walk ends."""

_NO_TAP = {ReaderState.NO_READER: "no_reader", ReaderState.SERVICE_DOWN: "pcsc_service_down"}

Operator = Callable[[Counter, Surroundings], Event | None]
"""Answers for people: the event of what they do now, None while they wait. May raise `Stopped`."""


class Stopped(Exception):  # noqa: N818  # says what happened
    """The operator gives up before anything was written; carries why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.code)
        self.fault = fault


@dataclass
class Walk:
    """One task from its beginning to its end, over an engine that is started and stopped here."""

    engine: Engine
    operator: Operator
    timeout: float
    """Seconds to wait for a tap."""
    card: str | None = None
    """The practice card to tap."""
    clock: Callable[[], float] = time.monotonic
    consent: Callable[[Matter | None], None] = lambda _matter: None
    """Asks for the owner's code where something is the owner's; raises `Stopped` where it was not given."""
    counter: Counter = field(default_factory=Counter)
    surroundings: Surroundings = field(default_factory=lambda: Surroundings(clerk=""))
    _reports: queue.SimpleQueue[EngineReport] = field(default_factory=queue.SimpleQueue)

    def run(self, begin: Callable[[Counter], Step]) -> Final:
        """Open the engine, begin the task, and return how it ended; raise Stopped."""
        self.engine.start(self._reports.put)
        try:
            while isinstance(self.counter.state, Starting):
                self._take(self._reports.get())
            if isinstance(self.counter.state, Idle):
                self._do(begin(self.counter))
                self._tap()
            return self._finish()
        finally:
            self.engine.stop()

    def _tap(self) -> None:
        if self.card is not None and isinstance(self.counter.state, AwaitCard):
            self.engine.hold(self.card)

    def _finish(self) -> Final:
        deadline = self.clock() + self.timeout
        while not isinstance(self.counter.state, Final):
            reply = self.operator(self.counter, self.surroundings)
            if reply is not None:
                self._do(step(self.counter, reply))
                continue
            waits = isinstance(self.counter.state, AwaitCard | AwaitCardAgain)
            try:
                self._take(self._reports.get(timeout=max(0.0, deadline - self.clock()) if waits else None))
            except queue.Empty:
                raise Stopped(_why(self.counter.state, self.surroundings.reader)) from None
        return self.counter.state

    def _take(self, report: EngineReport) -> None:
        if isinstance(report, Surroundings):
            self.surroundings = report
        else:
            self._carry_out(step(self.counter, report))

    def _do(self, stepped: Step) -> None:
        self.consent(matter_of(self.counter, stepped))
        self._carry_out(stepped)

    def _carry_out(self, stepped: Step) -> None:
        self.counter, effects = stepped
        for effect in effects:
            self.engine.carry_out(effect)


def _why(state: State, reader: ReaderState) -> Fault:
    """Return what was wrong with the last tap, or why there was none."""
    notice = state.notice if isinstance(state, AwaitCard | AwaitCardAgain) else None
    return notice or Fault(_NO_TAP.get(reader, "tap_timeout"))
