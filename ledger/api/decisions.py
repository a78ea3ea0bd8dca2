"""Decides operations: identity says who it is and what was proven, points says what comes of it.

Most operations are decided together, as many as come. A registration or a leave changes who is known, so it is decided
alone, after everything before it. Each step may be repeated after a crash: registering again finds the card registered,
leaving again finds nobody, and an operation that has its verdict touches the ID table no more.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from cryptography import x509

from ledger.api.presented import UNREGISTERED, Subject, digest_1, is_late, nonce_hash, subjects
from ledger.api.state import Ledger
from ledger.identity.errors import IdentityRefusal
from ledger.identity.registration import reference_to
from ledger.points.closes import Closes
from ledger.points.events import EventKind
from ledger.points.registry import Terminal
from ledger.points.store import Outcome, Request
from ledger.wire.answers import Status, Verdict
from ledger.wire.consent import consent_digest_2
from ledger.wire.days import business_day
from ledger.wire.entries import Entry, SetAside, SignedEntry, operation_id
from ledger.wire.kinds import kind_of
from ledger.wire.operations import Link, Unlink, Unreadable, is_operation
from ledger.wire.reasons import Reason
from ledger.wire.sealing import Purpose, SealError
from ledger.wire.tokens import Registration

_RESENT_WITHIN: Final = timedelta(days=1)
"""For how long a registration that is sent again brings the number for the telephone again."""


def decide(
    ledger: Ledger,
    terminal: Terminal,
    entries: Sequence[SignedEntry],
    set_aside: Sequence[SetAside] = (),
    given: Mapping[str, Verdict] | None = None,
) -> list[Outcome]:
    """Decide the operations among entries that were walked, in their order, and make those set aside impossible.

    `given` are verdicts, by the hash of their entries, that the ledger gave once and lost.
    """
    reached = terminal.form
    operations = [each for each in entries if is_operation(each.entry.content)]
    outcomes: list[Outcome] = []
    today = business_day(ledger.clock(), terminal.shop.day_starts_at).isoformat()
    closes = Closes(terminal.id, terminal.closed, ledger.registry.closed_seq, today)
    batch = _Batch(ledger, terminal, closes, given or {})
    for alone, group in groupby(operations, key=_changes_identity):
        if alone:
            for each in group:
                outcomes += batch.apply([(each, _change(ledger, each, reached, batch.given))])
                reached = max(reached, each.entry.form)
        else:
            run = list(group)
            outcomes += batch.apply(list(zip(run, subjects(ledger, run, reached), strict=True)))
            reached = max(reached, *(each.entry.form for each in run))
    if not set_aside:
        return outcomes
    outcomes += batch.refuse(set_aside, entries[-1].entry.business_date)
    return sorted(outcomes, key=lambda outcome: outcome.verdict.operation_id)


def _changes_identity(signed: SignedEntry) -> bool:
    kind = kind_of(signed.entry.asked)
    return kind is not None and kind.changes_identity


@dataclass(frozen=True, slots=True)
class _Batch:
    """What the operations of one upload share."""

    ledger: Ledger
    terminal: Terminal
    closes: Closes
    given: Mapping[str, Verdict]

    def apply(self, decided: Sequence[tuple[SignedEntry, Subject]]) -> list[Outcome]:
        """Decide operations of which identity said whom they are about."""
        ledger, terminal = self.ledger, self.terminal
        now = ledger.clock()
        if wrong := sum(subject.is_wrong for _, subject in decided):
            ledger.wrong_proofs.count(terminal.id, now.timestamp(), wrong)
            ledger.noticed(EventKind.WRONG_PROOF, terminal.id, wrong)
        bounds = [self.closes.before(each.entry) for each, _ in decided]
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
                is_late=subject.is_late,
                nonce=subject.nonce,
                proven=self.given.get(each.hash),
                reservation=subject.reservation,
            )
            for (each, subject), (floor, closed_seq) in zip(decided, bounds, strict=True)
        ]
        return ledger.points.apply(requests)

    def refuse(self, set_aside: Sequence[SetAside], business_date: str) -> list[Outcome]:
        """Refuse, for ever, the ids of entries that were damaged before they were sent."""
        terminal = self.terminal
        self.ledger.noticed(EventKind.SET_ASIDE, terminal.id, len(set_aside))
        requests = [
            Request(
                operation_id=operation_id(terminal.id, each.seq),
                terminal_id=terminal.id,
                shop=terminal.shop.code,
                business_date=business_date,
                content=Unreadable(kind="set_aside"),
                content_hash=each.hash,
                refusal=Reason.SET_ASIDE,
                arrived=self.ledger.clock(),
                day_starts_at=terminal.shop.day_starts_at,
            )
            for each in set_aside
        ]
        return self.ledger.points.apply(requests)


def _change(ledger: Ledger, signed: SignedEntry, reached: int, given: Mapping[str, Verdict]) -> Subject:
    """Carry a registration or a leave out in the ID table, unless the operation has its verdict already."""
    content = signed.entry.content
    if (known := ledger.points.verdict(signed.entry.operation_id)) is not None:
        if isinstance(content, Link) and known.status is Status.ACCEPTED:
            return _registered(ledger, signed.entry, content)
        return Subject()
    if (once := given.get(signed.hash)) is not None and once.status is Status.REFUSED:
        return Subject()  # it changed nothing then, and the verdict is given again
    if isinstance(content, Link) and signed.entry.form < reached:
        return Subject(refusal="resident_unreadable")
    if isinstance(content, Link):
        return _register(ledger, signed.entry, content)
    subject = next(subjects(ledger, [signed], reached))
    if subject.refusal == UNREGISTERED:
        return Subject()
    if subject.mykey is None or subject.refusal is not None:
        return subject
    if isinstance(content, Unlink) and content.service is not None:
        ledger.identity.unlink(subject.mykey, content.service, signed.entry.terminal_id[:6])
        return subject
    leave(ledger, subject.mykey)
    return Subject(pin_verified=True)


def _registered(ledger: Ledger, entry: Entry, content: Link) -> Subject:
    """Return whom a registration that is resent was of: its answer was lost, and with it the number for the telephone.

    A day later the terminal gets no number any more: it is for whoever stands there, and not for a copied journal.
    """
    if abs(ledger.clock() - datetime.fromisoformat(entry.at)) > _RESENT_WITHIN or entry.form == 1:
        return Subject()
    try:
        sealed, bound_to = content.registration, entry.operation_id
        registration = ledger.sealing_key.open(
            sealed, Purpose.REGISTRATION, entry.terminal_id, Registration, bound_to=bound_to
        )
        reference = reference_to(x509.load_der_x509_certificate(base64.b64decode(registration.certificate)))
    except (SealError, ValueError):
        return Subject()
    return Subject(ledger.identity.look_up([reference])[reference].mykey)


def leave(ledger: Ledger, mykey: str) -> None:
    """Forget somebody; the points that they still have lapse, and what they owe waits for them to come back."""
    # Points first: should the second step fail, the card still names what is to be erased.
    ledger.points.erase(mykey, ledger.today())
    ledger.identity.leave(mykey)


def _linkable(ledger: Ledger, entry: Entry) -> set[str] | None:
    """Return the services whose numbers a terminal's shop may link.

    A ledger of release 0.1.0 had named none: what its terminals had journalled is decided as it was then (None).
    """
    municipality = entry.terminal_id[:6]
    if entry.form == 1 and not ledger.registry.services(municipality):
        return None
    return ledger.registry.services_at(entry.terminal_id[:11])


def _register(ledger: Ledger, entry: Entry, content: Link) -> Subject:
    bound_to = None if entry.form == 1 else entry.operation_id
    try:
        registration = ledger.sealing_key.open(
            content.registration, Purpose.REGISTRATION, entry.terminal_id, Registration, bound_to=bound_to
        )
    except SealError:
        return Subject(refusal="resident_unreadable")
    if entry.form == 1:
        nonce, signature = content.assurance.nonce, content.assurance.signature
        digest = digest_1(entry, content.assurance)
        if is_late(ledger, entry, nonce) or not nonce:
            return Subject(refusal="consent_late")
    else:
        nonce, signature = registration.nonce, registration.signature or ""
        digest = consent_digest_2(
            entry.operation_id, entry.at, entry.business_date, nonce, content.as_json(), registration.as_json()
        )
    try:
        mykey = ledger.registrar.register(
            registration,
            digest=digest,
            signature=signature,
            now=ledger.clock(),
            today=ledger.today(),
            municipality=entry.terminal_id[:6],
            linkable=_linkable(ledger, entry) if registration.services else None,
        )
    except IdentityRefusal as refused:
        return Subject(refusal=refused.code)
    ledger.points.welcome(mykey, ledger.today())
    if entry.form == 1:
        return Subject(mykey, pin_verified=True)
    return Subject(mykey, pin_verified=True, nonce=nonce_hash(nonce), is_late=is_late(ledger, entry, nonce))
