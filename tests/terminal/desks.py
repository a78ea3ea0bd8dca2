"""A desk over a real journal and a practice card, and a ledger that does as it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from config.japan import JST
from config.settings import CounterSettings, LedgerSettings, Settings
from config.trust import Anchors
from ledger.wire.answers import (
    Aftermath,
    Cut,
    Decision,
    Inquiry,
    InquiryResult,
    ProgrammeBalance,
    Standing,
    Status,
    UploadBody,
    Verdict,
)
from ledger.wire.client import LedgerClient
from ledger.wire.entries import FIRST_PREVIOUS_HASH, Upload
from ledger.wire.operations import Award, Sale, is_operation
from ledger.wire.sealing import Purpose, SealingKey
from ledger.wire.setup import Shop, TerminalSetup
from ledger.wire.tokens import Presented
from offline_queue.journal import Journal
from offline_queue.sync import Syncer
from reader.connection import Connection
from reader.errors import PcscServiceDown
from reader.practice import PracticeSource
from reader.source import ReaderEvent, ServiceDown
from terminal.shop.cards import Cards
from terminal.shop.desk import Desk
from terminal.shop.opening import Station
from tests.signed import AnswerKey
from tests.terminal.counters import MUNICIPALITY, SHOP, TERMINAL, TERMS, held

NONCE = "nonce-of-the-ledger"
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=JST)


@dataclass
class TestLedger:
    """Answers like a ledger; `down` answers nothing, `loses` takes an upload and loses the reply."""

    __test__ = False
    balances: tuple[ProgrammeBalance, ...] = (held(MUNICIPALITY, 800),)
    standing: Standing = Standing.ACTIVE
    down: bool = False
    skewed: bool = False
    """Whether the terminal's clock is too far off for it."""
    loses: int = 0
    refuses_with: str | None = None
    short: int = 0
    """Points that it does not grant of what is to be redeemed."""
    sealing: SealingKey = field(default_factory=lambda: SealingKey(X25519PrivateKey.generate()))
    asked: list[Presented] = field(default_factory=list)
    answers: AnswerKey = field(default_factory=AnswerKey)
    uploads: list[Upload] = field(default_factory=list)
    head: tuple[int, str] = (0, FIRST_PREVIOUS_HASH)
    pack: bytes = b""
    packs: list[str] = field(default_factory=list)
    """What was asked for of packs."""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        if self.down:
            raise httpx.ConnectError("down", request=request)
        if self.skewed and request.url.path != "/health":
            body = {"title": "No", "status": 401, "code": "clock_skewed", "retryable": False}
            return httpx.Response(401, json=body)
        if request.url.path == "/v1/inquiries":
            return self._inquiry(request, Inquiry.model_validate_json(request.content))
        if request.url.path == "/health":
            return httpx.Response(200, json={"status": "up"})
        if request.url.path == "/v1/pack":
            self.packs.append(request.url.query.decode())
            return httpx.Response(200, content=self.pack)
        if request.url.path == "/v1/terminal":
            return self.answers.answer(request, setup_of(self).as_json(), head=self.head)
        return self._upload(request)

    def _inquiry(self, request: httpx.Request, inquiry: Inquiry) -> httpx.Response:
        assert inquiry.resident is not None
        assert inquiry.id is not None
        presented = self.sealing.open(inquiry.resident, Purpose.INQUIRY, TERMINAL, Presented, inquiry.id)
        self.asked.append(presented)
        if presented.nonce != NONCE:
            return self._expired()
        result = InquiryResult(
            standing=self.standing,
            balances=list(self.balances),
            nonce=NONCE,
            nonce_expires_at="2026-11-23T12:05:00+09:00",
        )
        return self.answers.answer(request, result.as_json())

    def _expired(self) -> httpx.Response:
        body = {"title": "No", "status": 409, "code": "nonce_expired", "retryable": True, "nonce": NONCE}
        return httpx.Response(409, json=body, headers={"Retry-After": "0"})

    def _upload(self, request: httpx.Request) -> httpx.Response:
        upload = Upload.model_validate_json(request.content)
        self.uploads.append(upload)
        if self.loses:
            self.loses -= 1
            raise httpx.ReadTimeout("lost", request=request)
        last = upload.entries[-1]
        self.head = last.entry.seq, last.hash
        decisions = [
            self._decide(e.entry.operation_id, e.entry.content) for e in upload.entries if is_operation(e.entry.content)
        ]
        body = UploadBody(after=[Aftermath(balances=each.balances) for each in decisions]).as_json()
        verdicts = [each.verdict for each in decisions]
        return self.answers.answer(request, body, verdicts, (last.entry.seq, last.hash))

    def _decide(self, operation_id: str, content: object) -> Decision:
        if self.refuses_with is not None:
            refused = Verdict(operation_id=operation_id, status=Status.REFUSED, code=self.refuses_with)
            return Decision(verdict=refused, balances=list(self.balances))
        redeemed = sum(leg.points for leg in content.redeem) if isinstance(content, Sale) else 0
        awarded = sum(leg.points for leg in content.award) if isinstance(content, Sale | Award) else 0
        accepted = Verdict(operation_id=operation_id, status=Status.ACCEPTED, redeemed=redeemed, awarded=awarded)
        return Decision(verdict=cut(accepted, content, self.short), balances=[held(MUNICIPALITY, 3)])


