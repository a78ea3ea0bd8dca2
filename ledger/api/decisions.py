"""Decides operations: identity says who it is and what was proven, points says what comes of it.

Most operations are decided together, as many as come. A registration or a leave changes who is known, so it is decided
alone, after everything before it. Each step may be repeated after a crash: registering again finds the card registered,
leaving again finds nobody, and an operation that has its verdict touches the ID table no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from ledger.api.state import Ledger
from ledger.identity.errors import IdentityRefusal
from ledger.identity.store import Holder
from ledger.points.closes import Closes
from ledger.points.registry import Terminal
from ledger.points.store import Outcome, Request
from ledger.wire.answers import Standing
from ledger.wire.consent import consent_digest, is_signed
from ledger.wire.entries import Entry, SignedEntry
from ledger.wire.kinds import kind_of
from ledger.wire.operations import CardSigned, Link, Unlink, is_operation
from ledger.wire.sealing import Purpose, SealError
from ledger.wire.tokens import CardReference, Registration


@dataclass(frozen=True, slots=True)
class Subject:
    """Who an operation is about, as far as identity can say: a MyKey ID, or why there is none."""

    mykey: str | None = None
    refusal: str | None = None
    pin_verified: bool = False


def decide(ledger: Ledger, terminal: Terminal, entries: Sequence[SignedEntry]) -> list[Outcome]:
    """Decide the operations among entries that were walked, in their order."""
    operations = [each for each in entries if is_operation(each.entry.content)]
    outcomes: list[Outcome] = []
    closes = Closes(terminal.id, terminal.closed, ledger.registry.closed_seq)
    for alone, group in groupby(operations, key=_changes_identity):
        if alone:
            for each in group:
                outcomes += _apply(ledger, terminal, closes, [(each, _change(ledger, each))])
        else:
            run = list(group)
            outcomes += _apply(ledger, terminal, closes, list(zip(run, _subjects(ledger, run), strict=True)))
    return outcomes


def _changes_identity(signed: SignedEntry) -> bool:
    kind = kind_of(signed.entry.asked)
    return kind is not None and kind.changes_identity


def _apply(
    ledger: Ledger, terminal: Terminal, closes: Closes, decided: Sequence[tuple[SignedEntry, Subject]]
) -> list[Outcome]:
    now = ledger.clock()
    bounds = [closes.before(each.entry) for each, _ in decided]
    requests = [
        Request(
            operation_id=each.entry.operation_id,
            terminal_id=terminal.id,
            shop=terminal.shop.code,
            business_date=each.entry.business_date,
            content=each.entry.asked,
            content_hash=each.hash,
            mykey=subject.mykey,
            refusal=subject.refusal,
            pin_verified=subject.pin_verified,
            arrived=now,
            day_starts_at=terminal.shop.day_starts_at,
            floor=floor,
            closed_seq=closed_seq,
        )
        for (each, subject), (floor, closed_seq) in zip(decided, bounds, strict=True)
    ]
    return ledger.points.apply(requests)


def _subjects(ledger: Ledger, operations: Sequence[SignedEntry]) -> Iterator[Subject]:
    """Yield who each operation is about, looking all of their cards up at once."""
    references = [_reference(ledger, each.entry) for each in operations]
    holders = ledger.identity.look_up(reference for reference in references if isinstance(reference, CardReference))
    for each, reference in zip(operations, references, strict=True):
        if isinstance(reference, CardReference):
            yield _subject(ledger, each.entry, holders[reference])
        else:
            yield Subject(refusal=reference)


def _reference(ledger: Ledger, entry: Entry) -> CardReference | str | None:
    """Return the card that an operation names, the code why it cannot be read, or None where it names none."""
    resident = getattr(entry.content, "resident", None)
    if resident is None or kind_of(entry.content) is None:
        return None  # of content that cannot be read, nothing is believed
    try:
        return ledger.sealing_key.open(resident, Purpose.OPERATION, entry.terminal_id, CardReference)
    except SealError:
        return "resident_unreadable"


def _subject(ledger: Ledger, entry: Entry, holder: Holder) -> Subject:
    if holder.standing is not Standing.ACTIVE or holder.mykey is None or holder.public_key is None:
        return Subject(refusal=f"card_{holder.standing}")
    refusal = _consent(ledger, entry, holder.public_key)
    signed = isinstance(getattr(entry.content, "assurance", None), CardSigned)
    return Subject(holder.mykey, refusal, pin_verified=signed and refusal is None)


def _consent(ledger: Ledger, entry: Entry, public_key: bytes) -> str | None:
    """Return why the card's signature over the operation does not count, None where it does or none is claimed."""
    assurance = getattr(entry.content, "assurance", None)
    if not isinstance(assurance, CardSigned):
        return None
    if not ledger.nonces.is_valid(assurance.nonce, entry.terminal_id, datetime.fromisoformat(entry.at)):
        return "consent_late"
    return None if is_signed(public_key, _digest(entry, assurance), assurance.signature) else "consent_wrong"


def _digest(entry: Entry, assurance: CardSigned) -> bytes:
    return consent_digest(entry.operation_id, entry.at, assurance.nonce, entry.content.as_json())


def _change(ledger: Ledger, signed: SignedEntry) -> Subject:
    """Carry a registration or a leave out in the ID table, unless the operation has its verdict already."""
    content = signed.entry.content
    if ledger.points.verdict(signed.entry.operation_id) is not None:
        return Subject()
    if isinstance(content, Link):
        return _register(ledger, signed.entry, content)
    subject = next(_subjects(ledger, [signed]))
    if subject.refusal == "card_unregistered":
        return Subject()
    if subject.mykey is None or subject.refusal is not None:
        return subject
    if isinstance(content, Unlink) and content.service is not None:
        ledger.identity.unlink(subject.mykey, content.service)
        return subject
    leave(ledger, subject.mykey)
    return Subject(pin_verified=True)


def leave(ledger: Ledger, mykey: str) -> None:
    """Forget somebody altogether; the points that they still have lapse."""
    # Points first: should the second step fail, the card still names what is to be erased.
    ledger.points.erase(mykey, ledger.today())
    ledger.identity.leave(mykey)


def _register(ledger: Ledger, entry: Entry, content: Link) -> Subject:
    nonce = content.assurance.nonce
    if not ledger.nonces.is_valid(nonce, entry.terminal_id, datetime.fromisoformat(entry.at)):
        return Subject(refusal="consent_late")
    try:
        registration = ledger.sealing_key.open(
            content.registration, Purpose.REGISTRATION, entry.terminal_id, Registration
        )
        mykey = ledger.registrar.register(
            registration,
            digest=_digest(entry, content.assurance),
            signature=content.assurance.signature,
            now=ledger.clock(),
            today=ledger.today(),
        )
    except SealError:
        return Subject(refusal="resident_unreadable")
    except IdentityRefusal as refused:
        return Subject(refusal=refused.code)
    return Subject(mykey, pin_verified=True)
