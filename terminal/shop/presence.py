"""What a tap read, for as long as its task lasts: in memory alone, sealed anew for each thing that it is presented for.

Nothing of it reaches the counter's state, a log or a `repr`, and the key bytes are overwritten when the task ends.
"""

from __future__ import annotations

import secrets
from typing import assert_never

from ledger.wire.answers import Inquiry
from ledger.wire.consent import consent_digest_2
from ledger.wire.operations import Award, Convert, Link, Release, Reserve, Sale, Unlink
from ledger.wire.pack import Pack, PackRecord
from ledger.wire.proof import proof_of
from ledger.wire.sealing import Purpose, seal
from ledger.wire.setup import TerminalSetup
from ledger.wire.tokens import JpkiToken, Presented, Registration, TokenReference
from reader.jpki import wipe
from reader.tap import JpkiCard, Tap, Token

Carded = Sale | Award | Convert | Link | Unlink | Reserve | Release
"""The operations of a counter that name a card."""


class Presence:
    """The card of one task; `whole` is what a registration brings of it, `nonce` what its next proof is over."""

    def __init__(self, task: int, tap: Tap, nonce: str, whole: Registration | None = None) -> None:
        self.task = task
        self.nonce = nonce
        self.is_whole = whole is not None
        self._token = _reference(tap.token)
        self._key = bytearray(b"" if tap.token.key is None else tap.token.key.secret)
        self._info = bytearray(b"" if tap.token.key is None else tap.token.key.info)
        self.validity = tap.token.head.not_before, tap.token.head.not_after
        self.reservation: bytes | None = None
        self._whole = whole
        self._signed: tuple[str, str] | None = None

    def inquiry(self, setup: TerminalSetup) -> Inquiry:
        """Return the question who this is, under an id that is used once."""
        wanted = secrets.token_urlsafe(16)
        return Inquiry(id=wanted, resident=self._sealed(setup, Purpose.INQUIRY, wanted))

    def digest(self, operation: str, at: str, day: str, content: Carded) -> bytes:
        """Return what the card is to sign of an operation."""
        registered = self._registered().as_json() if isinstance(content, Link) else None
        return consent_digest_2(operation, at, day, self.nonce, content.as_json(), registered)

    def record(self, pack: Pack) -> PackRecord | None:
        """Return the card's own record of a pack; None where there is none."""
        return pack.record(bytes(self._key))

    def key_in(self, record: PackRecord) -> bytes | None:
        """Return the card's public key (DER), where it is the record's; None otherwise."""
        return record.info(bytes(self._info))

    def under_pack(self, nonce: str, reservation: bytes) -> None:
        """Prove and sign from now on under a pack, and name the reservation to the ledger."""
        self.nonce, self.reservation = nonce, reservation

    def leave_pack(self) -> None:
        """Go back to what a sale without a line presents that redeems nothing."""
        if self.reservation is not None:
            self.nonce, self.reservation = "", None

    def keep_signature(self, operation: str, signature: str) -> None:
        """Keep the card's signature over an operation, which travels inside the seal alone."""
        self._signed = operation, signature

    def put_into(self, setup: TerminalSetup, content: Carded, operation: str) -> Carded:
        """Return an operation with who it is about, sealed for it and no other."""
        signature = self._signed[1] if self._signed is not None and self._signed[0] == operation else None
        if isinstance(content, Link):
            whole = self._registered(signature)
            sealed = seal(whole, Purpose.REGISTRATION, setup.terminal_id, setup.sealing_key, operation)
            return content.model_copy(update={"registration": sealed})
        return content.model_copy(update={"resident": self._sealed(setup, Purpose.OPERATION, operation, signature)})

    def wipe(self) -> None:
        """Forget the card."""
        wipe(self._key)
        wipe(self._info)
        self._signed = self._whole = self.reservation = None

    def _registered(self, signature: str | None = None) -> Registration:
        if self._whole is None:
            raise ValueError("the certificate was not read for this task")
        signed = {} if signature is None else {"signature": signature}
        return self._whole.model_copy(update={"nonce": self.nonce, **signed})

    def _sealed(self, setup: TerminalSetup, purpose: Purpose, bound_to: str, signature: str | None = None) -> str:
        signed = {} if signature is None else {"signature": signature}
        if self.reservation is not None and purpose is Purpose.OPERATION:
            signed["reservation"] = self.reservation.hex()
        proof = proof_of(bytes(self._key), purpose, setup.terminal_id, bound_to, self.nonce)
        presented = Presented.model_validate({"token": self._token, "nonce": self.nonce, "proof": proof, **signed})
        return seal(presented, purpose, setup.terminal_id, setup.sealing_key, bound_to)


def _reference(token: Token) -> TokenReference:
    """Return what names a token to the ledger."""
    match token:
        case JpkiCard():
            return JpkiToken(kind="jpki", issuer_sha256=token.issuer_sha256, serial=token.serial_hex)
        case _:
            assert_never(token)
