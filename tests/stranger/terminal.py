"""The stranger's terminal: it imports nothing of this project, so that what it needs must stand on the page."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Json = dict[str, Any]

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_128_GCM)


def canonical(value: object) -> bytes:
    """Return RFC 8785 of what has ASCII names and integers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(data: bytes) -> str:
    """Return SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def raw(key: Ed25519PrivateKey) -> str:
    """Return a public key in base64."""
    return b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def split_code(code: str) -> tuple[str, str]:
    """Return the secret and the ledger's fingerprint of an enrolment code; raise ValueError for a misread one."""
    plain = code.replace("-", "").upper().translate(str.maketrans("OIL", "011"))
    p = 32
    for letter in plain[:-1]:
        s = (p + ALPHABET.index(letter)) % 32 or 32
        p = 2 * s % 33
    if ALPHABET.index(plain[-1]) != (33 - p) % 32 or len(plain) != 29:
        raise ValueError("misread")
    return plain[:12], plain[12:28]


def fingerprint(key: str) -> str:
    """Return the first 80 bits of a key's SHA-256 in the alphabet of codes."""
    number = int.from_bytes(hashlib.sha256(b64decode(key)).digest()[:10])
    return "".join(ALPHABET[number >> shift & 31] for shift in range(75, -1, -5))


@dataclass
class Card:
    """An RSA card as a terminal meets it: what a tap reads, and what it signs after a PIN."""

    key: rsa.RSAPrivateKey
    certificate: bytes
    authority: bytes
    token: Json

    @property
    def key_bytes(self) -> bytes:
        """What a tap reads at the public key."""
        return self.key.public_key().public_numbers().n.to_bytes(256)[:32]

    def sign(self, digest: str) -> str:
        """Sign a digest."""
        signature = self.key.sign(bytes.fromhex(digest), padding.PKCS1v15(), Prehashed(hashes.SHA256()))
        return b64encode(signature).decode()


