"""What terminals ask: enrolment, set-up, inquiries, uploads, and what became of an operation."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import APIRouter, Query, Request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.background import BackgroundTask
from starlette.responses import Response

from config.japan import JST
from ledger.api.answering import answered
from ledger.api.chain import ChainLink, Head, reaches_beyond, walk
from ledger.api.decisions import decide
from ledger.api.gate import TERMINAL_CODES, Caller, SigningTerminal
from ledger.api.losses import LossProof, loss_proof
from ledger.api.packs import pack_for
from ledger.api.presented import is_of, reference_of
from ledger.api.problems import ProblemError, documented
from ledger.api.state import Ledger, LedgerHere
from ledger.api.telemetry import log_failure
from ledger.identity.errors import IdentityRefusal
from ledger.points.events import EventKind
from ledger.points.periods import PeriodKeyMissing
from ledger.points.registry import Terminal
from ledger.points.store import OperationIdConflict, Outcome
from ledger.wire.answers import (
    Aftermath,
    Inquiry,
    InquiryResult,
    ProgrammeBalance,
    SignedAnswer,
    Standing,
    Status,
    UploadBody,
)
from ledger.wire.codes import grouped
from ledger.wire.days import business_day
from ledger.wire.entries import SignedEntry, Upload
from ledger.wire.operations import Link, is_operation
from ledger.wire.pack import MEDIA_TYPE
from ledger.wire.sealing import Purpose, SealError
from ledger.wire.setup import EnrolmentRequest, LedgerKeys, TerminalSetup
from ledger.wire.signing import is_weak
from ledger.wire.sisters import SisterOperation
from ledger.wire.tokens import Presented, ServiceId
from ledger.wire.values import OperationId

T = TypeVar("T")

router = APIRouter(prefix="/v1", tags=["terminals"])

_CHAIN_CODES = (
    "terminal_mismatch",
    "entry_damaged",
    "journal_gap",
    "journal_fork",
    "journal_rollback",
    "ledger_behind",
)


@router.get("/keys", responses=documented())
def keys(ledger: LedgerHere) -> LedgerKeys:
    """Return the keys under which the ledger signs its answers: a code or a pinned key vouches for one of them."""
    return ledger.signing.published()


@router.post(
    "/enrolments",
    status_code=201,
    response_model=SignedAnswer,
    responses=documented("enrolment_code_wrong", "key_weak", "shop_full", "too_many_requests"),
)
def enrol(asked: EnrolmentRequest, request: Request, ledger: LedgerHere) -> Response:
    """Redeem a one-time code: from now on the key signs for the terminal that the code was given out for.

    The body is a `TerminalSetup`.
    """
    now = ledger.clock()
    ledger.enrolment_rate.admit(request.client.host if request.client else "", now.timestamp())
    raw = base64.b64decode(asked.public_key)
    if is_weak(raw):
        raise ProblemError("key_weak")
    terminal = ledger.registry.redeem_enrolment_code(asked.code, Ed25519PublicKey.from_public_bytes(raw), now)
    if terminal is None:
        raise ProblemError("enrolment_code_wrong")
    return answered(ledger, Caller(terminal, asked.nonce, now), _setup(ledger, terminal), status=201)


@router.get("/terminal", response_model=SignedAnswer, responses=documented(*TERMINAL_CODES))
def setup(caller: SigningTerminal, ledger: LedgerHere) -> Response:
    """Return all that a terminal must know to work (the body is a `TerminalSetup`), and the head of its journal."""
    return answered(ledger, caller, _setup(ledger, caller.terminal))


@router.post(
    "/inquiries", response_model=SignedAnswer, responses=documented(*TERMINAL_CODES, "seal_wrong", "nonce_expired")
)
def inquire(inquiry: Inquiry, caller: SigningTerminal, ledger: LedgerHere) -> Response:
    """Return a card's standing and what its holder has, and the nonce that the next proof is to be over.

    For a card that may not be used nothing else is said; one that is not registered and one that was
    not read look alike. The body is an `InquiryResult`.
    """
    ledger.wrong_proofs.check(caller.terminal.id, caller.arrived.timestamp())
    result, is_wrong = _inquiry(inquiry, caller, ledger)
    answer = answered(ledger, caller, result.as_json())
    if is_wrong:
        ledger.wrong_proofs.count(caller.terminal.id, caller.arrived.timestamp())
        # Only when the answer is on its way: writing takes time, which would tell what the answer does not.
        answer.background = BackgroundTask(ledger.noticed, EventKind.WRONG_PROOF, caller.terminal.id)
    return answer


def _inquiry(inquiry: Inquiry, caller: Caller, ledger: Ledger) -> tuple[InquiryResult, bool]:
    """Return what is said of a card, and whether its proof was wrong: that looks like a card that nobody registered."""
    terminal = caller.terminal
    nonce, ends = ledger.nonces.issue(terminal.id, caller.arrived)
    nothing = InquiryResult(
        standing=Standing.UNREGISTERED, balances=[], services=[], nonce=nonce, nonce_expires_at=_text(ends)
    )
    if inquiry.resident is None:
        return nothing, False
    presented = _opened(inquiry, terminal, ledger)
    if not ledger.nonces.is_valid(presented.nonce, terminal.id, caller.arrived):
        raise ProblemError("nonce_expired", {"nonce": nonce, "nonce_expires_at": _text(ends)})
    reference = reference_of(presented.token)
    holder = ledger.identity.look_up([reference])[reference]
    if not is_of(presented, holder, Purpose.INQUIRY, terminal.id, str(inquiry.id)):
        return nothing, holder.public_key is not None
    if holder.standing is not Standing.ACTIVE or holder.mykey is None:
        return nothing.model_copy(update={"standing": holder.standing}), False
    found = {
        "standing": Standing.ACTIVE,
        "balances": ledger.points.balances(
            holder.mykey, terminal.shop.code, _today(ledger, terminal), terminal_id=terminal.id
        ),
        "services": _services(ledger, terminal.shop.code, holder.mykey),
    }
    return nothing.model_copy(update=found), False


def _opened(inquiry: Inquiry, terminal: Terminal, ledger: Ledger) -> Presented:
    if inquiry.id is None or inquiry.resident is None:
        raise ProblemError("seal_wrong")
    try:
        return ledger.sealing_key.open(inquiry.resident, Purpose.INQUIRY, terminal.id, Presented, bound_to=inquiry.id)
    except SealError:
        raise ProblemError("seal_wrong") from None


@router.post(
    "/uploads", response_model=SignedAnswer, responses=documented(*TERMINAL_CODES, *_CHAIN_CODES, "period_key_missing")
)
def upload(asked: Upload, caller: SigningTerminal, ledger: LedgerHere) -> Response:
    """Take journal entries in and decide their operations, in order; the same entries get the same verdicts again.

    The verdicts stand in the signed statement, the body is an `UploadBody`. Balances come with a single entry, while a
    resident waits. A verdict that one of the `answers` proves is given again unchanged, and not decided anew.
    """
    entries, terminal = asked.entries, caller.terminal
    links = walk(entries, terminal.id, terminal.public_key, asked.set_aside)
    head = Head(terminal.head_seq, terminal.head_hash)
    proof = loss_proof(ledger, terminal.id, asked.answers)
    try:
        beyond = _placed(ledger, terminal, links, proof)
        if entries[-1].entry.seq < head.seq:
            _check_known(ledger, entries)
        outcomes = decide(ledger, terminal, entries, asked.set_aside, proof.verdicts)
    except OperationIdConflict as conflict:
        ledger.noticed(EventKind.JOURNAL_FORK, terminal.id)
        rolled_back = int(conflict.operation_id.rpartition("-")[2]) <= head.seq
        raise ProblemError("journal_rollback" if rolled_back else "journal_fork", head.members()) from None
    if beyond:
        head = _advance(ledger, terminal, entries, links)
    ledger.metrics.decided(outcome.verdict for outcome in outcomes)
    after = [Aftermath()] * len(outcomes)
    if len(entries) == 1:
        after = [_aftermath(ledger, terminal, entries[0], outcome) for outcome in outcomes]
    body = UploadBody(after=after).as_json()
    verdicts = [outcome.verdict for outcome in outcomes]
    return answered(ledger, caller, body, verdicts=verdicts, head=(head.seq, head.hash))


@router.get(
    "/operations/{operation_id}",
    response_model=SignedAnswer,
    responses=documented(*TERMINAL_CODES, "operation_unknown", "period_key_missing"),
)
def operation(operation_id: OperationId, caller: SigningTerminal, ledger: LedgerHere) -> Response:
    """Return the verdict on one of the terminal's own operations; it stands in the statement, the body is empty.

    Of another terminal of the shop it is an operation that was accepted, and the body a `SisterOperation`.
    """
    if operation_id.startswith(f"{caller.terminal.id}-"):
        verdict = ledger.points.verdict(operation_id)
        if verdict is None:
            raise ProblemError("operation_unknown")
        return answered(ledger, caller, {}, verdicts=[verdict])
    sisters = operation_id.startswith(f"{caller.terminal.shop.code}-")
    found = ledger.points.described(operation_id) if sisters else None
    if found is None:
        raise ProblemError("operation_unknown")
    terminal_id, _, seq = operation_id.rpartition("-")
    body = SisterOperation(
        content=found.content,
        at=_text(found.at),
        closed=int(seq) <= ledger.registry.closed_seq(terminal_id),
        returned=found.returned,
    )
    return answered(ledger, caller, body.as_json(), verdicts=[found.verdict])


@router.get(
    "/pack", response_class=Response, responses=documented(*TERMINAL_CODES, "period_key_missing"), status_code=200
)
def pack(
    caller: SigningTerminal, ledger: LedgerHere, have: Annotated[int | None, Query(ge=0, le=2**53)] = None
) -> Response:
    """Return what may be redeemed here without a line: a signed header on a line, then slots that only cards open.

    With `have`, the number of the pack that the terminal holds, it is what changed since; the header names it as base.
    """
    return Response(pack_for(ledger, caller, have), media_type=MEDIA_TYPE)


def _setup(ledger: Ledger, terminal: Terminal) -> dict[str, Any]:
    now = ledger.clock()
    nonce, ends = ledger.nonces.issue(terminal.id, now)
    return TerminalSetup(
        terminal_id=terminal.id,
        shop=terminal.shop,
        programmes=[each.model_dump(mode="json") for each in ledger.registry.programmes_at(terminal.shop.code)],
        sealing_key=ledger.sealing_key.public,
        server_time=_text(now),
        head_seq=terminal.head_seq,
        head_hash=terminal.head_hash,
        ledger=ledger.id,
        signing_keys=ledger.signing.public,
        nonce=nonce,
        nonce_expires_at=_text(ends),
        floor=terminal.closed.day,
    ).as_json()


def _today(ledger: Ledger, terminal: Terminal) -> date:
    return business_day(ledger.clock(), terminal.shop.day_starts_at)


def _aftermath(ledger: Ledger, terminal: Terminal, signed: SignedEntry, outcome: Outcome) -> Aftermath:
    """Return what the counter shows beside a verdict: balances, and to whom registered the number for the telephone.

    What cannot be read of it is left out: the verdict stands.
    """
    registered = isinstance(signed.entry.content, Link) and outcome.verdict.status is Status.ACCEPTED
    number = _unless_away(partial(_contact_number, ledger, outcome.mykey)) if registered and outcome.mykey else None
    balances = _unless_away(partial(_balances, ledger, terminal, outcome.mykey)) if outcome.mykey else None
    return Aftermath(balances=balances, contact_number=number)


def _contact_number(ledger: Ledger, mykey: str) -> str:
    return grouped(ledger.identity.contact_number(mykey))


def _balances(ledger: Ledger, terminal: Terminal, mykey: str) -> list[ProgrammeBalance]:
    return ledger.points.balances(mykey, terminal.shop.code, _today(ledger, terminal), terminal_id=terminal.id)


def _unless_away(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except (DBAPIError, PoolTimeoutError, PeriodKeyMissing, IdentityRefusal) as error:
        log_failure(error)
        return None


def _services(ledger: Ledger, shop: str, mykey: str) -> list[ServiceId]:
    """Return a holder's numbers of the services that are the shop's own, and of no others."""
    own = ledger.registry.services_at(shop)
    if not own:
        return []
    found = ledger.identity.services(mykey)
    return [
        ServiceId(service=each.service, number=each.number)
        for each in found
        if each.municipality == shop[:6] and each.service in own
    ]


def _text(moment: datetime) -> str:
    return moment.astimezone(JST).isoformat(timespec="seconds")


def _placed(ledger: Ledger, terminal: Terminal, links: Sequence[ChainLink], proof: LossProof) -> bool:
    """Return whether a chain goes on after the head; count a loss or a fork for the office."""
    head = Head(terminal.head_seq, terminal.head_hash)
    if proof.head_seq > head.seq:
        ledger.noticed(EventKind.LEDGER_BEHIND, terminal.id)
    try:
        return reaches_beyond(links, head)
    except ProblemError as problem:
        if problem.code == "journal_gap" and proof.head_seq > head.seq:
            raise ProblemError("ledger_behind", head.members()) from None
        if problem.code == "journal_fork":
            ledger.noticed(EventKind.JOURNAL_FORK, terminal.id)
        raise


def _check_known(ledger: Ledger, entries: Sequence[SignedEntry]) -> None:
    """Refuse entries before the head unless their operations are those that were decided: the rest is a rollback."""
    for each in entries:
        if is_operation(each.entry.content) and ledger.points.verdict(each.entry.operation_id) is None:
            raise ProblemError("journal_rollback", {"seq": each.entry.seq})


def _advance(ledger: Ledger, terminal: Terminal, entries: Sequence[SignedEntry], links: Sequence[ChainLink]) -> Head:
    """Move the head to the last entry and return it; a copy of the terminal that was faster shows as a fork."""
    last, form = Head(entries[-1].entry.seq, entries[-1].hash), max(each.entry.form for each in entries)
    if ledger.registry.advance_head(terminal.id, last.seq, last.hash, form):
        return last
    # Another upload moved the head meanwhile. The same journal sent twice is harmless: its chain leads to that head. A
    # second machine with a copy of the journal has written something else there, and the comparison raises.
    now = ledger.registry.terminal(terminal.id) or terminal
    head = Head(now.head_seq, now.head_hash)
    reaches_beyond(links, head)
    return head
