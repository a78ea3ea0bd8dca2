"""Files of awards that wait: above a sum for programme and day, a second person of the office gives what one asked."""

from __future__ import annotations

import json
import secrets
import zlib
from dataclasses import dataclass

from sqlalchemy import Engine, delete, insert, select

from config.errors import KnownError
from ledger.api.awards import Plan, carry_out
from ledger.api.desk import Officer
from ledger.api.state import Ledger
from ledger.database import reading, repeated
from ledger.points.grants import ApprovalNeeded, Gift, GrantedRows, paid_on
from ledger.points.schema import award_files
from ledger.wire.rules import in_force


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file that waits: when and by whom it was brought, and the programme that came to too much."""

    file: str
    at: str
    who: str
    occasion: str
    programme: str
    points: int
    rows: int


class ApprovalError(KnownError):
    """A file is not approved; `code` is stable: `award_file_unknown`, `approval_own`, or `award_file_late`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def hold(ledger: Ledger, asked: Plan, officer: Officer, needed: ApprovalNeeded) -> str:
    """Keep what a plan asks for until somebody approves it, and return the number of the file."""
    file, at = secrets.token_hex(4), ledger.clock()
    plain = zlib.compress(json.dumps([list(gift) for gift in asked.gifts]).encode())
    row = {
        "municipality": officer.municipality,
        "file": file,
        "at": at.isoformat(timespec="seconds"),
        "who": officer.who,
        "occasion": asked.occasion,
        "programme": needed.programme,
        "points": asked.total,
        "row_count": len(asked.gifts),
        "sealed": ledger.periods.supplied(
            lambda: ledger.periods.seal(at.isoformat(), f"{officer.municipality} {file}", plain)
        ),
    }
    repeated(ledger.books, lambda connection: connection.execute(insert(award_files), row))
    ledger.audit.note(officer, "award_held", {"file": file, "points": str(asked.total)}, at)
    return file


def waiting(books: Engine, municipality: str) -> list[Waiting]:
    """Return the files that wait, oldest first."""
    columns = [award_files.c[name] for name in ("file", "at", "who", "occasion", "programme", "points", "row_count")]
    query = select(*columns).where(award_files.c.municipality == municipality).order_by(award_files.c.at)
    with reading(books) as connection:
        return [Waiting(*row) for row in connection.execute(query)]


def approve(ledger: Ledger, officer: Officer, file: str) -> GrantedRows:
    """Give what a file asked for that somebody else brought; raise ApprovalError where it may not be."""
    row = _file(ledger, officer, file)
    if row.who == officer.who:
        raise ApprovalError("approval_own")
    plain = ledger.periods.supplied(lambda: ledger.periods.open(row.at, f"{officer.municipality} {file}", row.sealed))
    if plain is None:
        raise ApprovalError("award_file_late")
    gifts = [Gift(*each) for each in json.loads(zlib.decompress(plain))]
    programmes = in_force(ledger.registry.programmes([officer.municipality]), ledger.today())
    if any(gift.programme not in programmes for gift in gifts):
        raise ApprovalError("award_file_late")
    known = ledger.identity.known(gift.mykey for gift in gifts)
    paid = paid_on(ledger.books, officer.municipality, (gift.key for gift in gifts))
    left = [gift for gift in gifts if gift.mykey in known and gift.key not in paid]
    asked = Plan(ledger.today(), officer.municipality, row.occasion, programmes, gifts=left)
    done = carry_out(ledger, asked, Officer(officer.municipality, row.who), approver=officer)
    _forget(ledger, officer.municipality, file)
    return done


def refuse(ledger: Ledger, officer: Officer, file: str) -> None:
    """Delete a waiting file; the person who brought it may do so too."""
    _file(ledger, officer, file)
    _forget(ledger, officer.municipality, file)
    ledger.audit.note(officer, "award_refused", {"file": file}, ledger.clock())


@dataclass(frozen=True, slots=True)
class _Row:
    at: str
    who: str
    occasion: str
    sealed: bytes


def _file(ledger: Ledger, officer: Officer, file: str) -> _Row:
    columns = [award_files.c[name] for name in ("at", "who", "occasion", "sealed")]
    query = select(*columns).where(award_files.c.municipality == officer.municipality, award_files.c.file == file)
    with reading(ledger.books) as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        raise ApprovalError("award_file_unknown")
    return _Row(*row)


def _forget(ledger: Ledger, municipality: str, file: str) -> None:
    named = (award_files.c.municipality == municipality, award_files.c.file == file)
    repeated(ledger.books, lambda connection: connection.execute(delete(award_files).where(*named)))
