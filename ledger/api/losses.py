"""Reads from the ledger's own signatures what it has lost: its last head, and the verdicts that it gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger.api.state import Ledger
from ledger.wire.answers import SignedStatement, Verdict
from ledger.wire.statements import is_signed_by


@dataclass(frozen=True, slots=True)
class LossProof:
    """The highest head that the ledger signed for a terminal, and its verdicts by the hash of their entries."""

    head_seq: int
    verdicts: Mapping[str, Verdict]


def loss_proof(ledger: Ledger, terminal_id: str, answers: Sequence[SignedStatement]) -> LossProof:
    """Return what a terminal's kept answers prove: only what this ledger signed, to this terminal, counts.

    A statement of an epoch that is still to come was signed by a copy of this ledger that went another way.
    """
    head_seq, verdicts = 0, dict[str, Verdict]()
    every = set(ledger.signing.every) if answers else set()
    for signed in answers:
        statement = signed.statement
        is_own = statement.ledger == ledger.id and statement.epoch <= ledger.epoch
        if is_own and statement.terminal_id == terminal_id and is_signed_by(signed, every):
            head_seq = max(head_seq, statement.head_seq)
            verdicts |= {each.content_hash: each for each in statement.verdicts if each.content_hash is not None}
    return LossProof(head_seq, verdicts)
