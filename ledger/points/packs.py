"""The packs of terminals: numbered, and kept slot by slot, so that what travels is what changed."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, insert, select, update

from config.japan import JST
from ledger.database import repeated, with_row_locks
from ledger.points.bulk import drop, put
from ledger.points.periods import LASTING, PeriodKeys
from ledger.points.schema import pack_slots, packs
from ledger.wire.pack import PackHeader, PackRecord, Slot, derive, seal_slot, sign_pack, slots_hash

WITHDRAWN_KEPT: Final = 2_000
"""For how many packs a withdrawn slot is named in deltas; a terminal with an older pack gets a whole one."""

_SINCE: Final = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PackAsked:
    """Who asks for a pack, when, which one they have, and up to which entry their journal is counted in it."""

    terminal_id: str
    head_seq: int
    have: int | None
    at: datetime

    @property
    def version(self) -> int:
        """The version of what changes now: seconds, so that a ledger that lost packs never gives one out twice."""
        return int((self.at - _SINCE).total_seconds())


class Packs:
    """Makes packs out of records."""

    def __init__(self, engine: Engine, keys: PeriodKeys) -> None:
        self._engine = with_row_locks(engine)
        self._keys = keys

    def make(
        self, asked: PackAsked, records: Mapping[bytes, PackRecord], codes: Iterable[str], key: Ed25519PrivateKey
    ) -> bytes:
        """Return the next pack of a terminal, whole or as a delta to the one that it has, signed.

        `records` are by the 32 bytes that a tap reads of a card, `codes` the programmes that they name.
        """
        named = sorted(codes)

        def work() -> bytes:
            return repeated(self._engine, lambda c: self._make(c, asked, records, named, key), on_taken_keys=True)

        return self._keys.supplied(work)

    def _make(
        self,
        connection: Connection,
        asked: PackAsked,
        records: Mapping[bytes, PackRecord],
        codes: Sequence[str],
        key: Ed25519PrivateKey,
    ) -> bytes:
        home = asked.terminal_id[:6]
        last, salt, programmes = self._last(connection, asked.terminal_id)
        # Beyond what the terminal has, too: a ledger that forgot packs must not seem to roll one back.
        number = max(last, asked.have or 0) + 1
        programmes += [code for code in codes if code not in programmes]
        header = PackHeader(
            kazasu="pack/1",
            terminal_id=asked.terminal_id,
            number=number,
            head_seq=asked.head_seq,
            issued_at=asked.at.astimezone(JST).isoformat(timespec="seconds"),
            salt=base64.b64encode(salt).decode(),
            programmes=programmes,
            slots=0,
            sha256=hashlib.sha256().hexdigest(),
        )
        before = {row.place: row for row in connection.execute(_slots_of(asked.terminal_id))}
        after, changed = self._changed(header, asked, before, records)
        put(connection, pack_slots, home, changed)
        forgotten = [place for place, row in before.items() if row.sealed is None and place not in records_at(changed)]
        old = [place for place in forgotten if before[place].changed_in <= number - WITHDRAWN_KEPT]
        drop(connection, pack_slots, home, [(asked.terminal_id, place) for place in old])
        of_terminal = (packs.c.municipality == home, packs.c.terminal == asked.terminal_id)
        fields = {"number": number, "programmes": json.dumps(programmes)}
        connection.execute(update(packs).where(*of_terminal).values(**fields))
        there = [slot for slot, _ in after.values() if slot.sealed is not None]
        counted: dict[str, Any] = {"slots": len(there), "sha256": slots_hash(there)}
        if asked.have is None or not last - WITHDRAWN_KEPT < asked.have <= last:
            return sign_pack(header.model_copy(update=counted), there, key)
        delta = [slot for slot, changed_in in after.values() if changed_in > asked.have]
        # Validated anew: only fields that are set are signed.
        based = PackHeader.model_validate({**header.as_json(), **counted, "base": asked.have})
        return sign_pack(based, delta, key)

    def _last(self, connection: Connection, terminal_id: str) -> tuple[int, bytes, list[str]]:
        """Lock and return number, salt and programmes of a terminal's last pack; make them for its first one."""
        of_terminal = (packs.c.municipality == terminal_id[:6], packs.c.terminal == terminal_id)
        row = connection.execute(select(packs).where(*of_terminal).with_for_update()).one_or_none()
        if row is not None and (salt := self._keys.open_in(LASTING, terminal_id, row.sealed_salt)) is not None:
            return row.number, salt, json.loads(row.programmes)
        salt = secrets.token_bytes(32)
        fields = {
            "municipality": terminal_id[:6],
            "terminal": terminal_id,
            "number": 0,
            "sealed_salt": self._keys.seal_in(LASTING, terminal_id, salt),
            "programmes": "[]",
        }
        connection.execute(insert(packs), fields)
        return 0, salt, []

    def _changed(
        self, header: PackHeader, asked: PackAsked, before: Mapping[str, Any], records: Mapping[bytes, PackRecord]
    ) -> tuple[dict[str, tuple[Slot, int]], list[tuple[Any, ...]]]:
        """Return all slots with the number of the pack in which each changed, and the rows of those that change now."""
        after: dict[str, tuple[Slot, int]] = {}
        changed: list[tuple[Any, ...]] = []
        salt = base64.b64decode(header.salt)
        for secret, record in records.items():
            place = derive(secret, salt)[0].hex()
            content = self._keys.finder(LASTING, repr((asked.terminal_id, place, _content(record))).encode())
            row = before.get(place)
            if row is not None and row.sealed is not None and row.content_print == content:
                after[place] = Slot(bytes.fromhex(place), row.version, row.sealed), row.changed_in
                continue
            slot = seal_slot(header, secret, _next(asked, row), record)
            after[place] = slot, header.number
            changed.append((asked.terminal_id, place, slot.version, header.number, content, slot.sealed))
        for place, row in before.items():
            if place in after:
                continue
            if row.sealed is None:
                after[place] = Slot(bytes.fromhex(place), row.version, None), row.changed_in
                continue
            version = _next(asked, row)
            after[place] = Slot(bytes.fromhex(place), version, None), header.number
            changed.append((asked.terminal_id, place, version, header.number, "", None))
        return after, changed


def records_at(changed: Iterable[tuple[Any, ...]]) -> set[str]:
    """Return the places of rows."""
    return {place for _, place, *_ in changed}


def _slots_of(terminal_id: str) -> Any:
    of_terminal = (pack_slots.c.municipality == terminal_id[:6], pack_slots.c.terminal == terminal_id)
    return select(pack_slots).where(*of_terminal).with_for_update()


def _next(asked: PackAsked, row: Any) -> int:
    return max(asked.version, 0 if row is None else row.version + 1)


def _content(record: PackRecord) -> tuple[Any, ...]:
    held = tuple((each.programme, each.reserved, each.balance, each.day_left) for each in record.holdings)
    return record.reservation, record.info_sha256, record.language, held
