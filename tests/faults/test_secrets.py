"""A PIN stands in no log, no message and no crash report, not even in one that shows the values beside its stack."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from traceback import TracebackException

import pytest

from config.home import Home
from config.settings import ScreenSettings
from reader.apdu import HOLDS_SECRET
from reader.connection import Apdu
from reader.virtual.card import VirtualCard
from terminal.cli.log import keep_log
from terminal.counter import pricing, step
from terminal.counter.effects import Authorise, ReadCard
from terminal.counter.events import CardRead, Event, PinEntered, PinTyped
from terminal.counter.facts import SaleIntent
from terminal.counter.moves import Step
from terminal.counter.states import Counter
from tests.terminal.counters import TERMS
from tests.terminal.desks import desk
from tests.terminal.screens.scenes import PIN, at_counter, counter_in

DIGITS = "7391"

SHORTEST = 5
"""Bytes of a command that only asks how many tries are left."""


def tells(report: str) -> list[str]:
    """Return what a report tells of the PIN: the digits together, in hex, or one of them as a key that was pressed."""
    hexadecimal = DIGITS.encode().hex()
    return re.findall(rf"\b{DIGITS}\b|b'{DIGITS}|{hexadecimal}|'[{DIGITS}]'", report)


def test_what_goes_wrong_is_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever mends the terminal finds the stack in a file of its directory; without trouble there is no file."""
    home, handlers = Home(tmp_path), list[logging.Handler]()
    monkeypatch.setattr(logging.getLogger(), "handlers", handlers)
    keep_log(home)
    assert not home.log.exists()
    logging.getLogger("terminal").error("it broke down", exc_info=RuntimeError("a defect"))
    handlers[0].close()
    assert "RuntimeError: a defect" in home.log.read_text(encoding="utf-8")


@pytest.mark.anyio
@pytest.mark.parametrize("event", [PinTyped, PinEntered])
async def test_a_crash_while_the_pin_is_typed(
    event: type[Event],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The application ends with a stack that says where, and nothing of what was typed."""

    def broken(counter: Counter, what: Event) -> Step:
        if what == PinTyped(4) or (isinstance(what, event) and event is PinEntered):
            raise RuntimeError("a defect")
        return step(counter, what)

    monkeypatch.setattr("terminal.screens.counter.screen.step", broken)

    async def type_pin() -> None:
        async with at_counter(ScreenSettings()) as (screen, pilot):
            screen.show(counter_in(PIN))
            await pilot.press(*DIGITS, "enter")

    with pytest.raises(RuntimeError):
        await type_pin()
    report = capsys.readouterr().err
    for told in report, caplog.text:
        assert "a defect" in told
        assert "in on_key" in told
        assert tells(told) == []


@pytest.mark.anyio
@pytest.mark.parametrize("holds_pin", [False, True], ids=["first exchange", "exchange with the PIN"])
async def test_a_defect_while_the_card_has_the_pin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, holds_pin: bool
) -> None:
    """The digits are overwritten wherever they stood, before anybody reports the values of any frame."""
    transmit = VirtualCard.transmit

    def broken(card: VirtualCard, command: Apdu) -> tuple[bytes, int]:
        if not holds_pin or (command[1] in HOLDS_SECRET and len(command) > SHORTEST):
            raise RuntimeError("a defect")
        return transmit(card, command)

    caplog.set_level(logging.DEBUG)
    async with desk(tmp_path) as counter:
        counter.cards.tap("two-towns")
        read = await counter.desk.carry_out(ReadCard(1, SaleIntent(1200)))
        assert isinstance(read, CardRead)
        draft = pricing.sale(pricing.choices_for(1200, read.resident, TERMS)[0], TERMS)
        pin = bytearray(DIGITS.encode())
        monkeypatch.setattr(VirtualCard, "transmit", broken)
        with pytest.raises(RuntimeError) as defect:
            await counter.desk.carry_out(Authorise(1, draft, False, pin))
    assert pin == bytes(4)
    report = "".join(TracebackException.from_exception(defect.value, capture_locals=True).format())
    assert "in broken" in report
    assert tells(report + caplog.text) == []