def cut(verdict: Verdict, content: object, missing: int) -> Verdict:
    """Return a verdict on a sale of which so many points are not granted, as the ledger states it."""
    if not isinstance(content, Sale):
        return verdict
    due = content.amount_due + missing
    if not missing:
        return verdict.model_copy(update={"amount_due": due})
    leg = content.redeem[0]
    reason, granted = "insufficient_balance", leg.points - missing
    said = Cut(leg="redeem", programme=leg.programme, asked=leg.points, granted=granted, reason=reason)
    changes = {"redeemed": verdict.redeemed - missing, "amount_due": due, "cuts": [said]}
    return verdict.model_copy(update={"status": Status.SHORTFALL, **changes})


@dataclass
class OpenDesk:
    """A desk and everything around it."""

    desk: Desk
    station: Station
    ledger: TestLedger
    cards: PracticeSource
    lines: list[bool]


def setup_of(ledger: TestLedger) -> TerminalSetup:
    """Return what a terminal is told by its ledger."""
    return TerminalSetup(
        terminal_id=TERMINAL,
        shop=Shop(code=SHOP, name="見本商店"),
        programmes=[programme.model_dump(mode="json") for programme in TERMS.programmes.values()],
        sealing_key=ledger.sealing.public,
        server_time=NOON.isoformat(),
        head_seq=ledger.head[0],
        head_hash=ledger.head[1],
        signing_keys=ledger.answers.pinned,
        nonce=NONCE,
    )


@asynccontextmanager
async def desk(folder: Path, ledger: TestLedger | None = None) -> AsyncIterator[OpenDesk]:
    """Yield an open desk whose journal lies in a folder; its clock stands at noon."""
    ledger = ledger or TestLedger()
    key = Ed25519PrivateKey.generate()
    setup = setup_of(ledger)
    journal = Journal(folder / "journal.db", TERMINAL, key, lambda: NOON, ledger.answers.pinned)
    transport = httpx.MockTransport(ledger)
    cards = PracticeSource()
    async with LedgerClient(transport=transport, terminal_id=TERMINAL, key=key, pinned=ledger.answers.pinned) as client:
        station = Station(
            setup=setup,
            keep=lambda _setup: None,
            settings=Settings(counter=CounterSettings(clerk="12"), ledger=LedgerSettings(wait_seconds=2)),
            journal=journal,
            client=client,
            syncer=Syncer(journal, client),
            cards=Cards(cards, Anchors(), lambda: NOON),
            clock=lambda: NOON,
        )
        lines: list[bool] = []
        yield OpenDesk(Desk(station, lines.append), station, ledger, cards, lines)
    journal.close()


class NoService:
    """A reader on a machine whose PC/SC service does not run."""

    def __init__(self, _name: str = "") -> None:
        pass

    def start(self, report: Callable[[ReaderEvent], None]) -> None:
        """Say so."""
        report(ServiceDown())

    def stop(self) -> None:
        """Say nothing more."""

    def connect(self) -> AbstractContextManager[Connection]:
        """Find nothing to connect to."""
        raise PcscServiceDown
