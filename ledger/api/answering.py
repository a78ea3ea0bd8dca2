"""Gives a terminal its answer: one statement, signed once, over verdicts, head and the hash of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from config.japan import JST
from ledger.api.gate import Caller
from ledger.api.state import Ledger
from ledger.wire.answers import SignedAnswer, Statement, Verdict
from ledger.wire.canonical import canonical
from ledger.wire.statements import body_hash, sign_statement


def answered(
    ledger: Ledger,
    caller: Caller,
    body: dict[str, Any],
    *,
    verdicts: Sequence[Verdict] = (),
    head: tuple[int, str] | None = None,
    status: int = 200,
) -> Response:
    """Return the signed answer to a request; `head` is where the ledger stands after it, if it moved."""
    seq, digest = head or (caller.terminal.head_seq, caller.terminal.head_hash)
    # Recalled or not, a verdict is said in one form, so that what a terminal hashes of it is always the same.
    more: dict[str, Any] = {"verdicts": [verdict.said() for verdict in verdicts]} if verdicts else {}
    statement = Statement(
        kazasu="answer/2",
        ledger=ledger.id,
        epoch=ledger.epoch,
        terminal_id=caller.terminal.id,
        request=caller.nonce,
        at=caller.arrived.astimezone(JST).isoformat(timespec="milliseconds"),
        head_seq=seq,
        head_hash=digest,
        body_sha256=body_hash(body),
        **more,
    )
    signed = sign_statement(statement, ledger.signing.present)
    answer = SignedAnswer(signed=signed, body=body)
    return Response(canonical(answer.as_json()), status, media_type="application/json")
