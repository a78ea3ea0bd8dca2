"""What the ledger signs: whole, to one terminal, to one request, by one of its keys."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.wire.answers import SignedAnswer, Statement, Status, Verdict
from ledger.wire.statements import body_hash, is_answer_to, raw, sign_statement

TERMINAL = "252034-0001-01"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
BODY = {"balances": [{"programme": "252034", "points": 820}]}


def _answer(**changed: object) -> SignedAnswer:
    fields = {
        "kazasu": "answer/2",
        "ledger": "N4GAHAMA",
        "epoch": 1,
        "terminal_id": TERMINAL,
        "request": "a-nonce-of-22-characters",
        "at": "2026-11-25T12:00:00+09:00",
        "head_seq": 1,
        "head_hash": "0" * 64,
        "verdicts": [Verdict(operation_id=f"{TERMINAL}-000001", status=Status.ACCEPTED)],
        "body_sha256": body_hash(BODY),
    }
    return SignedAnswer(signed=sign_statement(Statement.model_validate(fields | changed), KEY), body=BODY)


def _is_believed(answer: SignedAnswer) -> bool:
    return is_answer_to(answer, TERMINAL, "a-nonce-of-22-characters", [raw(KEY.public_key())])


def test_an_answer_is_believed_as_it_was_signed_also_after_its_journey() -> None:
    """JSON there and back changes nothing."""
    assert _is_believed(SignedAnswer.model_validate_json(_answer().model_dump_json(exclude_unset=True)))


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"terminal_id": "252034-0001-02"}, id="to another terminal"),
        pytest.param({"request": "an-older-request-s-nonce"}, id="to another request"),
        pytest.param({"body_sha256": "0" * 64}, id="of another body"),
    ],
)
def test_what_was_signed_for_something_else_is_not_believed(changed: dict[str, str]) -> None:
    """A true signature is not enough."""
    assert not _is_believed(_answer(**changed))


def test_a_changed_verdict_is_not_believed() -> None:
    """Nobody on the way can turn a refusal into an acceptance, or back."""
    true = _answer()
    refused = true.signed.statement.verdicts[0].model_copy(update={"status": Status.REFUSED})
    statement = true.signed.statement.model_copy(update={"verdicts": [refused]})
    forged = true.model_copy(update={"signed": true.signed.model_copy(update={"statement": statement})})
    assert not _is_believed(forged)


def test_another_key_is_not_believed() -> None:
    """Neither one that is not pinned, nor one that names a pinned key."""
    other = Ed25519PrivateKey.generate()
    signed = sign_statement(_answer().signed.statement, other)
    assert not _is_believed(SignedAnswer(signed=signed, body=BODY))
    pretending = signed.model_copy(update={"key": raw(KEY.public_key())})
    assert not _is_believed(SignedAnswer(signed=pretending, body=BODY))