@dataclass
class Terminal:
    """A terminal with its journal in memory."""

    http: httpx.Client
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    setup: Json = field(default_factory=dict)
    pinned: list[str] = field(default_factory=list)
    entries: list[Json] = field(default_factory=list)
    statement: Json = field(default_factory=dict)
    unacknowledged: list[Json] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    recorded: int = 0
    nonce: str = ""
    after: list[Json] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The terminal's number."""
        number: str = self.setup["terminal_id"]
        return number

    def enrol(self, code: str) -> None:
        """Pin the ledger's key of the code, and become a terminal."""
        secret, print_of_key = split_code(code)
        keys = self.http.get("/v1/keys").json()
        self.pinned = [key for key in keys["signing_keys"] if fingerprint(key) == print_of_key]
        assert self.pinned, "another ledger"
        nonce = secrets.token_urlsafe(16)
        body = {"code": secret, "public_key": raw(self.key), "nonce": nonce}
        answer = self.http.post("/v1/enrolments", content=canonical(body), headers={"content-type": "application/json"})
        answer.raise_for_status()
        self.setup = answer.json()["body"]
        self.setup = self._believed(answer.json(), nonce)
        self.pinned = self.setup["signing_keys"]
        self.nonce = self.setup["nonce"]

    def ask(self, method: str, path: str, body: Json | None = None) -> Json:
        """Send a signed request, and return the body of the answer; raise httpx.HTTPStatusError for a problem."""
        content = b"" if body is None else canonical(body)
        digest = f"sha-256=:{b64encode(hashlib.sha256(content).digest()).decode()}:"
        nonce, authority = secrets.token_urlsafe(16), self.http.base_url.netloc.decode()
        covered = '("@method" "@authority" "@path" "@query" "content-digest")'
        parameters = f';created={int(time.time())};keyid="{self.id}";alg="ed25519";nonce="{nonce}";tag="kazasu"'
        base = "\n".join(
            (
                f'"@method": {method}',
                f'"@authority": {authority}',
                f'"@path": {path}',
                '"@query": ?',
                f'"content-digest": {digest}',
                f'"@signature-params": {covered}{parameters}',
            )
        )
        headers = {
            "content-type": "application/json",
            "content-digest": digest,
            "signature-input": f"sig={covered}{parameters}",
            "signature": f"sig=:{b64encode(self.key.sign(base.encode())).decode()}:",
        }
        answer = self.http.request(method, path, content=content, headers=headers)
        answer.raise_for_status()
        return self._believed(answer.json(), nonce)

    def _believed(self, answer: Json, nonce: str) -> Json:
        signed, body = answer["signed"], answer["body"]
        statement = signed["statement"]
        assert signed["key"] in self.pinned
        signer = Ed25519PublicKey.from_public_bytes(b64decode(signed["key"]))
        signer.verify(b64decode(signed["signature"]), canonical(statement))
        assert statement["terminal_id"] == self.id
        assert statement["request"] == nonce
        assert statement["body_sha256"] == sha256(canonical(body))
        self.statement = statement
        for verdict in statement.get("verdicts", []):
            if verdict["operation_id"] not in self.known:
                self.known.add(verdict["operation_id"])
                self.unacknowledged.append(verdict)
        return dict(body)

    def prove(self, card: Card, purpose: str, bound_to: str, nonce: str) -> Json:
        """Return what presents a card: token, nonce and proof."""
        stated = {
            "kazasu": "proof/2",
            "purpose": purpose,
            "terminal_id": self.id,
            "bound_to": bound_to,
            "nonce": nonce,
        }
        proof = hmac.digest(card.key_bytes, canonical(stated), "sha256").hex()
        return {"token": card.token, "nonce": nonce, "proof": proof}

    def seal(self, plain: Json, purpose: str, bound_to: str) -> str:
        """Seal something to the ledger."""
        text = canonical(plain)
        text += b" " * (-len(text) % 128)
        key = X25519PublicKey.from_public_bytes(b64decode(self.setup["sealing_key"]))
        return b64encode(SUITE.encrypt(text, key, f"kazasu/2 {purpose} {self.id} {bound_to}".encode())).decode()

    def inquire(self, card: Card) -> Json:
        """Hold a card over the reader."""
        number = secrets.token_hex(16)
        presented = self.prove(card, "inquiry", number, self.nonce)
        answer = self.ask("POST", "/v1/inquiries", {"id": number, "resident": self.seal(presented, "inquiry", number)})
        self.nonce = answer["nonce"]
        return answer

    def register(self, card: Card, consent_text: str) -> Json:
        """Register a card, after its PIN."""
        operation_id = self.next_id
        registered: Json = {
            "certificate": b64encode(card.certificate).decode(),
            "authority": b64encode(card.authority).decode(),
            "services": [],
            "nonce": self.nonce,
        }
        content: Json = {
            "kind": "link",
            "municipality": self.id[:6],
            "consent": True,
            "consent_text": consent_text,
            "assurance": {"method": "pin"},
        }
        entry = self.entry(content)
        digest = self.digest(entry, self.nonce, {**content, "registered": registered})
        registration = {**registered, "signature": card.sign(digest)}
        content["registration"] = self.seal(registration, "registration", operation_id)
        return self.settle(entry)

    def operate(self, content: Json, card: Card | None = None) -> Json:
        """Write an operation down, send it, and return its verdict."""
        entry = self.entry(content)
        if card is not None:
            presented = self.prove(card, "operation", self.next_id, self.nonce)
            if content["assurance"]["method"] == "pin":
                presented["signature"] = card.sign(self.digest(entry, self.nonce, content))
            content["resident"] = self.seal(presented, "operation", self.next_id)
        return self.settle(entry)

    def digest(self, entry: Json, nonce: str, content: Json) -> str:
        """Return what the card signs."""
        stated = {
            "kazasu": "consent/2",
            "operation_id": self.next_id,
            "at": entry["at"],
            "business_date": entry["business_date"],
            "nonce": nonce,
            "content": content,
        }
        return sha256(canonical(stated))

    @property
    def next_id(self) -> str:
        """The id of the operation that is written next."""
        return f"{self.id}-{len(self.entries) + 1:06d}"

    def entry(self, content: Json) -> Json:
        """Return the next entry, not written yet."""
        now = time.gmtime(time.time() + 9 * 3600)
        day = time.gmtime(time.time() + 9 * 3600 - 3600 * self.setup["shop"].get("day_starts_at", 0))
        entry: Json = {
            "form": 2,
            "terminal_id": self.id,
            "seq": len(self.entries) + 1,
            "at": time.strftime("%Y-%m-%dT%H:%M:%S+09:00", now),
            "operator": "7",
            "business_date": time.strftime("%Y-%m-%d", day),
            "content": content,
            "previous_hash": self.entries[-1]["hash"] if self.entries else "0" * 64,
        }
        if self.unacknowledged:
            lines = b"".join(canonical(verdict) + b"\n" for verdict in self.unacknowledged)
            self.recorded += len(self.unacknowledged)
            entry["received"] = {"upto": self.recorded, "hash": sha256(lines)}
            self.unacknowledged = []
        return entry

    def settle(self, entry: Json) -> Json:
        """Write an entry down, send what the ledger has not, and return the last verdict."""
        digest = sha256(canonical(entry))
        signature = b64encode(self.key.sign(bytes.fromhex(digest))).decode()
        self.entries.append({"entry": entry, "hash": digest, "signature": signature})
        return self.send(self.statement.get("head_seq", 0))

    def send(self, after: int) -> Json:
        """Send every entry after one, and return the last verdict."""
        self.after = self.ask("POST", "/v1/uploads", {"entries": self.entries[after:]})["after"]
        return dict((self.statement["verdicts"] or [{}])[-1])
