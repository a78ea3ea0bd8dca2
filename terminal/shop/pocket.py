"""Keeps the pack: what may be redeemed here while the line is down, fetched while it is there, and what of it was used.

A pack is taken in only as the ledger signed it, for this terminal, whole, and not older than the one that is held; the
file is replaced at once or not at all. What was redeemed since stands in the journal (`terminal.shop.counting`).
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from config.files import write_whole
from ledger.wire.client import LedgerClient, LedgerError
from ledger.wire.consent import is_signed
from ledger.wire.operations import DecidedOffline, Leg, Sale
from ledger.wire.pack import Pack, PackRecord, PackRefused, pack_nonce, read_pack
from ledger.wire.rules import accepts
from offline_queue.counters import CounterRow
from offline_queue.reading import JournalReader
from terminal.counter.facts import Terms
from terminal.shop.counting import (
    CountersLost,
    RowPlace,
    checked_rows,
    counted,
    floor_in,
    last_decided,
    place_of,
    spends_in,
)
from terminal.shop.offline import Bar, Case, PackFacts, RecordFacts, RecordHolding, Spend, decide, still_counted
from terminal.shop.presence import Presence

FETCH_EVERY = timedelta(minutes=3)
"""How old a pack is at least before the next is asked for, unless what was sent meanwhile changes it."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OfflineDecision:
    """A sale that was decided here, but for the card's signature, with all counters as they are after it."""

    content: Sale
    counters: tuple[CounterRow, ...]
    case: Case
    legs: tuple[Leg, ...]
    key: bytes = field(repr=False)

    def is_signed(self, digest: bytes, signature: str) -> bool:
        """Return whether it may be done: the card's own key signed this very operation."""
        signed = is_signed(self.key, digest, signature)
        return not isinstance(decide(self.case, self.legs, signed=signed), Bar)


