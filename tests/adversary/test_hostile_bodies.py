"""No body that anybody sends makes the ledger fail: each is refused, for good."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import b64encode
from pathlib import Path

import httpx
import pytest

from ledger.api.desk import Officer, Scope
from ledger.rulebook import Rulebook, RulesError
from tests.adversary.conftest import SHOP, Municipality
from tests.adversary.thief import MUNICIPALITY, Thief

pytestmark = pytest.mark.anyio

DEEP = b"[" * 20_000
BODIES = {
    "deep list": DEEP + b"]" * 20_000,
    "deep object": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "cut off": DEEP,
    "a number of a thousand digits": b'{"entries": ' + b"9" * 5_000 + b"}",
    "a float beyond": b'{"days": 1e999, "who": 1e400}',
    "not a number": b'{"days": NaN}',
    "a lone surrogate": b'{"name": "\\ud800", "who": "\\udfff", "url": "\\ud800", "code": "\\ud800"}',
    "a NUL": b'{"name": "a\\u0000b", "who": "\\u0000", "url": "https://a\\u0000b/"}',
    "escape": b'{"name": "\\u001b[2J", "who": "\\u001b]0;x\\u0007"}',
    "not UTF-8": b'{"name": "\xff\xfe"}',
    "nothing": b"",
    "null": b"null",
    "the same name twice": b'{"name": "a", "name": "b", "who": "x", "who": "y"}',
    "5,000 characters": json.dumps(
        {"name": "あ" * 5_000, "who": "x" * 5_000, "url": "https://" + "a" * 5_000}
    ).encode(),
}
OFFICE = (
    ("PUT", f"/v1/office/shops/{SHOP}", Scope.OPERATE),
    ("POST", "/v1/office/stops", Scope.OPERATE),
    ("PUT", "/v1/office/services/library", Scope.OPERATE),
    ("PUT", "/v1/office/webhook", Scope.OPERATE),
    ("POST", "/v1/office/tokens", Scope.TOKENS),
    ("POST", "/v1/office/awards", Scope.AWARD),
    ("POST", "/v1/office/reversals", Scope.AWARD),
)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_the_office_is_refused_what_nobody_can_read(municipality: Municipality, body: bytes) -> None:
    """At every address that takes a body; no answer is a failure, and none may be tried again."""
    for method, path, scope in OFFICE:
        bearer = Officer(MUNICIPALITY, f"見本{scope}", frozenset({scope}))
        token = municipality.ledger.office.new_token(bearer, municipality.ledger.today())
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        answer = await municipality.http.request(method, path, content=body, headers=headers)
        assert 400 <= answer.status_code < 500, (path, answer.text)
        assert answer.json()["retryable"] is False
        assert not {"\x1b", "\x00"} & set(answer.text)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_a_terminal_is_refused_what_nobody_can_read(thief: Thief, body: bytes) -> None:
    """Signed as it is, by a key that was enrolled; and unsigned at the enrolment."""
    for path in ("/v1/inquiries", "/v1/uploads"):
        answer = await _signed(thief, path, body)
        assert 400 <= answer.status_code < 500, (path, answer.text)
        assert answer.json()["retryable"] is False
    answer = await thief.http.post("/v1/enrolments", content=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500, answer.text


async def _signed(thief: Thief, path: str, body: bytes) -> httpx.Response:
    digest = f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode()}:"
    covered = '("@method" "@authority" "@path" "@query" "content-digest")'
    created, nonce = int(thief.clock().timestamp()), secrets.token_urlsafe(16)
    parameters = f'{covered};created={created};keyid="{thief.id}";alg="ed25519";nonce="{nonce}";tag="kazasu"'
    base = "\n".join(
        (
            '"@method": POST',
            f'"@authority": {thief.http.base_url.host}',
            f'"@path": {path}',
            '"@query": ?',
            f'"content-digest": {digest}',
            f'"@signature-params": {parameters}',
        )
    )
    headers = {
        "Content-Digest": digest,
        "Signature-Input": f"it={parameters}",
        "Signature": f"it=:{b64encode(thief.key.sign(base.encode())).decode()}:",
        "Content-Type": "application/json",
    }
    return await thief.http.post(path, content=body, headers=headers)


SAMPLE = (Path(__file__).parents[2] / "ledger" / "samples" / "practice.toml").read_text(encoding="utf-8")
RULES = {
    "a version of 10^18": SAMPLE.replace("version = 1", "version = 1000000000000000000"),
    "4,000,000 days": SAMPLE + "\n[programme.expiry]\ndays = 4_000_000\n",
    "a budget of 10^30": SAMPLE.replace("version = 1", f"version = 1\nbudget = {10**30}", 1),
    "a ceiling of 10^18": SAMPLE.replace("version = 1", f"version = 1\nceilings.card.issued = {10**18}", 1),
    "a NUL": SAMPLE.replace("version = 1", 'version = 1\nnote = "\\u0000"', 1),
    "an escape": SAMPLE.replace("version = 1", 'version = 1\nnote = "\\u001b[2J"', 1),
    "a lone surrogate": SAMPLE.replace("version = 1", 'version = 1\nnote = "\\ud800"', 1),
    "very deep": SAMPLE + "\nx = " + "[" * 20_000 + "]" * 20_000,
    "deep names": SAMPLE + "\n" + ".".join("a" * 2_000) + " = 1",
    "five thousand digits": SAMPLE.replace("version = 1", "version = " + "9" * 5_000, 1),
    "an endless number": SAMPLE.replace("version = 1", "version = inf", 1),
    "the year 9999": SAMPLE.replace("version = 1", "version = 1\nends_on = 99999-01-01", 1),
}


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_rules_beyond_all_bounds_are_refused_in_a_sentence(tmp_path: Path, rules: str) -> None:
    """By line, when they are brought in, and not at the first sale."""
    path = tmp_path / "rules.toml"
    path.write_text(rules, encoding="utf-8")
    with pytest.raises(RulesError):
        Rulebook.read(path).check([])
