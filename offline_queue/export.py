"""A journal as one file of JSON lines, and the proof of such a file on any machine.

The first line says whose journal it is and under which keys the ledger signs; then come the entries, each with its
verdict, and before them the answers that the ledger signed; the last line says how many there are. 0.1.0 wrote the
entries alone.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.wire.canonical import canonical
from ledger.wire.statements import raw
from offline_queue.errors import JournalCorrupt, JournalNewer
from offline_queue.history import Answered, RecordLine, StoredEntry, StoredVerdict
from offline_queue.proof import RecordCheck, Verified
from offline_queue.reading import JournalReader

FORM = 2
"""The form in which an export is written; that of 0.1.0 has no header, and is 1."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What a file proves: whose journal it is, under which keys, and what was found in it.

    The file itself names the keys, so a reader compares them. `public_key` is None in a file of 0.1.0, which
    does not say it, so that its signatures are not checked.
    """

    terminal_id: str
    public_key: str | None
    ledger_keys: tuple[str, ...]
    found: Verified


def export_lines(journal: JournalReader) -> Iterator[str]:
    """Yield the lines of a file that proves itself; raise JournalCorrupt where the journal cannot be read."""
    last, digest = journal.head()
    aside = journal.set_aside()
    header = {
        "kazasu": "journal",
        "form": FORM,
        "terminal_id": journal.terminal_id,
        "public_key": raw(journal.public_key),
        "ledger_keys": sorted(journal.pinned),
        "earlier_ledger_keys": sorted(journal.known_keys() - journal.pinned),
        "unsigned_verdicts": journal.before_answers(),
        "set_aside": [{"seq": seq, "hash": each} for seq, each in sorted(aside.items())],
    }
    yield _json(header)
    answers, proof = 0, journal.proof()
    for line in journal.history(upto=last):
        proof.follow(line)
        answers += isinstance(line, Answered)
        yield _json(_answer(line) if isinstance(line, Answered) else _entry(line, damaged=line.seq in aside))
    proof.finish()
    yield _json({"end": {"entries": last, "hash": digest, "answers": answers}})


def verify_export(lines: Iterable[str]) -> Exported:
    """Check a file line by line; raise JournalCorrupt at the first that is not what was written, or JournalNewer."""
    try:
        return _verify(iter(lines))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise JournalCorrupt(f"the file cannot be read: {error}") from None


def _verify(lines: Iterator[str]) -> Exported:
    first = json.loads(next(lines, "null"))
    if "entry" in first:
        return _verify_first_form(first, lines)
    if first.get("kazasu") != "journal":
        raise JournalCorrupt("this is no export of a journal")
    if int(first["form"]) > FORM:
        raise JournalNewer(int(first["form"]))
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(first["public_key"], validate=True))
    proof = RecordCheck(
        first["terminal_id"],
        key,
        pinned=first["ledger_keys"],
        known=first["earlier_ledger_keys"],
        unsigned=int(first["unsigned_verdicts"]),
        set_aside={int(each["seq"]): str(each["hash"]) for each in first["set_aside"]},
    )
    end = None
    for text in lines:
        if end is not None:
            raise JournalCorrupt("something follows the end")
        line = json.loads(text)
        if "end" in line:
            end = line["end"]
        elif (read := _line(line)) is not None:
            proof.follow(read)
    found = proof.finish()
    if end is None or end != {"entries": found.entries, "hash": found.head, "answers": found.answers}:
        raise JournalCorrupt("the end of the file is missing", found.entries + 1)
    return Exported(first["terminal_id"], first["public_key"], tuple(first["ledger_keys"]), found)


def _verify_first_form(first: dict[str, Any], lines: Iterator[str]) -> Exported:
    terminal_id = first["entry"]["terminal_id"]
    proof = RecordCheck(terminal_id, None, unsigned=1 << 62)
    position = 0
    for line in (first, *map(json.loads, lines)):
        if line["verdict"] is not None:
            position += 1
        proof.follow(_written({**line, "position": position}))
    return Exported(terminal_id, None, (), proof.finish())


def _line(line: Mapping[str, Any]) -> RecordLine | None:
    if "entry" in line:
        return _written(line)
    if "answer" in line:
        return Answered(
            number=line["answer"],
            head_seq=line["statement"]["head_seq"],
            head_hash=line["statement"]["head_hash"],
            statement=canonical(line["statement"]),
            key=line["key"],
            signature=line["signature"],
        )
    if "damaged" in line:
        return None if line["verdict"] is None else _damaged(line)
    raise JournalCorrupt("a line is none of a journal's")


def _written(line: Mapping[str, Any]) -> StoredEntry:
    entry = line["entry"]
    return StoredEntry(
        seq=entry["seq"],
        kind=entry["content"]["kind"],
        business_date=entry["business_date"],
        reference=entry.get("reference"),
        received=line.get("received", 0),
        body=canonical(entry),
        hash=line["hash"],
        signature=line["signature"],
        decided=_decided(line),
    )


def _damaged(line: Mapping[str, Any]) -> StoredEntry:
    return StoredEntry(line["damaged"], "", "", None, 0, b"", line["hash"], "", _decided(line))


def _decided(line: Mapping[str, Any]) -> StoredVerdict | None:
    verdict = line["verdict"]
    if verdict is None:
        return None
    return StoredVerdict(line["position"], verdict["status"], canonical(verdict), line.get("answer_number"))


def _entry(row: StoredEntry, *, damaged: bool) -> dict[str, Any]:
    """Return an entry's line; of one that was damaged and set aside, what is left of it."""
    decided = row.decided
    more: dict[str, Any] = {
        "received": row.received,
        "verdict": None if decided is None else _parsed(decided.body, row.seq),
        **({} if decided is None else {"position": decided.position, "answer_number": decided.answer}),
    }
    if damaged:
        return {"damaged": row.seq, "hash": row.hash, "found": base64.b64encode(row.body).decode(), **more}
    return {"entry": _parsed(row.body, row.seq), "hash": row.hash, "signature": row.signature, **more}


def _answer(row: Answered) -> dict[str, Any]:
    statement = _parsed(row.statement, None)
    return {"answer": row.number, "statement": statement, "key": row.key, "signature": row.signature}


def _parsed(body: bytes, seq: int | None) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, TypeError):
        raise JournalCorrupt("it cannot be read", seq) from None
    if not isinstance(found, dict):
        raise JournalCorrupt("it cannot be read", seq)
    return found


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
