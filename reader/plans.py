"""The ways to read a card, chosen by what an operation needs: its head, a proof, the tries, a signature, the whole.

| plan | exchanges | gives |
|---|---|---|
| `head` | 2 | a tap: issuer, serial number, validity |
| `proven` | 3 | the same, and 32 bytes of the public key |
| `known` | 3 | the same, and as much of the key as one READ brings |
| `tries` | 1, or 3 after the card lost its power | how often the PIN may still be wrong |
| `sign` | 2, or 5 after the card lost its power | a signature that only the PIN's holder can have asked for |
| `full` | 2 + ⌈length / 256⌉ | the proven tap, what kind of token it is, and the certificate, to be `check`ed |

A sale with PIN is `proven`, `tries`, `sign`: 6 exchanges where the card keeps its power, 11 where each has a power-up
of its own. A card that takes no short identifiers costs a SELECT more for each file, and one refused command until that
is known; the tap remembers it. A head that does not fit into 256 bytes, or a key that does, costs a READ more or less.

What each power-up has to ask, and why:

- `tries` and `sign` read the head again (2 exchanges) before anything else, and compare it. A signature would show by
  itself that another card made it, but only at the ledger and only after that card was sent the PIN, which costs its
  holder one of three tries. So the card is known before VERIFY.
- They do not read the key again. A made-up card may show the head of a real one; it cannot sign for it, and PIN and
  consent go no further than to it. With a line the ledger checks signatures, and gives nothing for a wrong one; without
  one the terminal does, with what `known` read of the key and the end of it that stands in the card's own record.
- `sign` asks for the tries again (1 exchange), although `tries` did: the card was out of reach meanwhile, the PIN may
  have been tried elsewhere, and its last try is never used without a yes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from config.trust import Anchors, TrustError, WrongIssuer
from reader.apdu import MAX_RESPONSE
from reader.certificate import Certificate
from reader.errors import CardError, CertificateRefused
from reader.jpki import JpkiSession, wipe
from reader.tap import Tap


@dataclass(frozen=True, slots=True)
class WholeReading:
    """A tap with all that the card says of itself; nothing of it is checked yet."""

    tap: Tap
    model: str
    """What kind of token this is, such as `JPKIAPICCTOKEN2`, a card."""
    certificate: Certificate


def head(session: JpkiSession) -> Tap:
    """Select the application and read who issued the certificate, its serial number and validity."""
    session.select()
    session.read_head()
    return session.tap


def proven(session: JpkiSession) -> Tap:
    """Read the head, and at the public key what only a reader of the card can know."""
    session.select()
    session.read_head()
    session.read_key()
    return session.tap


def known(session: JpkiSession) -> Tap:
    """Read what `proven` reads, and with the same READ as much of the key as it brings.

    That is all of a point on P-384, and 256 of the 294 bytes that say an RSA key. Who has the rest can check here what
    the card signs, without asking it for more.
    """
    session.select()
    session.read_head()
    session.read_key(MAX_RESPONSE)
    return session.tap


def tries(session: JpkiSession, tap: Tap) -> int:
    """Return how often the PIN of the card that was tapped may still be wrong; raise CardChanged for another one."""
    session.confirm(tap.token)
    return session.tries_left()


def sign_with_card(
    session: JpkiSession, tap: Tap, pin: bytearray, digest: bytes, *, allow_last_try: bool = False
) -> bytes:
    """Have the card that was tapped sign a SHA-256 digest; wipe the PIN; raise CardChanged for another card.

    Go on where another plan left off, so that a choice and a PIN can come between.
    """
    try:
        session.confirm(tap.token)
        session.verify(pin, allow_last_try=allow_last_try)
        return session.sign(digest)
    finally:
        wipe(pin)


def full(session: JpkiSession) -> WholeReading:
    """Select the application and read what kind of token this is, and the certificate; nothing is checked yet."""
    session.select()
    model = session.read_token()
    certificate = session.read_certificate()
    return WholeReading(session.tap, model, certificate)


def check_certificate(session: JpkiSession, certificate: Certificate, anchors: Anchors, at: datetime) -> Anchors:
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
