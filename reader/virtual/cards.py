"""The virtual cards by name: those that practice mode lends, and those that tests and demonstrations want."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.serialization import Encoding

from config.japan import JST
from reader.jpki import JPKI
from reader.pin import PIN_TRIES
from reader.virtual.authority import OTHER_CA, TEST_CA, Authority, load_card_key
from reader.virtual.card import CardPrivateKey, File, Pin, VirtualCard

PRACTICE_PIN = b"1234"
"""The PIN of every virtual card."""

SIGNING_PIN = b"NOT-FOR-SIGNING"
"""The PIN of the signing half, which is there because OpenSC looks for it and is never used."""

SIGNING_CERTIFICATE, SIGNING_CA, SIGNING_KEY, SIGNING_PIN_FILE = 0x0001, 0x0002, 0x001A, 0x001B
SIGNING_TRIES = 5

FILLER = bytes(64)
"""What follows a certificate in its file; readers are to stop at the certificate's own length."""

_START = datetime(2024, 4, 1, tzinfo=JST)
_END = datetime(2049, 12, 31, 23, 59, 59, tzinfo=JST)
_TEN_YEARS = (_START, datetime(2034, 3, 31, 23, 59, 59, tzinfo=JST))
_LONG_AGO = (datetime(2019, 4, 1, tzinfo=JST), datetime(2024, 3, 31, 23, 59, 59, tzinfo=JST))
_NOT_YET = (datetime(2049, 1, 1, tzinfo=JST), _END)


@dataclass(frozen=True, slots=True)
class CardDesign:
    """How a virtual card differs from an ordinary one, which is valid for as long as a demonstration may last."""

    serial: int
    key_name: str = "normal"
    validity: tuple[datetime, datetime] = (_START, _END)
    authority: Authority = TEST_CA
    tries_left: int = PIN_TRIES
    kind: str = "JPKIAPICCTOKEN2"
    """Its token information."""
    hides_certificate: bool = False
    """As a smartphone does until the PIN was entered."""
    aid: bytes | None = JPKI.aid

    @property
    def certificate(self) -> bytes:
        """The card's user-authentication certificate as DER."""
        issued = self.authority.issue(load_card_key(self.key_name), self.serial, *self.validity)
        return issued.public_bytes(Encoding.DER)

    def make(self) -> VirtualCard:
        """Return a new card of this design."""
        pin = Pin(PRACTICE_PIN, PIN_TRIES, self.tries_left)
        signing_pin = Pin(SIGNING_PIN, SIGNING_TRIES, SIGNING_TRIES)
        authority = File(self.authority.certificate.public_bytes(Encoding.DER) + FILLER)
        return VirtualCard(
            {
                JPKI.token: File(self.kind.encode().ljust(32)),
                JPKI.certificate: File(self.certificate + FILLER, pin if self.hides_certificate else None),
                JPKI.ca_certificate: authority,
                JPKI.key: CardPrivateKey(load_card_key(self.key_name), pin),
                JPKI.pin: pin,
                SIGNING_CERTIFICATE: File(self.certificate, signing_pin),
                SIGNING_CA: authority,
                SIGNING_KEY: CardPrivateKey(load_card_key(self.key_name), signing_pin),
                SIGNING_PIN_FILE: signing_pin,
            },
            self.aid,
        )


PRACTICE = {
    "two-towns": CardDesign(0x0A000001, "two-towns"),
    "visitor": CardDesign(0x0A000002, "visitor"),
    "unregistered": CardDesign(0x0A000003, "unregistered"),
    "expired": CardDesign(0x0A000004, "expired", validity=_LONG_AGO),
    "revoked": CardDesign(0x0A000005, "revoked"),
    "blocked": CardDesign(0x0A000006, "blocked", tries_left=0),
}
"""The cards that practice mode lends; what they hold, and that one is revoked, the practice ledger knows."""

DESIGNS = PRACTICE | {
    "normal": CardDesign(0x0B000001),
    "not-yet-valid": CardDesign(0x0B000002, validity=_NOT_YET),
    "next-generation": CardDesign(0x0B000003, "p384", validity=_TEN_YEARS),
    "wrong-authority": CardDesign(0x0B000004, authority=OTHER_CA),
    "smartphone": CardDesign(0x0B000005, kind="JPKIAPGPSETOKEN", hides_certificate=True),
    "other-card": CardDesign(0x0B000006, aid=None),
}
"""Every virtual card there is."""


def practice_cards() -> list[tuple[str, bytes]]:
    """Return the practice cards' names and certificates (DER), always the same, for a practice ledger to know them."""
    return [(name, design.certificate) for name, design in PRACTICE.items()]
