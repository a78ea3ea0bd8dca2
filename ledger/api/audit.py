"""What the office did: an entry for every act, which names its person only under the key of its month."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, delete, insert, select

from config.japan import JST
from ledger.api.desk import Officer
from ledger.database import reading, repeated
from ledger.points.bulk import add
from ledger.points.periods import PeriodKeys
from ledger.points.schema import audit, audit_outbox

_PERSON = "person"


class Act(NamedTuple):
    """An audit entry: when, who, what, and its details as JSON."""

    at: str
    who: str
    action: str
    detail: str


class Audit:
    """The audit's entries. `secret` keys the hashes by which rows of awards are known."""

    def __init__(self, engine: Engine, periods: PeriodKeys, secret: bytes) -> None:
        self._engine = engine
        self._periods = periods
        self._secret = secret

    def note(
        self, officer: Officer, action: str, detail: Mapping[str, str], at: datetime, mykey: str | None = None
    ) -> None:
        """Write down what was done; `mykey` is whom it concerned."""
        entry = _name()
        sealed = {} if mykey is None else {_PERSON: self._seal(entry, at, mykey)}
        row = _row(entry, officer, action, {**detail, **sealed}, at)
        repeated(self._engine, lambda connection: connection.execute(insert(audit), row))

    @contextmanager
    def act(
        self,
        officer: Officer,
        action: str,
        detail: Mapping[str, str],
        at: datetime,
        mykey: str | None = None,
        municipalities: Iterable[str] = (),
    ) -> Iterator[None]:
        """Write down what is about to be done, and then what came of it; the other towns that it concerns are told.

        An act whose process dies leaves its intent: its result is not known. A refusal's code is
        its result.
        """
        entry = _name()
        sealed = {} if mykey is None else {_PERSON: self._seal(entry, at, mykey)}
        others = sorted(set(municipalities) - {officer.municipality})
        self._write(_row(entry, officer, action, {"state": "asked", **detail, **sealed}, at), others)
        try:
            yield
        except Exception as error:
            came = str(getattr(error, "code", "failed"))
            self._write(_row(f"{entry}-r", officer, action, {"state": came, **detail}, at), others)
            raise
        self._write(_row(f"{entry}-r", officer, action, {"state": "done", **detail}, at), others)

    def deliver(self, municipality: str) -> int:
        """Copy audit entries that wait in the outbox into the other towns' audits; return how many were copied."""
        query = select(audit_outbox).where(audit_outbox.c.municipality == municipality)
        with reading(self._engine) as connection:
            waiting = connection.execute(query).all()
        for each in waiting:
            self._tell(each.municipality, each.entry, each.addressee, json.loads(each.told))
        return len(waiting)

    def _write(self, row: Mapping[str, str], municipalities: Sequence[str]) -> None:
        told = json.dumps(dict(row), ensure_ascii=False)
        waiting = [(row["entry"], municipality, told) for municipality in municipalities]

        def work(connection: Connection) -> None:
            connection.execute(insert(audit), dict(row))
            add(connection, audit_outbox, row["municipality"], waiting)

        repeated(self._engine, work)
        for entry, municipality, _ in waiting:
            self._tell(row["municipality"], entry, municipality, row)

    def _tell(self, municipality: str, entry: str, addressee: str, row: Mapping[str, str]) -> None:
        """Write an entry into another town's audit, and only then take it out of the outbox: again changes nothing."""
        told = {**row, "municipality": addressee, "who": f"{municipality}: {row['who']}"[:40]}
        named = (audit.c.municipality == addressee, audit.c.entry == entry)

        def work(connection: Connection) -> None:
            if connection.scalar(select(audit.c.entry).where(*named)) is None:
                connection.execute(insert(audit), told)

        repeated(self._engine, work, on_taken_keys=True)
        sent = (
            audit_outbox.c.municipality == municipality,
            audit_outbox.c.entry == entry,
            audit_outbox.c.addressee == addressee,
        )
        repeated(self._engine, lambda connection: connection.execute(delete(audit_outbox).where(*sent)))

    def entry(self, officer: Officer, action: str, detail: Mapping[str, str], at: datetime) -> dict[str, str]:
        """Return an entry, still to be written in the transaction of the act itself."""
        return _row(secrets.token_hex(16), officer, action, detail, at)

    def file_paid_on(self, municipality: str, digest: str, occasion: str) -> tuple[str, str] | None:
        """Return the entry, and its day, of a file of awards that release 0.1.0 gave: it knew files by their bytes."""
        key = hmac.digest(self._secret, f"award {digest} {occasion}".encode(), hashlib.sha256).hex()[:32]
        query = select(audit.c.at).where(audit.c.municipality == municipality, audit.c.entry == key)
        with reading(self._engine) as connection:
            at = connection.scalar(query)
        return None if at is None else (key, datetime.fromisoformat(at).astimezone(JST).date().isoformat())

    def fingerprint(self, kind: str, what: str) -> str:
        """Return the hash that stands for a value in the audit: 128 bits of a keyed hash, in hex."""
        return hmac.digest(self._secret, f"{kind} {what}".encode(), hashlib.sha256).hex()[:32]

    def acts(self, municipality: str) -> list[Act]:
        """Return what was done for a municipality, oldest first; whom it concerned, until the month's key is gone."""
        query = select(audit).where(audit.c.municipality == municipality).order_by(audit.c.at, audit.c.entry)
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        return [self._periods.supplied(partial(self._act, row)) for row in rows]

    def _act(self, row: Row[Any]) -> Act:
        detail: dict[str, str] = json.loads(row.detail)
        if (sealed := detail.pop(_PERSON, None)) is not None:
            plain = self._periods.open(row.at, row.entry, b64decode(sealed))
            detail |= {} if plain is None else {"mykey": plain.decode()}
        return Act(row.at, row.who, row.action, json.dumps(detail, ensure_ascii=False))

    def _seal(self, entry: str, at: datetime, mykey: str) -> str:
        sealed = self._periods.supplied(lambda: self._periods.seal(_text(at), entry, mykey.encode()))
        return b64encode(sealed).decode()


def _name() -> str:
    """Return a new entry's name: those of one process sort in their order, also within a second."""
    return f"{time.time_ns():016x}{secrets.token_hex(8)}"


def _row(entry: str, officer: Officer, action: str, detail: Mapping[str, str], at: datetime) -> dict[str, str]:
    return {
        "municipality": officer.municipality,
        "entry": entry,
        "at": _text(at),
        "who": officer.who,
        "action": action,
        "detail": json.dumps(dict(detail), ensure_ascii=False),
    }


def _text(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
