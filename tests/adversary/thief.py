"""A terminal of a dishonest hand, written from docs/protocol.md alone: it signs, seals and hashes by itself.

It imports nothing of what the project's own terminals speak with, so that it can say what they never would.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from datetime import timedelta, timezone
from typing import Any, Final

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.ledger.api.world import Card, Clock, anchor

MUNICIPALITY: Final = "252034"
STREET: Final = "252034-MIHON"
_JAPAN = timezone(timedelta(hours=9))
_HPKE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)

Json = dict[str, Any]


def canonical(value: object) -> bytes:
    """Return canonical JSON (RFC 8785)."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def sha256(data: bytes) -> str:
    """Return a hash in hex."""
    return hashlib.sha256(data).hexdigest()


def raw(key: Ed25519PrivateKey) -> str:
    """Return the public half of a key."""
    return b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


@dataclass(slots=True)
class Thief:
    """One terminal's key and journal in the wrong hands."""

    http: httpx.AsyncClient
    clock: Clock
    key: Ed25519PrivateKey
    setup: Json
    entries: list[Json] = field(default_factory=list)
    sent: int = 0
    nonce: str = ""

    @classmethod
    async def enrol(cls, http: httpx.AsyncClient, clock: Clock, code: str) -> Thief:
        """Redeem a code that an office gave out in good faith."""
        key = Ed25519PrivateKey.generate()
        secret = code.replace("-", "")[:12]
        asked = {"code": secret, "public_key": raw(key), "nonce": secrets.token_urlsafe(16)}
        answer = await http.post("/v1/enrolments", json=asked)
        assert answer.status_code == 201, answer.text
        return cls(http, clock, key, answer.json()["body"])

    @property
    def id(self) -> str:
        """The terminal's number."""
        return str(self.setup["terminal_id"])

    @property
    def next_id(self) -> str:
        """The id of the entry to come."""
        return f"{self.id}-{len(self.entries) + 1:06d}"

    # What travels -----------------------------------------------------------------------------------------------------

    async def ask(self, method: str, path: str, body: Json | None = None) -> httpx.Response:
        """Send a signed request (RFC 9421) and return whatever comes."""
        content = b"" if body is None else canonical(body)
        digest = f"sha-256=:{b64encode(hashlib.sha256(content).digest()).decode()}:"
        covered = '("@method" "@authority" "@path" "@query" "content-digest")'
        created, nonce = int(self.clock().timestamp()), secrets.token_urlsafe(16)
        parameters = f'{covered};created={created};keyid="{self.id}";alg="ed25519";nonce="{nonce}";tag="kazasu"'
        lines = {
            "@method": method,
            "@authority": self.http.base_url.host,
            "@path": path,
            "@query": "?",
            "content-digest": digest,
            "@signature-params": parameters,
        }
        base = "\n".join(f'"{name}": {value}' for name, value in lines.items())
        headers = {
            "Content-Digest": digest,
            "Signature-Input": f"it={parameters}",
            "Signature": f"it=:{b64encode(self.key.sign(base.encode())).decode()}:",
            "Content-Type": "application/json",
        }
        return await self.http.request(method, path, content=content, headers=headers)

    async def upload(self, entries: list[Json] | None = None) -> list[Json]:
        """Bring what was journalled since the last time, and return the verdicts."""
        wanted = self.entries[self.sent :] if entries is None else entries
        if not wanted:
            return []
        answer = await self.ask("POST", "/v1/uploads", {"entries": wanted})
        assert answer.status_code == 200, answer.text
        self.sent = len(self.entries)
        verdicts: list[Json] = answer.json()["signed"]["statement"]["verdicts"]
        return verdicts

    async def do(self, *contents: Json, day: str | None = None) -> list[Json]:
        """Journal contents that need no seal of their own, and upload them."""
        for content in contents:
            self.write(content, day)
        return await self.upload()

    async def inquire(self, card: Card | None = None, **changed: Any) -> Json:
        """Ask about a card; what is changed is not what a tap would have read."""
        body: Json = {}
        if not self.nonce:
            self.nonce = (await self.ask("POST", "/v1/inquiries", {})).json()["body"]["nonce"]
        if card is not None:
            wanted = secrets.token_urlsafe(16)
            body = {"id": wanted, "resident": self.present(card, "inquiry", wanted, self.nonce, **changed)}
        answer = await self.ask("POST", "/v1/inquiries", body)
        found: Json = answer.json()
        self.nonce = found["body"]["nonce"] if answer.status_code == 200 else str(found.get("nonce", ""))
        return found

    # What lies in the journal -----------------------------------------------------------------------------------------

    def write(self, content: Json, day: str | None = None) -> Json:
        """Append an entry with whatever content, dated as the hand likes."""
        entry = {
            "form": 2,
            "terminal_id": self.id,
            "seq": len(self.entries) + 1,
            "at": self.at(),
            "operator": "12",
            "business_date": day or self.today(),
            "content": content,
            "previous_hash": self.entries[-1]["hash"] if self.entries else "0" * 64,
        }
        digest = sha256(canonical(entry))
        signature = b64encode(self.key.sign(bytes.fromhex(digest))).decode()
        self.entries.append({"entry": entry, "hash": digest, "signature": signature})
        return self.entries[-1]

    def at(self) -> str:
        """Return the time as entries state it."""
        return self.clock().isoformat(timespec="seconds")

    def today(self, off: int = 0) -> str:
        """Return a day as it is in Japan."""
        return (self.clock().astimezone(_JAPAN).date() + timedelta(days=off)).isoformat()

    def present(
        self, card: Card, purpose: str, bound_to: str, nonce: str, *, key_bytes: bytes | None = None, **changed: Any
    ) -> str:
        """Seal what a tap of a card presents; `key_bytes` are guessed where the card is not there."""
        stated = {
            "kazasu": "proof/2",
            "purpose": purpose,
            "terminal_id": self.id,
            "bound_to": bound_to,
            "nonce": nonce,
        }
        proof = hmac.digest(card.key_bytes if key_bytes is None else key_bytes, canonical(stated), "sha256").hex()
        token = {"kind": "jpki", "issuer_sha256": card.reference.issuer_sha256, "serial": card.reference.serial}
        return self.seal({"token": token, "nonce": nonce, "proof": proof, **changed}, purpose, bound_to)

    def seal(self, plain: Json, purpose: str, bound_to: str) -> str:
        """Seal something to the ledger (RFC 9180)."""
        text = canonical(plain)
        text = text.ljust(-(-len(text) // 128) * 128)
        key = X25519PublicKey.from_public_bytes(b64decode(self.setup["sealing_key"]))
        return b64encode(_HPKE.encrypt(text, key, f"kazasu/2 {purpose} {self.id} {bound_to}".encode())).decode()

    def of(self, card: Card, content: Json, *, nonce: str = "", pin: bool = False, day: str | None = None) -> Json:
        """Return content for the next entry with a card in it; with the PIN, the card signs it."""
        content = {**content, "assurance": {"method": "pin" if pin else "tap"}}
        more: Json = {"signature": card.sign(self.digest(content, nonce, day))} if pin else {}
        return {**content, "resident": self.present(card, "operation", self.next_id, nonce, **more)}

    def digest(self, content: Json, nonce: str, day: str | None = None, registered: Json | None = None) -> bytes:
        """Return what a card signs of the next entry."""
        asked = content if registered is None else {**content, "registered": registered}
        stated = {
            "kazasu": "consent/2",
            "operation_id": self.next_id,
            "at": self.at(),
            "business_date": day or self.today(),
            "nonce": nonce,
            "content": asked,
        }
        return hashlib.sha256(canonical(stated)).digest()

    async def register(self, card: Card, *services: Json) -> Json:
        """Register a card whose holder enters the PIN, and return the verdict."""
        nonce = (await self.inquire())["body"]["nonce"]
        der = b64encode(card.certificate.public_bytes(Encoding.DER)).decode()
        authority = b64encode(anchor().public_bytes(Encoding.DER)).decode()
        asked: Json = {"certificate": der, "services": list(services), "nonce": nonce, "authority": authority}
        content: Json = {"kind": "link", "municipality": self.id[:6], "consent": True, "assurance": {"method": "pin"}}
        asked["signature"] = card.sign(self.digest(content, nonce, registered=dict(asked)))
        sealed = self.seal(asked, "registration", self.next_id)
        return (await self.do({**content, "registration": sealed}))[-1]


# Contents -------------------------------------------------------------------------------------------------------------


def sale(bill: int, redeem: dict[str, int] | None = None, award: dict[str, int] | None = None) -> Json:
    """Return a bill, made up or not."""
    redeem, award = redeem or {}, award or {}
    return {
        "kind": "sale",
        "municipality": next(iter([*redeem, *award, MUNICIPALITY]))[:6],
        "bill": bill,
        **({"redeem": [{"programme": code, "points": points} for code, points in redeem.items()]} if redeem else {}),
        **({"award": [{"programme": code, "points": points} for code, points in award.items()]} if award else {}),
        "amount_due": bill - sum(redeem.values()),
        "rules": dict.fromkeys([*redeem, *award], 1),
    }


def award(reason: str, points: int, programme: str = MUNICIPALITY) -> Json:
    """Return points without a bill."""
    return {
        "kind": "award",
        "municipality": programme[:6],
        "award": [{"programme": programme, "points": points}],
        "reason": reason,
        "rules": {programme: 1},
    }


def convert(take: int, give: int, source: str = MUNICIPALITY, target: str = STREET) -> Json:
    """Return a conversion."""
    return {
        "kind": "convert",
        "municipality": source[:6],
        "take": {"programme": source, "points": take},
        "give": {"programme": target, "points": give},
        "rules": {source: 1, target: 1},
    }


def void(target: str, *, by_owner: bool = False, municipality: str = MUNICIPALITY) -> Json:
    """Return the undoing of an operation."""
    return {"kind": "void", "municipality": municipality, "target": target, **({"by_owner": True} if by_owner else {})}


def give_back(target: str, bill: int, *, by_owner: bool = False, municipality: str = MUNICIPALITY) -> Json:
    """Return goods that come back."""
    owner = {"by_owner": True} if by_owner else {}
    return {"kind": "return", "municipality": municipality, "target": target, "bill": bill, **owner}
