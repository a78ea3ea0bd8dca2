"""A ledger's signature, for tests whose ledger is a function: it answers as a ledger would that has a key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.wire.answers import SignedAnswer, Statement, Verdict
from ledger.wire.canonical import canonical
from ledger.wire.entries import FIRST_PREVIOUS_HASH
from ledger.wire.setup import LedgerKeys
from ledger.wire.signing import signature_of
from ledger.wire.statements import body_hash, raw, sign_statement


@dataclass
class AnswerKey:
    """A ledger's signing key, and how its answers are made."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def pinned(self) -> list[str]:
        """The key as a terminal pins it."""
        return [raw(self.key.public_key())]

    def keys(self) -> LedgerKeys:
        """Tell the keys, as a ledger does."""
        return LedgerKeys(ledger="ledger", signing_keys=self.pinned)

    def answer(
        self,
        request: httpx.Request,
        body: dict[str, Any],
        verdicts: Sequence[Verdict] = (),
        head: tuple[int, str] = (0, FIRST_PREVIOUS_HASH),
        nonce: str | None = None,
        terminal_id: str | None = None,
    ) -> httpx.Response:
        """Return the signed answer to a request, or one to another `nonce` or terminal."""
        terminal, asked = signature_of(request)
        stated: dict[str, Any] = {
            "kazasu": "answer/2",
            "ledger": "ledger",
            "epoch": 1,
            "terminal_id": terminal_id or terminal,
            "request": nonce or asked,
            "at": "2026-11-23T14:05:00+09:00",
            "head_seq": head[0],
            "head_hash": head[1],
            "body_sha256": body_hash(body),
            **({"verdicts": list(verdicts)} if verdicts else {}),
        }
        signed = sign_statement(Statement(**stated), self.key)
        return httpx.Response(200, content=canonical(SignedAnswer(signed=signed, body=body).as_json()))
