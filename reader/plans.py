"""The three ways to read a card, chosen by what an operation needs: its head, a signature, the whole certificate.

| plan | exchanges | gives |
|---|---|---|
| `head` | 2 | issuer, serial number, validity |
| `head`, then `sign` | 5 | and a signature that only the PIN's holder can have asked for |
| `full` | 2 + ⌈length / 256⌉ | token and certificate, to be `check`ed against the anchors |

A card that takes no short identifiers costs a SELECT more for each file.
"""

from __future__ import annotations

from datetime import datetime

from config.trust import Anchors, TrustError, WrongIssuer
from reader.certificate import Certificate, Head
from reader.errors import CardError, CertificateRefused
from reader.jpki import JpkiSession, wipe


def head(session: JpkiSession) -> Head:
    """Select the application and read who issued the certificate, its serial number and validity."""
    session.select()
    return session.read_head()


def sign(session: JpkiSession, card: Head, pin: bytearray, digest: bytes, *, allow_last_try: bool = False) -> bytes:
    """Have the card with that head sign a SHA-256 digest; wipe the PIN.

    Go on where `head` left off, so that a choice and a PIN can come between: over the same connection that is three
    exchanges. Where the card was lifted meanwhile it is read anew; raise CardChanged when it is another one.
    """
    try:
        session.confirm(card)
        session.verify(pin, allow_last_try=allow_last_try)
        return session.sign(digest)
    finally:
        wipe(pin)


def head_and_sign(
    session: JpkiSession, pin: bytearray, digest: bytes, *, allow_last_try: bool = False
) -> tuple[Head, bytes]:
    """Read the head and have the card sign a SHA-256 digest at once; wipe the PIN."""
    try:
        card = head(session)
        return card, sign(session, card, pin, digest, allow_last_try=allow_last_try)
    finally:
        wipe(pin)


def full(session: JpkiSession) -> tuple[str, Certificate]:
    """Select the application and read what kind of token this is, and the certificate; nothing is checked yet."""
    session.select()
    token = session.read_token()
    return token, session.read_certificate()


def check(session: JpkiSession, certificate: Certificate, anchors: Anchors, at: datetime) -> Anchors:
    """Check the card's certificate; return the anchors, with the card's own authority where only its pin was known.

    That authority's certificate lies on the card and is read once, when the first card of its generation comes. Raise
    CertificateRefused.
    """
    try:
        certificate.check(anchors, at)
    except CertificateRefused as refused:
        if not isinstance(refused.reason, WrongIssuer):
            raise
        anchors = _learn(session, anchors, refused)
        certificate.check(anchors, at)
    return anchors


def _learn(session: JpkiSession, anchors: Anchors, refused: CertificateRefused) -> Anchors:
    try:
        return anchors.admit(session.read_ca_certificate())
    except (CardError, CertificateRefused, TrustError):
        raise refused from None
