"""Requests that are not let in: malformed, oversized, unsigned, wrongly signed, skewed, replayed, too many."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver
from http_message_signatures.algorithms import ED25519

from ledger.api.limits import MAX_BODY
from ledger.wire.answers import Problem
from ledger.wire.canonical import canonical
from ledger.wire.signing import sign
from ledger.wire.statements import raw
from tests.ledger.api.conftest import Counter, asgi
from tests.ledger.api.world import NOW

pytestmark = pytest.mark.anyio

EMPTY = canonical({})

GUESS = {
    "code": "0000-0000-0000",
    "public_key": raw(Ed25519PrivateKey.generate().public_key()),
    "nonce": "0123456789abcdef",
}


def request(
    counter: Counter,
    body: bytes = EMPTY,
    *,
    key: Ed25519PrivateKey | None = None,
    terminal: str | None = None,
    after: timedelta = timedelta(0),
    nonce: str = "0123456789abcdef",
    path: str = "/v1/inquiries",
) -> httpx.Request:
    """Return a signed inquiry, with whatever a case has wrong about it."""
    made = httpx.Request(
        "POST", f"http://ledger.invalid{path}", content=body, headers={"Content-Type": "application/json"}
    )
    till = counter.till
    sign(made, body, terminal_id=terminal or till.setup.terminal_id, key=key or till.key, at=NOW + after, nonce=nonce)
    return made


async def send(counter: Counter, made: httpx.Request) -> httpx.Response:
    """Bring a request to the ledger as it is."""
    async with httpx.AsyncClient(transport=asgi(counter.app)) as client:
        return await client.send(made)


async def code_of(counter: Counter, made: httpx.Request) -> str | None:
    """Return the code under which the ledger refuses a request, None where it does not."""
    response = await send(counter, made)
    if response.is_success:
        return None
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = Problem.model_validate_json(response.content)
    assert problem.status == response.status_code
    return problem.code


def _unsigned(counter: Counter) -> httpx.Request:
    made = request(counter)
    del made.headers["Signature"], made.headers["Signature-Input"]
    return made


def _for_another_host(counter: Counter) -> httpx.Request:
    made = request(counter)
    made.headers["Host"] = "other.example"
    return made


def _other_body(counter: Counter) -> httpx.Request:
    signed = request(counter)
    return httpx.Request(
        "POST", signed.url, content=b'{"resident":null}', headers={**signed.headers, "Content-Length": "17"}
    )


CASES: dict[str, tuple[Callable[[Counter], httpx.Request], str]] = {
    "unsigned": (_unsigned, "signature_wrong"),
    "another host": (_for_another_host, "signature_wrong"),
    "another body": (_other_body, "signature_wrong"),
    "another key": (lambda counter: request(counter, key=Ed25519PrivateKey.generate()), "signature_wrong"),
    "no such terminal": (lambda counter: request(counter, terminal="252034-0001-99"), "signature_wrong"),
    "no terminal id": (lambda counter: request(counter, terminal="'; DROP TABLE terminals; --"), "signature_wrong"),
    "clock ahead": (lambda counter: request(counter, after=timedelta(minutes=6)), "clock_skewed"),
    "clock behind": (lambda counter: request(counter, after=timedelta(minutes=-6)), "clock_skewed"),
    "clock a little off": (lambda counter: request(counter, after=timedelta(minutes=-4)), ""),
    "not JSON": (lambda counter: request(counter, b"{"), "request_malformed"),
    "not UTF-8": (lambda counter: request(counter, b'{"resident":"\xff"}'), "request_malformed"),
    "no object": (lambda counter: request(counter, b"[]"), "request_malformed"),
    "no body": (lambda counter: request(counter, b""), "request_malformed"),
    "deep": (lambda counter: request(counter, b"[" * 100_000), "request_malformed"),
    "unknown field": (lambda counter: request(counter, b'{"name":"x"}'), "request_malformed"),
    "not sealed": (lambda counter: request(counter, b'{"resident":"AAAA"}'), "seal_wrong"),
    "too large": (lambda counter: request(counter, b" " * (MAX_BODY + 1)), "request_too_large"),
    "no such path": (lambda counter: request(counter, path="/v1/nothing"), "not_found"),
    "no such method": (lambda counter: request(counter, path="/v1/terminal"), "method_not_allowed"),
}


@pytest.mark.parametrize("case", CASES)
async def test_each_is_refused_with_its_code(counter: Counter, case: str) -> None:
    """Every refusal is problem details with a stable code."""
    make, code = CASES[case]
    assert await code_of(counter, make(counter)) == (code or None)


async def test_a_replayed_request_is_refused(counter: Counter) -> None:
    """A nonce counts once while its signature is accepted, and is forgotten after."""
    made = request(counter)
    assert await code_of(counter, made) is None
    assert await code_of(counter, made) == "request_replayed"
    counter.till.clock.now = NOW + timedelta(minutes=11)
    assert await code_of(counter, made) == "clock_skewed"


async def test_used_nonces_do_not_pile_up(counter: Counter) -> None:
    """What is too old to be accepted is swept away."""
    for minutes in (0, 20):
        counter.till.clock.now = NOW + timedelta(minutes=minutes)
        await counter.client.setup()
    with counter.ledger.stores[1].connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM request_nonce").scalar() == 1


async def test_a_skewed_clock_is_told_the_time(counter: Counter) -> None:
    """The terminal can say by how much it is off."""
    response = await send(counter, request(counter, after=timedelta(hours=9)))
    assert response.json()["server_time"] == NOW.isoformat()


async def test_a_mistake_is_named_without_its_value(counter: Counter) -> None:
    """A malformed request says where it is wrong, and never repeats what stood there."""
    response = await send(counter, request(counter, json.dumps({"resident": "SECRET%"}).encode()))
    assert response.json()["errors"] == [{"at": "body.resident", "kind": "string_pattern_mismatch"}]
    assert "SECRET" not in response.text


async def test_one_terminal_cannot_take_the_ledger_for_itself(counter: Counter) -> None:
    """Over its rate a terminal is told to wait, and for how long."""
    counter.ledger.terminal_rate._per_minute = 2
    codes = [await code_of(counter, request(counter, nonce=f"0123456789abcde{n}")) for n in range(3)]
    assert codes == [None, None, "too_many_requests"]


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (GUESS, 403),
        (GUESS | {"public_key": "AAAA"}, 422),
        (GUESS | {"nonce": "short"}, 422),
        ({"code": "", "public_key": ""}, 422),
        ({}, 422),
    ],
)
async def test_enrolment_needs_a_code_and_a_key(counter: Counter, asked: dict[str, Any], status: int) -> None:
    """Neither a guessed code nor something that is no key enrols anything."""
    async with httpx.AsyncClient(transport=asgi(counter.app), base_url="http://ledger.invalid") as client:
        response = await client.post("/v1/enrolments", json=asked)
    assert response.status_code == status


async def test_enrolment_codes_cannot_be_guessed_by_the_thousand(counter: Counter) -> None:
    """One sender may try a few a minute."""
    async with httpx.AsyncClient(transport=asgi(counter.app), base_url="http://ledger.invalid") as client:
        statuses = [(await client.post("/v1/enrolments", json=GUESS)).status_code for _ in range(12)]
    assert statuses[-1] == 429


@pytest.mark.parametrize(("entries", "code"), [(0, "request_malformed"), (500, None), (501, "request_malformed")])
async def test_an_upload_has_one_to_five_hundred_entries(counter: Counter, entries: int, code: str | None) -> None:
    """More than that, or nothing, is refused as a whole, before anything of it is looked at."""
    recorded = [counter.till.record({"kind": "closed"}) for _ in range(entries)]
    body = canonical({"entries": [each.as_json() for each in recorded]})
    assert await code_of(counter, request(counter, body, path="/v1/uploads")) == code


@pytest.mark.parametrize("character", ["\\u0000", "\\ud800", "\\udfff", "\\u001b"])
@pytest.mark.parametrize(
    "body",
    ['{"resident":"C"}', '{"id":"an-inquiry-s-own-idC"}', '{"id":"C"}', '{"C":1}'],
)
async def test_what_is_no_text_is_malformed_and_no_failure(counter: Counter, body: str, character: str) -> None:
    """A NUL, half of a surrogate pair, an escape: no database and no encoder meets it."""
    sent = body.replace("C", character).encode()
    assert await code_of(counter, request(counter, sent)) == "request_malformed"


@pytest.mark.parametrize("character", ["\\u0000", "\\ud800"])
@pytest.mark.parametrize("field", ["code", "public_key", "nonce"])
async def test_an_enrolment_is_text_too(counter: Counter, field: str, character: str) -> None:
    """Without a key nobody brings the ledger to a failure either."""
    body = json.dumps(GUESS | {field: "X"}).replace('"X"', f'"{character * 16}"').encode()
    async with httpx.AsyncClient(transport=asgi(counter.app), base_url="http://ledger.invalid") as client:
        response = await client.post("/v1/enrolments", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 422


async def test_a_signature_that_is_over_is_refused(counter: Counter) -> None:
    """`expires` is the terminal's own word, and it is kept to."""
    till = counter.till
    made = httpx.Request("GET", "http://ledger.invalid/v1/terminal")
    keys = MappingKeyResolver(public_keys={}, private_keys={till.setup.terminal_id: till.key})
    for after, code in ((60, None), (-1, "clock_skewed")):
        HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=keys).sign(
            made,
            key_id=till.setup.terminal_id,
            created=NOW - timedelta(seconds=30),
            expires=NOW + timedelta(seconds=after),
            nonce=f"0123456789abcdef{after}",
            tag="kazasu",
            covered_component_ids=("@method", "@authority", "@path", "@query", "content-digest"),
            body=b"",
        )
        assert await code_of(counter, made) == code
        for name in ("Signature", "Signature-Input", "Content-Digest"):
            del made.headers[name]
