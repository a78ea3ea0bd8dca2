"""A ledger that plays by the wire's rules in memory, and whatever may go wrong on the way to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ledger.wire.answers import Decision, Problem, SignedStatement, Status, UploadResult, Verdict
from ledger.wire.client import LedgerClient, LedgerRefusal
from ledger.wire.entries import FIRST_PREVIOUS_HASH, SetAside, SignedEntry
from ledger.wire.operations import Award, is_operation
from ledger.wire.setup import Shop, TerminalSetup
from tests.offline_queue.conftest import START, TERMINAL, answer

Trouble = Callable[[Sequence[SignedEntry]], None]
"""Raises what goes wrong with an upload, before or after the ledger has it."""


def fine(_entries: Sequence[SignedEntry]) -> None:
    """Nothing goes wrong."""


def refusal(code: str) -> LedgerRefusal:
    """Return the ledger's final word on a request."""
    return LedgerRefusal(Problem(title=code, status=409, code=code))


class FakeLedger(LedgerClient):
    """Decides every operation once: awards of 13 points are refused, all else is accepted.

    `before` and `after` are asked around each upload and may raise; `down` is what a probe finds.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[SignedEntry] = []
        self.uploads: list[int] = []
        self.before: Trouble = fine
        self.after: Trouble = fine
        self.down = False
        self.answers: list[SignedStatement] = []
        self.refused: set[str] = set()

    async def setup(self) -> TerminalSetup:
        """Say where this ledger stands in the journal."""
        return TerminalSetup(
            terminal_id=TERMINAL,
            shop=Shop(code=TERMINAL[:11], name="見本商店"),
            programmes=[],
            sealing_key="",
            server_time=START.isoformat(),
            head_seq=len(self.seen),
            head_hash=self._hash(len(self.seen)),
        )

    async def probe(self) -> bool:
        """Say whether the line is up."""
        return not self.down

    async def upload(
        self,
        entries: Sequence[SignedEntry],
        *,
        set_aside: Sequence[SetAside] = (),
        answers: Sequence[SignedStatement] = (),
    ) -> UploadResult:
        """Take consecutive entries in, those that are known already again; what is set aside only has its place."""
        self.uploads.append(len(entries))
        self.answers += answers
        self.before(entries)
        for signed in entries:
            for aside in set_aside:
                if aside.seq == len(self.seen) + 1 < signed.entry.seq:
                    self.seen.append(signed.model_copy(update={"hash": aside.hash}))
            known = len(self.seen)
            if signed.entry.seq > known + 1:
                raise refusal("journal_gap")
            if signed.entry.previous_hash != self._hash(signed.entry.seq - 1):
                raise refusal("journal_fork")
            if signed.entry.seq <= known and signed.hash != self._hash(signed.entry.seq):
                raise refusal("journal_rollback")
            if signed.entry.seq == known + 1:
                self.seen.append(signed)
        self.after(entries)
        decisions = [self._decide(signed) for signed in entries if is_operation(signed.entry.content)]
        return answer(decisions, (len(self.seen), self._hash(len(self.seen))))

    def _decide(self, signed: SignedEntry) -> Decision:
        if signed.entry.operation_id not in self.refused:
            return decision(signed)
        verdict = Verdict(operation_id=signed.entry.operation_id, status=Status.REFUSED, code="card_revoked")
        return Decision(verdict=verdict, balances=[])

    def _hash(self, seq: int) -> str:
        return self.seen[seq - 1].hash if seq else FIRST_PREVIOUS_HASH


def decision(signed: SignedEntry) -> Decision:
    """Return what is always decided of an operation; its resident holds nothing else."""
    content, wanted = signed.entry.content, signed.entry.operation_id
    points = sum(leg.points for leg in content.award) if isinstance(content, Award) else 0
    if points == 13:
        verdict = Verdict(operation_id=wanted, status=Status.REFUSED, code="card_unregistered")
    else:
        verdict = Verdict(operation_id=wanted, status=Status.ACCEPTED, awarded=points)
    return Decision(verdict=verdict, balances=[])
