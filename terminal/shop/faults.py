"""Turns what went wrong below into what the counter can say: a stable code and the arguments of its text."""

from __future__ import annotations

from config.trust import AnchorError
from ledger.wire.client import LedgerBusy, LedgerError, LedgerRefusal, LedgerUntrusted
from offline_queue.errors import QueueError
from reader.errors import ReaderError
from terminal.counter.facts import Fault
from terminal.shop.enrolment import EnrolmentError
from terminal.shop.ledger_access import CannotOpen

KNOWN = (QueueError, ReaderError, LedgerError, CannotOpen, EnrolmentError, AnchorError)
"""What may go wrong without being a defect of ours."""


def fault_of(error: Exception) -> Fault:
    """Return the fault that an error of a lower package is at the counter."""
    match error:
        case ReaderError():
            return Fault(error.code, tuple(error.data.items()))
        case LedgerRefusal() | LedgerBusy() | LedgerUntrusted():
            return Fault(error.code)
        case LedgerError():
            return Fault("line_needed")
        case QueueError() | CannotOpen() | EnrolmentError() | AnchorError():
            told = {name: str(value) for name, value in vars(error).items() if value is not None}
            return Fault(error.code, tuple(told.items()))
        case _:  # an error of nobody's tree is a defect
            return Fault("unexpected")
