"""Signs a terminal's requests and verifies them: HTTP message signatures (RFC 9421) with Ed25519.

A signature covers method, authority, path, query and the digest of the body (RFC 9530); its parameters are `created`, a
`nonce` that is used once, the terminal's id as `keyid`, and, if the terminal so wishes, `expires`. Whether `created` is
recent, `expires` to come and the nonce new is for the caller to say, who has the clock and the store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import http_sf
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    MappingKeyResolver,
)
from http_message_signatures.algorithms import ED25519

_COVERED = ("@method", "@authority", "@path", "@query", "content-digest")
_TAG = "kazasu"

_SMALL_ORDER = frozenset(
    bytes.fromhex(encoding)
    for encoding in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)
"""The y of every point whose order divides the cofactor 8 (RFC 8032, 5.1), in every encoding that a library takes."""


class SignatureError(Exception):
    """A request bears no signature that verifies."""


class HttpRequest(Protocol):
    """What both httpx and Starlette call a request."""

    @property
    def method(self) -> str:
        """The method, in capitals."""

    @property
    def url(self) -> Any:
        """The absolute URL, as `str` gives it."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The header fields."""


@dataclass(frozen=True, slots=True)
class Signed:
    """Who signed a request, when, and under which nonce."""

    terminal_id: str
    created: datetime
    nonce: str
    expires: datetime | None = None


def sign(
    request: HttpRequest, body: bytes, *, terminal_id: str, key: Ed25519PrivateKey, at: datetime, nonce: str
) -> None:
    """Add `Content-Digest`, `Signature-Input` and `Signature` to the header fields of a request."""
    keys = MappingKeyResolver(public_keys={}, private_keys={terminal_id: key})
    HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=keys).sign(
        request, key_id=terminal_id, created=at, nonce=nonce, tag=_TAG, covered_component_ids=_COVERED, body=body
    )


def signer(request: HttpRequest) -> str:
    """Return the terminal that a request says it is signed by; raise SignatureError where it says none, or several.

    Nothing is proved by that. It is for finding the key before the signature is verified: a look-up that fails inside
    `verify` would be taken for a signature that does.
    """
    return signature_of(request)[0]


def signature_of(request: HttpRequest) -> tuple[str, str]:
    """Return the terminal and the nonce that a request's one signature states, as `signer` does."""
    try:
        said: Any = http_sf.parse(request.headers.get("Signature-Input", "").encode(), tltype="dictionary")
    except ValueError:
        raise SignatureError("Signature-Input cannot be read") from None
    stated = [parameters for _, parameters in said.values() if parameters.get("tag") == _TAG]
    match [(parameters.get("keyid"), parameters.get("nonce", "")) for parameters in stated]:
        case [(str(name), str(nonce))]:
            return name, nonce
        case _:
            raise SignatureError("one signature is needed")


def verify(request: HttpRequest, body: bytes, key_of: Callable[[str], Ed25519PublicKey | None]) -> Signed:
    """Return who signed a request; raise SignatureError where it is unsigned, altered, or by an unknown key."""
    try:
        results = _Verifier(signature_algorithm=ED25519, key_resolver=_Keys(key_of)).verify(
            request, max_age=None, expect_tag=_TAG, require_components=_COVERED, body=body
        )
    except InvalidSignature as invalid:
        raise SignatureError(str(invalid)) from invalid
    if len(results) != 1:
        raise SignatureError("more than one signature")
    parameters = results[0].parameters
    created, nonce = _moment(parameters.get("created")), parameters.get("nonce")
    if created is None or not isinstance(nonce, str) or not 16 <= len(nonce) <= 64:
        raise SignatureError("created and a nonce of 16 to 64 characters are needed")
    return Signed(str(parameters["keyid"]), created, nonce, _moment(parameters.get("expires")))


def is_weak(public_key: bytes) -> bool:
    """Return whether an Ed25519 public key is a point of small order, under which one signature fits any message."""
    # The highest bit is the sign of x; each point has the same order as its mirror.
    return public_key[:31] + bytes([public_key[31] & 0x7F]) in _SMALL_ORDER


def _moment(seconds: object) -> datetime | None:
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None
    except (ValueError, OverflowError, OSError):
        raise SignatureError("created or expires is no time") from None


class _Verifier(HTTPMessageVerifier):
    def validate_created_and_expires(self, sig_input: Any, max_age: timedelta | None = None) -> None:
        """Leave time to the caller: the library knows the wall clock alone."""


class _Keys(HTTPSignatureKeyResolver):
    def __init__(self, key_of: Callable[[str], Ed25519PublicKey | None]) -> None:
        self._key_of = key_of

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey | None:
        """Return the key of a terminal, None where there is no such terminal."""
        return self._key_of(key_id)
