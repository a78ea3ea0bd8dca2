"""Nonces for cards to sign: they prove that a signature was made here and now, and the ledger need not remember them.

A nonce is its own end of validity with a keyed hash over terminal and end. It need not be remembered to be used once,
because the card signs it together with the operation's id, and an id is decided once.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

VALIDITY: Final = timedelta(minutes=5)
"""How long a card may sign a nonce: time enough to choose, to find the PIN, and to mistype it once."""

_SKEW: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Nonces:
    """Issues nonces under a secret that all processes of the ledger share."""

    secret: bytes

    def issue(self, terminal_id: str, now: datetime) -> tuple[str, datetime]:
        """Return a nonce for one terminal, and when it ends."""
        ends = now.replace(microsecond=0) + VALIDITY
        return f"{int(ends.timestamp()):x}-{self._seal(terminal_id, int(ends.timestamp()))}", ends

    def is_valid(self, nonce: str, terminal_id: str, signed_at: datetime) -> bool:
        """Return whether the nonce was this terminal's at the time that the card signed.

        The time counts at which the operation was recorded, and not the one at which it arrives: a sale that was
        completed before the line broke stays valid however late it is uploaded.
        """
        end, _, seal = nonce.partition("-")
        try:
            ends = datetime.fromtimestamp(int(end, 16), UTC)
        except (ValueError, OverflowError, OSError):
            return False
        if not hmac.compare_digest(seal.encode(), self._seal(terminal_id, int(end, 16)).encode()):
            return False
        return ends - VALIDITY - _SKEW <= signed_at <= ends + _SKEW

    def _seal(self, terminal_id: str, ends: int) -> str:
        return hmac.digest(self.secret, f"nonce {terminal_id} {ends}".encode(), hashlib.sha256).hex()[:32]
