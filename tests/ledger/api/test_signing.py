"""Signed requests: what a terminal signed verifies, and nothing that was changed on the way does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.wire.signing import SignatureError, sign, verify

TERMINAL = "252034-0001-01"
AT = datetime(2026, 11, 23, 5, 5, tzinfo=UTC)
KEY = Ed25519PrivateKey.generate()
NONCE = "0123456789abcdef"


def signed(body: bytes = b'{"a":1}', *, key: Ed25519PrivateKey = KEY, nonce: str = NONCE) -> httpx.Request:
    """Return a request as a terminal sends it."""
    request = httpx.Request("POST", "https://ledger.example/v1/uploads?x=1", content=body)
    sign(request, body, terminal_id=TERMINAL, key=key, at=AT, nonce=nonce)
    return request


def check(request: httpx.Request) -> None:
    """Verify a request against the one terminal that is known."""
    verify(request, request.content, lambda terminal: KEY.public_key() if terminal == TERMINAL else None)


def test_who_signed_and_when_is_told() -> None:
    """Terminal, time and nonce come back from the signature."""
    request = signed()
    result = verify(request, request.content, lambda _: KEY.public_key())
    assert (result.terminal_id, result.created, result.nonce) == (TERMINAL, AT, NONCE)


def _unsigned(request: httpx.Request) -> None:
    del request.headers["Signature"]


def _without_input(request: httpx.Request) -> None:
    del request.headers["Signature-Input"]


def _other_method(request: httpx.Request) -> None:
    request.method = "GET"


def _other_host(request: httpx.Request) -> None:
    request.url = request.url.copy_with(host="other.example")


def _other_path(request: httpx.Request) -> None:
    request.url = request.url.copy_with(path="/v1/inquiries")


def _other_query(request: httpx.Request) -> None:
    request.url = request.url.copy_with(query=b"x=2")


def _other_digest(request: httpx.Request) -> None:
    request.headers["Content-Digest"] = signed(b"{}").headers["Content-Digest"]


def _other_terminal(request: httpx.Request) -> None:
    request.headers["Signature-Input"] = request.headers["Signature-Input"].replace(TERMINAL, "252034-0001-02")


def _later(request: httpx.Request) -> None:
    stamp = int(AT.timestamp())
    request.headers["Signature-Input"] = request.headers["Signature-Input"].replace(str(stamp), str(stamp + 1))


def _digest_not_covered(request: httpx.Request) -> None:
    request.headers["Signature-Input"] = request.headers["Signature-Input"].replace(' "content-digest"', "")


def _rubbish(request: httpx.Request) -> None:
    request.headers["Signature"] = "pyhms=:AAAA"


@pytest.mark.parametrize(
    "change",
    [
        _unsigned,
        _without_input,
        _other_method,
        _other_host,
        _other_path,
        _other_query,
        _other_digest,
        _other_terminal,
        _later,
        _digest_not_covered,
        _rubbish,
    ],
)
def test_nothing_can_be_changed_on_the_way(change: Callable[[httpx.Request], None]) -> None:
    """Every covered part, and every parameter, is what was signed or the request is refused."""
    request = signed()
    change(request)
    with pytest.raises(SignatureError):
        check(request)


def test_another_body_is_refused() -> None:
    """The digest is compared with the body that came."""
    with pytest.raises(SignatureError):
        verify(signed(), b'{"a":2}', lambda _: KEY.public_key())


def test_another_key_is_refused() -> None:
    """Only the terminal's own key signs for it."""
    with pytest.raises(SignatureError):
        check(signed(key=Ed25519PrivateKey.generate()))


@pytest.mark.parametrize("nonce", ["short", "x" * 65])
def test_a_nonce_has_a_sensible_length(nonce: str) -> None:
    """A nonce that may repeat by chance, or fill the store, is refused."""
    with pytest.raises(SignatureError):
        check(signed(nonce=nonce))


def test_a_request_without_body_is_signed_too() -> None:
    """A GET is covered as a POST is."""
    request = httpx.Request("GET", "https://ledger.example/v1/terminal")
    sign(request, b"", terminal_id=TERMINAL, key=KEY, at=AT, nonce=NONCE)
    check(request)
