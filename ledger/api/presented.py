"""Opens what an operation or inquiry presents: whose card it is, whether it was read, and what its holder consented to.

A card that is not registered and a proof that is wrong look alike to a terminal, and take as long. Form 1, which 0.1.0
wrote, proves nothing: its entries are read as they were, and no terminal goes back to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ledger.api.nonces import MAX_SKEW
from ledger.api.state import Ledger
from ledger.identity.store import Holder
from ledger.wire.answers import Standing
from ledger.wire.consent import consent_digest, consent_digest_2, group_digest, is_signed
from ledger.wire.entries import Entry, SignedEntry
from ledger.wire.operations import CardSigned, OfResident, Sale
from ledger.wire.pack import pack_nonce
from ledger.wire.proof import is_proven
from ledger.wire.sealing import Purpose, SealError
from ledger.wire.tokens import CardReference, Presented, TokenReference

UNREGISTERED: Final = f"card_{Standing.UNREGISTERED}"
"""The code for a card that is not registered, and for a reading that is not proven."""

_NOBODYS_KEY: Final = (
    RSAPublicNumbers(65537, (1 << 2047) + 1).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
)
"""The key that a proof is checked against where no card is registered, so that the check takes as long."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The resident of an operation, as the ID table knows it: a MyKey ID, or why there is none.

    `reservation` is the handle under which a sale was decided without a line, where the reservation's card signed it.
    `nonce` is the hash of what it was proven with, `is_late` says that the nonce had ended when the resident consented,
    and `is_wrong` that a registered card's proof was wrong.
    """

    mykey: str | None = None
    refusal: str | None = None
    pin_verified: bool = False
    nonce: str | None = None
    is_late: bool = False
    is_wrong: bool = False
    reservation: str | None = None


def reference_of(token: TokenReference) -> CardReference:
    """Return what the ID table looks a token up by."""
    return CardReference(issuer_sha256=token.issuer_sha256, serial=token.serial)


def is_of(presented: Presented, holder: Holder, purpose: Purpose, terminal_id: str, bound_to: str) -> bool:
    """Return whether what was presented proves that a registered card was read; it takes as long where it does not."""
    public_key = _NOBODYS_KEY if holder.public_key is None else holder.public_key
    proof = presented.proof or "0" * 64
    proven = is_proven(public_key, proof, purpose, terminal_id, bound_to, presented.nonce)
    return proven and holder.public_key is not None


def subjects(ledger: Ledger, operations: Sequence[SignedEntry], reached: int) -> Iterator[Subject]:
    """Yield who each operation is about, looking all of their cards up at once.

    `reached` is the newest form that their terminal wrote before them: what is of an earlier one is not read.
    """
    opened = []
    for each in operations:
        reached = max(reached, each.entry.form)
        opened.append(_opened(ledger, each.entry) if each.entry.form == reached else "resident_unreadable")
    holders = ledger.identity.look_up(filter(None, map(_card, opened)))
    for each, claim in zip(operations, opened, strict=True):
        match claim:
            case Presented():
                yield _presented(ledger, each.entry, claim, holders[reference_of(claim.token)])
            case CardReference():
                yield _referred(ledger, each.entry, holders[claim])
            case _:
                yield Subject(refusal=claim)


def nonce_hash(nonce: str) -> str | None:
    """Return the hash of a nonce, which is kept so that it serves no second operation; None where there is none."""
    return hashlib.sha256(nonce.encode()).hexdigest() if nonce else None


def is_late(ledger: Ledger, entry: Entry, nonce: str) -> bool:
    """Return whether a nonce had ended when an entry says that it was written, or never was the ledger's.

    Where the line was down there is none, and the day alone says what is late.
    """
    at = datetime.fromisoformat(entry.at)
    return nonce != "" and not ledger.nonces.is_valid(nonce, entry.terminal_id, at, skew=MAX_SKEW)


def _card(claim: Presented | CardReference | str | None) -> CardReference | None:
    if isinstance(claim, Presented):
        return reference_of(claim.token)
    return claim if isinstance(claim, CardReference) else None


def _opened(ledger: Ledger, entry: Entry) -> Presented | CardReference | str | None:
    """Return the resident that an operation names, the code why it cannot be read, or None where it names none."""
    content = entry.content
    if not isinstance(content, OfResident):
        return None
    resident = content.resident
    try:
        if entry.form == 1:
            return ledger.sealing_key.open(resident, Purpose.OPERATION, entry.terminal_id, CardReference)
        return ledger.sealing_key.open(
            resident, Purpose.OPERATION, entry.terminal_id, Presented, bound_to=entry.operation_id
        )
    except SealError:
        return "resident_unreadable"


def _presented(ledger: Ledger, entry: Entry, presented: Presented, holder: Holder) -> Subject:
    if is_offline(entry, presented):
        if (subject := _reserved(ledger, entry, presented, holder)) is not None:
            return subject
        common = Subject()  # the operation's id is in what was signed, so that it serves once all the same
    else:
        common = Subject(nonce=nonce_hash(presented.nonce), is_late=is_late(ledger, entry, presented.nonce))
    if not is_of(presented, holder, Purpose.OPERATION, entry.terminal_id, entry.operation_id):
        return replace(common, refusal=UNREGISTERED, is_wrong=holder.public_key is not None)
    if holder.standing is not Standing.ACTIVE or holder.mykey is None or holder.public_key is None:
        return replace(common, refusal=f"card_{holder.standing}")
    if not isinstance(getattr(entry.content, "assurance", None), CardSigned):
        return replace(common, mykey=holder.mykey)
    if not _consented(entry, presented, holder.public_key):
        return replace(common, mykey=holder.mykey, refusal="consent_wrong")
    return replace(common, mykey=holder.mykey, pin_verified=True)


def is_offline(entry: Entry, presented: Presented) -> bool:
    """Return whether a terminal decided a sale alone, under the pack that it names."""
    offline = entry.content.offline if isinstance(entry.content, Sale) else None
    return offline is not None and presented.nonce == pack_nonce(offline.pack)


def _reserved(ledger: Ledger, entry: Entry, presented: Presented, holder: Holder) -> Subject | None:
    """Return whose reservation a sale was decided under, None where its card did not sign.

    The reservation knows the keys that its terminal was given: a card that was stopped, renewed or given up since
    changes nothing in what it signed.
    """
    handle, content = presented.reservation, entry.content
    if handle is None or not isinstance(content, Sale):
        return None
    link = ledger.points.links(entry.terminal_id, content.municipality, [handle]).get(handle)
    if link is None:
        return None
    keys = set(link.keys)
    if holder.mykey == link.mykey and holder.public_key is not None:
        keys.add(holder.public_key)
    if not any(_consented(entry, presented, key) for key in keys):
        return None
    stands = ledger.identity.holders([link.mykey]).get(link.mykey)
    if stands is None:
        return Subject(pin_verified=True, reservation=handle, refusal="holder_left")
    refusal = None if stands.standing is Standing.ACTIVE else f"card_{stands.standing}"
    return Subject(link.mykey, refusal, pin_verified=True, reservation=handle)


def _consented(entry: Entry, presented: Presented, public_key: bytes) -> bool:
    """Return whether the card signed this operation, alone or among those that it consented to at once."""
    digest = consent_digest_2(
        entry.operation_id, entry.at, entry.business_date, presented.nonce, entry.content.as_json(), None
    )
    if presented.digests:
        if digest.hex() not in presented.digests:
            return False
        digest = group_digest(presented.digests)
    return is_signed(public_key, digest, presented.signature or "")


# Form 1 ---------------------------------------------------------------------------------------------------------------


def _referred(ledger: Ledger, entry: Entry, holder: Holder) -> Subject:
    if holder.standing is not Standing.ACTIVE or holder.mykey is None or holder.public_key is None:
        return Subject(refusal=f"card_{holder.standing}")
    refusal = _consent_1(ledger, entry, holder.public_key)
    signed = isinstance(getattr(entry.content, "assurance", None), CardSigned)
    return Subject(holder.mykey, refusal, pin_verified=signed and refusal is None)


def _consent_1(ledger: Ledger, entry: Entry, public_key: bytes) -> str | None:
    """Return why the card's signature over the operation does not count, None where it does or none is claimed."""
    assurance = getattr(entry.content, "assurance", None)
    if not isinstance(assurance, CardSigned):
        return None
    at = datetime.fromisoformat(entry.at)
    if not ledger.nonces.is_valid(assurance.nonce, entry.terminal_id, at, skew=MAX_SKEW):
        return "consent_late"
    return None if is_signed(public_key, digest_1(entry, assurance), assurance.signature) else "consent_wrong"


def digest_1(entry: Entry, assurance: CardSigned) -> bytes:
    """Return what a card signed of an entry of form 1."""
    return consent_digest(entry.operation_id, entry.at, assurance.nonce, entry.content.as_json())