@dataclass(slots=True)
class Pocket:
    """The pack of one terminal, and its journal; `pinned` are the ledger's keys."""

    path: Path
    terminal_id: str
    journal: JournalReader
    pack: Pack | None = None
    asked_at: datetime | None = None
    asked_head: int = -1

    @classmethod
    def open(cls, path: Path, terminal_id: str, pinned: Collection[str], journal: JournalReader) -> Pocket:
        """Return the pocket with the pack that was kept; one that cannot be used is as none."""
        pocket = cls(path, terminal_id, journal)
        try:
            pocket.pack = read_pack(path.read_bytes(), terminal_id, pinned, stored=True)
        except FileNotFoundError:
            pass
        except (OSError, PackRefused) as error:
            _log.warning("the pack that was kept is not used: %s", error)
        return pocket

    def age(self, now: datetime) -> timedelta | None:
        """Return how old the pack is; None where there is none."""
        return None if self.pack is None else now - self.pack.issued_at

    async def keep_fresh(self, client: LedgerClient, now: datetime) -> None:
        """Fetch the next pack, unless that was done a moment ago and nothing was sent since that is about it."""
        head = self.journal.ledger_head()
        lately = self.asked_at is not None and timedelta(0) <= now - self.asked_at < FETCH_EVERY
        if lately and (head == self.asked_head or not self.journal.changed_reserved_after(self.asked_head)):
            return
        held = self.pack
        try:
            content = await client.pack(None if held is None else held.header.number)
            self.take(content, client.pinned)
            self.asked_at, self.asked_head = now, head
        except PackRefused as refused:
            _log.warning("a pack was refused: %s", refused.code)
            if refused.code in {"pack_gap", "pack_damaged"} and held is not None:
                await self._fetch_whole(client)
        except (LedgerError, OSError) as error:
            _log.info("no pack: %s", error)

    def take(self, content: bytes, pinned: Collection[str]) -> None:
        """Take a pack, or a delta, in; raise PackRefused, or OSError, and hold what was held."""
        pack = read_pack(content, self.terminal_id, pinned, self.pack)
        write_whole(self.path, pack.encoded())
        self.pack = pack

    async def _fetch_whole(self, client: LedgerClient) -> None:
        try:
            self.take(await client.pack(), client.pinned)
        except (PackRefused, LedgerError, OSError) as error:
            _log.warning("no whole pack: %s", error)

    # Deciding ---------------------------------------------------------------------------------------------------

    def case(self, present: Presence, terms: Terms, now: datetime, day: str) -> Case:
        """Return all that is decided over for a card."""
        record = None if self.pack is None else present.record(self.pack)
        return self._case(record, present, terms, now, day)[0]

    def _case(
        self, record: PackRecord | None, present: Presence, terms: Terms, now: datetime, day: str
    ) -> tuple[Case, tuple[CounterRow, ...]]:
        programmes = {code: each for code, each in terms.programmes.items() if accepts(each, terms.shop_code)}
        case = Case(programmes, self._facts(), None, now, day, *present.validity)
        if self.pack is None or record is None:
            return case, ()
        rows, is_whole = self._rows(self.pack)
        holdings = {
            each.programme: RecordHolding(each.reserved, each.balance, each.day_left) for each in record.holdings
        }
        facts = RecordFacts(holdings, present.key_in(record) is not None)
        floors = floor_in(rows or (), day) if is_whole else None
        return replace(case, record=facts, spends=self._spends(record, rows), terminal_floor=floors), rows or ()

    def _facts(self) -> PackFacts | None:
        if self.pack is None:
            return None
        header = self.pack.header
        last = self.journal.last_offline_sale(header.head_seq)
        decided = last_decided(self.journal, last) if last else None
        later = decided is not None and header.number < decided.pack
        behind = later or self.journal.gave_back_after(header.head_seq)
        return PackFacts(header.number, self.pack.issued_at, header.head_seq, behind)

    def _rows(self, pack: Pack) -> tuple[tuple[CounterRow, ...] | None, bool]:
        """Return the counters, and whether they are whole; None where nobody knows what was redeemed here.

        Where they do not fit the journal, but the ledger has counted all that the journal says, they begin anew; what
        was let go under the floor that day stays unknown.
        """
        try:
            return checked_rows(self.journal, pack.header.head_seq), True
        except CountersLost:
            counted_there = self.journal.last_offline_sale(pack.header.head_seq) <= pack.header.head_seq
            return ((), False) if counted_there else (None, False)

    def _place(self, reservation: bytes) -> RowPlace:
        salt = b"" if self.pack is None else base64.b64decode(self.pack.header.salt)
        return place_of(reservation, salt)

    def _spends(self, record: PackRecord, rows: tuple[CounterRow, ...] | None) -> tuple[Spend, ...] | None:
        if rows is None:
            return None
        try:
            return spends_in(rows, self._place(record.reservation))
        except CountersLost:
            return None

    def decide(
        self, present: Presence, terms: Terms, content: Sale, operation: str, now: datetime, day: str
    ) -> OfflineDecision | Bar:
        """Return a sale as it is decided here, to be signed by the card, or why it cannot be."""
        pack = self.pack
        record = None if pack is None else present.record(pack)
        case, rows = self._case(record, present, terms, now, day)
        taken = decide(case, content.redeem, signed=True)
        if isinstance(taken, Bar):
            return taken
        key = None if record is None else present.key_in(record)
        if pack is None or record is None or key is None:
            return Bar.OTHER_KEY
        seq, head_seq = int(operation.rpartition("-")[2]), pack.header.head_seq
        spends = (*still_counted(case.spends or (), head_seq, _days(day)), *_numbered(taken, seq))
        after = counted(rows, self._place(record.reservation), spends, day, forget_until=min(head_seq, self._kept(day)))
        present.under_pack(pack_nonce(pack.header.number), record.reservation)
        decided = DecidedOffline(pack=pack.header.number, counters=after.hash)
        return OfflineDecision(
            content.model_copy(update={"offline": decided}), after.rows, case, tuple(content.redeem), key
        )

    def _kept(self, day: str) -> int:
        """Return the last entry before the days of which spending is still counted."""
        return self.journal.last_before(min(_days(day)))


def _numbered(spends: Sequence[Spend], seq: int) -> tuple[Spend, ...]:
    return tuple(replace(spend, seq=seq) for spend in spends)


def _days(day: str) -> tuple[str, str]:
    """Return the business day and the one before it: a clock that was set must not forget today's spending."""
    today = datetime.fromisoformat(day).date()
    return (today - timedelta(days=1)).isoformat(), day
