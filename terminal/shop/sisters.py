"""Looks up at the ledger what another terminal of the shop did, so that the owner can undo it here."""

from __future__ import annotations

from config.faults import fault_of
from ledger.wire.client import LedgerError
from terminal.counter.events import UndoableListed
from terminal.counter.facts import Fault, Undoable
from terminal.shop.opening import Station


def is_sisters(station: Station, operation_id: str) -> bool:
    """Return whether an operation is of another terminal of this shop."""
    setup = station.setup
    return operation_id.startswith(f"{setup.shop.code}-") and not operation_id.startswith(f"{setup.terminal_id}-")


async def ask_sister(station: Station, task: int, target: str, short_hash: str) -> UndoableListed:
    """Return what another terminal did, as what the owner can undo, or why that cannot be.

    A slip's `short_hash` must be the operation's.
    """
    if not station.settings.owner.code:
        return UndoableListed(task, (), Fault("owner_code_unset"))
    try:
        found = await station.client.sister_operation(target)
    except LedgerError as error:
        return UndoableListed(task, (), fault_of(error))
    if found is None:
        return UndoableListed(task, (), Fault("sister_unknown"))
    operation, verdict = found
    if not (verdict.content_hash or "").startswith(short_hash):
        return UndoableListed(task, ())
    item = Undoable(
        target, operation.at, operation.content, verdict, operation.closed, operation.returned, by_owner=True
    )
    return UndoableListed(task, (item,))
