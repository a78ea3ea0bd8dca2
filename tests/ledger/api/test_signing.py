"""Signed requests: what a terminal signed verifies, and nothing that was changed on the way does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver
from http_message_signatures.algorithms import ED25519

from ledger.wire.signing import SignatureError, Signed, is_weak, sign, signature_of, signer, verify

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


@pytest.mark.parametrize("nonce", ["", "x" * 15, "x" * 65])
def test_a_nonce_has_a_sensible_length(nonce: str) -> None:
    """A nonce that may repeat by chance, or fill the store, is refused."""
    with pytest.raises(SignatureError):
        check(signed(nonce=nonce))


@pytest.mark.parametrize("nonce", ["x" * 16, "x" * 64])
def test_a_nonce_of_sixteen_to_sixty_four_characters_is_one(nonce: str) -> None:
    """Both ends are within."""
    check(signed(nonce=nonce))


COVERED = ("@method", "@authority", "@path", "@query", "content-digest")


def signed_otherwise(**parameters: Any) -> httpx.Request:
    """Return a request as another client signs it, by the library alone."""
    request = httpx.Request("POST", "https://ledger.example/v1/uploads?x=1", content=b"{}")
    keys = MappingKeyResolver(public_keys={}, private_keys={TERMINAL: KEY})
    usual: dict[str, Any] = {
        "key_id": TERMINAL,
        "created": AT,
        "nonce": NONCE,
        "tag": "kazasu",
        "covered_component_ids": COVERED,
    }
    HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=keys).sign(request, body=b"{}", **usual | parameters)
    return request


def test_another_client_signs_as_the_page_says() -> None:
    """It may say when its signature ends."""
    ends = AT + timedelta(seconds=30)
    for parameters, expires in (({}, None), ({"expires": ends}, ends)):
        request = signed_otherwise(**parameters)
        verified = verify(request, b"{}", lambda name: KEY.public_key() if name == TERMINAL else None)
        assert verified == Signed(TERMINAL, AT, NONCE, expires)


@pytest.mark.parametrize(
    "parameters",
    [
        {"tag": "other"},
        {"tag": None},
        {"nonce": None},
        *({"covered_component_ids": [each for each in COVERED if each != name]} for name in COVERED[:-1]),
    ],
    ids=["another tag", "no tag", "no nonce", *COVERED[:-1]],
)
def test_what_the_page_asks_for_is_needed(parameters: dict[str, Any]) -> None:
    """A signature that leaves out a part verifies, and serves for nothing."""
    request = signed_otherwise(**parameters)
    with pytest.raises(SignatureError):
        verify(request, b"{}", lambda _: KEY.public_key())


def test_two_signatures_are_one_too_many() -> None:
    """Nobody could say whose request it is."""
    request, second = signed_otherwise(label="one"), signed_otherwise(label="two")
    for name in ("Signature-Input", "Signature"):
        request.headers[name] = f"{request.headers[name]}, {second.headers[name]}"
    with pytest.raises(SignatureError, match="more than one"):
        verify(request, b"{}", lambda _: KEY.public_key())
    with pytest.raises(SignatureError, match="one signature"):
        signature_of(request)


def test_who_signed_is_said_before_the_key_is_looked_up() -> None:
    """Terminal and nonce of the product's own signature, whatever others stand beside it."""
    request, other = signed_otherwise(label="one"), signed_otherwise(label="two", tag="other")
    request.headers["Signature-Input"] = f"{other.headers['Signature-Input']}, {request.headers['Signature-Input']}"
    assert signature_of(request) == (TERMINAL, NONCE)
    assert signer(request) == TERMINAL
    assert signature_of(signed_otherwise(nonce=None)) == (TERMINAL, "")


@pytest.mark.parametrize(
    "stated",
    ["", "pyhms", "sig=", "sig=();tag=kazasu;keyid", 'sig=();tag="kazasu"', 'sig=();tag="kazasu";keyid="a";nonce=7'],
)
def test_who_signed_is_not_guessed(stated: str) -> None:
    """A request that does not say it is refused."""
    request = signed()
    request.headers["Signature-Input"] = stated
    with pytest.raises(SignatureError):
        signature_of(request)
    del request.headers["Signature-Input"]
    with pytest.raises(SignatureError, match="one signature"):
        signer(request)


def test_a_time_that_is_none_is_refused() -> None:
    """Though the signature covers it."""
    for parameters in (
        {"created": datetime(9999, 12, 31, tzinfo=UTC)},
        {"expires": datetime(9999, 12, 31, tzinfo=UTC)},
    ):
        request = signed_otherwise(**parameters)
        assert verify(request, b"{}", lambda _: KEY.public_key())
    beyond = signed_otherwise(created=_Beyond(9999, 12, 31, tzinfo=UTC))
    with pytest.raises(SignatureError, match="no time"):
        verify(beyond, b"{}", lambda _: KEY.public_key())


class _Beyond(datetime):
    """A moment whose seconds no calendar holds."""

    def timestamp(self) -> float:
        """Return them."""
        return 10.0**14


WEAK = [
    "00" * 32,
    "01" + "00" * 31,
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


@pytest.mark.parametrize("point", WEAK)
def test_a_point_of_small_order_is_no_key(point: str) -> None:
    """Nor its mirror; one byte further it is another point."""
    key = bytes.fromhex(point)
    assert is_weak(key)
    assert is_weak(key[:31] + bytes([key[31] | 0x80]))
    assert not is_weak(key[:30] + bytes([key[30] ^ 1]) + key[31:])
    assert not is_weak(KEY.public_key().public_bytes_raw())


def test_a_request_without_body_is_signed_too() -> None:
    """A GET is covered as a POST is."""
    request = httpx.Request("GET", "https://ledger.example/v1/terminal")
    sign(request, b"", terminal_id=TERMINAL, key=KEY, at=AT, nonce=NONCE)
    check(request)
