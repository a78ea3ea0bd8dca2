"""Nonces for cards to sign and to prove a reading with: they say that it was done now, and here.

A nonce is its own end of validity, something random, and a keyed hash over terminal and both, so that the ledger need
not remember those that it gave out. Those that served an operation it does remember, by their hash: each serves one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

VALIDITY: Final = timedelta(minutes=5)
"""How long a card may sign a nonce: time enough to choose, to find the PIN, and to mistype it once."""

MAX_SKEW: Final = timedelta(minutes=5)
"""How far a terminal's clock may be off: it is asked no more of here than of the signatures of its requests."""

_OWN_SKEW: Final = timedelta(seconds=60)
"""How far the clocks of two processes of one ledger may be apart."""


@dataclass(frozen=True, slots=True)
class Nonces:
    """Issues nonces under a secret that all processes of the ledger share."""

    secret: bytes

    def issue(self, terminal_id: str, now: datetime) -> tuple[str, datetime]:
        """Return a nonce for one terminal, and when it ends."""
        ends = now.replace(microsecond=0) + VALIDITY
        stated = f"{int(ends.timestamp()):x}-{secrets.token_hex(8)}"
        return f"{stated}-{self._seal(terminal_id, stated)}", ends

    def is_valid(self, nonce: str, terminal_id: str, signed_at: datetime, *, skew: timedelta = _OWN_SKEW) -> bool:
        """Return whether the nonce was valid for this terminal when the card signed, by a clock that is so far off.

        The time of recording counts, not that of arrival: a sale that was
        completed before the line broke stays valid however late it is uploaded.
        """
        stated, _, seal = nonce.rpartition("-")
        try:
            if not hmac.compare_digest(seal.encode(), self._seal(terminal_id, stated).encode()):
                return False
            ends = datetime.fromtimestamp(int(stated.partition("-")[0], 16), UTC)
        except (ValueError, OverflowError, OSError):
            return False
        return ends - VALIDITY - skew <= signed_at <= ends + skew

    def _seal(self, terminal_id: str, stated: str) -> str:
        # What release 0.1.0 gave out is its end alone, as a number.
        is_first_form = "-" not in stated
        sealed = f"nonce {terminal_id} {int(stated, 16)}" if is_first_form else f"nonce/2 {terminal_id} {stated}"
        return hmac.digest(self.secret, sealed.encode(), hashlib.sha256).hex()[:32]
