"""Has slips and reports printed for the screens, from what stands in the journal, and says what came of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace

from config.faults import Fault, fault_of
from ledger.wire.answers import ProgrammeBalance
from terminal.shell.shared import Shared
from terminal.shop.books import DayReport, Named
from terminal.shop.engine import Unanswerable
from terminal.shop.printing import HANGS_AFTER, PrinterError, PrinterSilent, Printing, Sheet
from terminal.slips.operation import of_journal, slip
from terminal.slips.report import report_rows

_log = logging.getLogger(__name__)


async def operation(
    shared: Shared, operation_id: str, balances: Sequence[ProgrammeBalance] = (), *, again: bool = False
) -> str:
    """Print the slip of an operation that is durable, and return the sentence that says what came of it.

    It is a copy where it may have come out before, or `again` says so. What the resident holds is not in the journal:
    `balances` are those that the screen still shows.
    """
    printing = shared.printing
    if printing is None:
        return _sentence(shared, Fault("printer_unset"))
    try:
        found = await shared.ask(Named(operation_id))
    except Unanswerable as error:
        return _sentence(shared, error.fault)
    copy = again or printing.was_printed(operation_id)
    settled = replace(of_journal(found), balances=tuple(balances))
    rows = slip(settled, shared.words, shop=shared.terms.shop_name, reprint=copy, tax=shared.slip)
    return await _print(shared, printing, Sheet(operation_id, rows))


async def report(shared: Shared, day: DayReport, at: str) -> str:
    """Print an X or Z report made at a time, and return the sentence that says what came of it."""
    if shared.printing is None:
        return _sentence(shared, Fault("printer_unset"))
    name = f"x-{at[:10]}" if day.entry is None else day.entry.operation_id
    rows = report_rows(day.report, shared.words, at=at, entry=day.entry, shop=shared.terms.shop_name)
    return await _print(shared, shared.printing, Sheet(name, rows))


async def _print(shared: Shared, printing: Printing, sheet: Sheet) -> str:
    job: Future[None] = printing.print(sheet)
    try:
        # Shielded: a slip that is being printed is not called back, only one that still waits.
        await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(job)), HANGS_AFTER)
    except TimeoutError:
        printing.give_up(job)
        return _sentence(shared, fault_of(PrinterSilent(printing.settings.address)))
    except PrinterError as error:
        return _sentence(shared, fault_of(error))
    except Exception as error:  # noqa: BLE001  # whatever broke in the printer's thread, the counter goes on
        _log.exception("a slip could not be printed")
        return _sentence(shared, fault_of(error))
    return shared.words("print-done")


def _sentence(shared: Shared, fault: Fault) -> str:
    said = shared.words.refusal(fault)
    return f"{said.what} {said.todo}"
