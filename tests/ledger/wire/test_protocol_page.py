"""The protocol page: its example is recomputed from the page, and it names every code that a terminal may meet."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from ledger.api.app import create_app
from ledger.api.chain import Head, reaches_beyond, walk
from ledger.api.nonces import Nonces
from ledger.api.problems import KINDS
from ledger.api.state import Ledger
from ledger.wire.answers import SignedAnswer, UploadBody, Verdict
from ledger.wire.canonical import canonical
from ledger.wire.codes import EnrolmentCode, key_print
from ledger.wire.consent import consent_digest_2, is_signed
from ledger.wire.entries import FIRST_PREVIOUS_HASH, SignedEntry
from ledger.wire.operations import MARKS, Operation, Sale
from ledger.wire.pack import read_pack
from ledger.wire.proof import is_proven, key_bytes_of, proof_of
from ledger.wire.sealing import Purpose, SealError, SealingKey
from ledger.wire.setup import LedgerKeys
from ledger.wire.signing import sign, verify
from ledger.wire.statements import body_hash, is_answer_to, raw, sign_statement, sign_succession, trusted_keys
from ledger.wire.tokens import Presented
from tests.ledger.api.conftest import ledger  # noqa: F401  # a fixture
from tests.ledger.api.world import Clock

PAGE = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text(encoding="utf-8")
BLOCKS: dict[str, Any] = {
    name: json.loads(text) for name, text in re.findall(r"```json (\w+)\n(.*?)\n```", PAGE, flags=re.DOTALL)
}
KEYS: dict[str, str] = BLOCKS["keys"]
ENTRIES = [SignedEntry.model_validate(each) for each in BLOCKS["entries"]]
ANSWER = SignedAnswer.model_validate(BLOCKS["answer"])
TERMINAL = ENTRIES[0].entry.terminal_id
OPERATION = ENTRIES[1].entry.operation_id


def signing(name: str) -> Ed25519PrivateKey:
    """Return one of the page's private keys."""
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(KEYS[name]))


@pytest.fixture
def clock() -> Clock:
    """Return the clock of the ledger whose document is read."""
    return Clock()


def test_the_public_keys_are_those_of_the_private_ones() -> None:
    """And the card is the practice card whose key lies in the repository."""
    assert raw(signing("terminal_private").public_key()) == KEYS["terminal_public"]
    assert raw(signing("ledger_private").public_key()) == KEYS["ledger_public"]
    assert sealing_key().public == KEYS["sealing_public"]
    pem = (Path(__file__).parents[3] / "reader" / "virtual" / "keys" / "normal.pem").read_bytes()
    public = load_pem_private_key(pem, None).public_key()
    assert base64.b64decode(KEYS["card_public"]) == public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert key_bytes_of(base64.b64decode(KEYS["card_public"])) == bytes.fromhex(KEYS["card_key_bytes"])


def sealing_key() -> SealingKey:
    """Return the ledger's key, which opens what is sealed."""
    return SealingKey(X25519PrivateKey.from_private_bytes(base64.b64decode(KEYS["sealing_private"])))


def test_the_pack_opens_with_what_a_tap_reads() -> None:
    """By the page alone: its signature, its hash, its place and key, and each field of the one record in it."""
    said = BLOCKS["pack"]
    content = base64.b64decode(said["pack"])
    line, _, slots = content.partition(b"\n")
    signed = json.loads(line)
    header = signed["header"]
    signing("ledger_private").public_key().verify(base64.b64decode(signed["signature"]), canonical(header))
    assert (header["slots"], header["sha256"]) == (1, hashlib.sha256(slots).hexdigest())
    salt = base64.b64decode(header["salt"])
    derived = HKDF(SHA256(), 48, salt, b"kazasu/1 pack").derive(bytes.fromhex(KEYS["card_key_bytes"]))
    assert (derived[:16].hex(), derived[16:].hex()) == (said["place"], said["key"])
    place, version, sealed = slots[:16], int.from_bytes(slots[16:20]), slots[20:]
    assert (place.hex(), version, len(sealed)) == (said["place"], 1, 160)
    bound = header["terminal_id"].encode() + hashlib.sha256(salt).digest() + place
    plain = AESGCM(derived[16:]).decrypt(version.to_bytes(12), sealed, bound)
    assert len(plain) == 144
    assert (plain[:16].hex(), plain[16:48].hex()) == (said["reservation"], said["key_sha256"])
    assert plain[49 : 49 + plain[48]].hex() == said["key_end"]
    public = base64.b64decode(KEYS["card_public"])
    assert (hashlib.sha256(public).hexdigest(), public[256:].hex()) == (said["key_sha256"], said["key_end"])
    (holding,) = said["holdings"]
    programme, reserved, balance, left = struct.unpack(">BIIi", plain[92:105])
    assert (plain[89:91].decode(), plain[91]) == (said["language"], 1)
    assert header["programmes"][programme] == holding["programme"]
    assert (reserved, balance, left) == (holding["reserved"], holding["balance"], holding["day_left"])


def test_a_terminal_reads_the_pack_of_the_page() -> None:
    """As the product does."""
    said = BLOCKS["pack"]
    pack = read_pack(base64.b64decode(said["pack"]), TERMINAL, [KEYS["ledger_public"]])
    record = pack.record(bytes.fromhex(KEYS["card_key_bytes"]))
    assert record is not None
    public = base64.b64decode(KEYS["card_public"])
    assert (record.reservation.hex(), record.info(public[:256])) == (said["reservation"], public)


def test_the_code_names_the_ledgers_key() -> None:
    """Its secret, 80 bits of the fingerprint, and the check character."""
    code = BLOCKS["code"]
    assert EnrolmentCode.read(code["code"]) == EnrolmentCode(code["secret"], code["key_print"])
    assert code["key_print"] == key_print(KEYS["ledger_public"])


def test_one_key_vouches_for_the_next() -> None:
    """The signature is the one that the page has, and leads from the pinned key on."""
    word = BLOCKS["succession"]
    following = Ed25519PrivateKey.from_private_bytes(bytes(range(64, 96))).public_key()
    assert raw(following) == KEYS["next_ledger_public"]
    made = sign_succession(word["ledger"], signing("ledger_private"), following)
    assert made.as_json() == word
    keys = LedgerKeys(ledger=word["ledger"], signing_keys=[KEYS["next_ledger_public"]], succession=[made])
    assert trusted_keys([KEYS["ledger_public"]], keys) == {KEYS["ledger_public"], KEYS["next_ledger_public"]}


def test_the_proof_is_the_cards() -> None:
    """HMAC keyed with the bytes that the tap read."""
    said = BLOCKS["proof"]
    bound = (Purpose(said["purpose"]), said["terminal_id"], said["bound_to"], said["nonce"])
    assert proof_of(bytes.fromhex(KEYS["card_key_bytes"]), *bound) == said["proof"]
    assert is_proven(base64.b64decode(KEYS["card_public"]), said["proof"], *bound)
    assert said["bound_to"] == OPERATION


def test_the_card_signed_the_digest() -> None:
    """Over everything of the entry but the resident."""
    said, entry = BLOCKS["consent"], ENTRIES[1].entry
    nonce = said["stated"]["nonce"]
    digest = consent_digest_2(OPERATION, entry.at, entry.business_date, nonce, entry.content.as_json(), None)
    assert digest.hex() == said["digest"]
    assert said["stated"]["content"] == {k: v for k, v in entry.content.as_json().items() if k != "resident"}
    assert is_signed(base64.b64decode(KEYS["card_public"]), digest, said["signature"])


def test_the_seal_opens_for_its_operation_and_for_no_other() -> None:
    """It holds token, nonce, proof and signature, filled up to a multiple of 128 bytes."""
    said, content = BLOCKS["seal"], ENTRIES[1].entry.content
    assert isinstance(content, Sale)
    assert content.resident == said["sealed"]
    opened = sealing_key().open(said["sealed"], Purpose.OPERATION, TERMINAL, Presented, OPERATION)
    assert opened.as_json() == said["plain"]
    assert (opened.proof, opened.signature) == (BLOCKS["proof"]["proof"], BLOCKS["consent"]["signature"])
    assert said["info"] == f"kazasu/2 operation {TERMINAL} {OPERATION}"
    assert (len(base64.b64decode(said["sealed"])) - 32 - 16) % 128 == 0
    with pytest.raises(SealError):
        sealing_key().open(said["sealed"], Purpose.OPERATION, TERMINAL, Presented, f"{TERMINAL}-000003")


def test_the_chain_is_whole_and_signed() -> None:
    """Hashes, signatures and the beginning."""
    links = walk(ENTRIES, TERMINAL, signing("terminal_private").public_key())
    assert reaches_beyond(links, Head(0, FIRST_PREVIOUS_HASH))
    for each in ENTRIES:
        signature = base64.b64encode(signing("terminal_private").sign(bytes.fromhex(each.hash))).decode()
        assert signature == each.signature


def test_the_request_is_signed_as_the_page_says() -> None:
    """Header fields to the letter, and the base that the signature is over."""
    said = BLOCKS["request"]
    body = canonical({"entries": [each.as_json() for each in ENTRIES]})
    request = httpx.Request("POST", said["url"], content=body)
    key, at = signing("terminal_private"), datetime.fromisoformat(said["created"])
    sign(request, body, terminal_id=TERMINAL, key=key, at=at, nonce=said["nonce"])
    assert request.headers["Content-Digest"] == said["content_digest"]
    assert request.headers["Signature-Input"] == said["signature_input"]
    assert request.headers["Signature"] == said["signature"]
    signature = base64.b64decode(said["signature"].partition("=")[2].strip(":"))
    key.public_key().verify(signature, "\n".join(said["signature_base"]).encode())
    assert verify(request, body, lambda _: key.public_key()).nonce == said["nonce"]


def test_the_answer_is_the_ledgers_to_this_request() -> None:
    """The signature to the letter; the verdict names the entry that it is about."""
    assert is_answer_to(ANSWER, TERMINAL, BLOCKS["request"]["nonce"], [KEYS["ledger_public"]])
    assert sign_statement(ANSWER.signed.statement, signing("ledger_private")) == ANSWER.signed
    (verdict,) = ANSWER.signed.statement.verdicts
    assert verdict.content_hash == ENTRIES[1].hash
    assert len(UploadBody.model_validate(ANSWER.body).after) == 1
    assert body_hash(ANSWER.body) == ANSWER.signed.statement.body_sha256


def test_the_next_entry_acknowledges_the_verdict() -> None:
    """The hash over what was received."""
    said = BLOCKS["received"]
    verdicts = [Verdict.model_validate(each) for each in said["verdicts"]]
    assert verdicts == ANSWER.signed.statement.verdicts
    lines = b"".join(canonical(each.said()) + b"\n" for each in verdicts)
    assert said["received"] == {"upto": 1, "hash": hashlib.sha256(lines).hexdigest()}


def test_every_code_that_a_terminal_may_meet_is_on_the_page(ledger: Ledger) -> None:  # noqa: F811  # the fixture
    """With its status, and nothing that is not there; so is every mark that may be written today."""
    documented: set[str] = set()
    for path, methods in create_app(ledger).openapi()["paths"].items():
        if path.startswith("/v1/") and not path.startswith("/v1/office"):
            for method in methods.values():
                said = " ".join(each["description"] for each in method["responses"].values())
                documented |= set(re.findall(r"`(\w+)` \(", said))
    named: dict[str, str] = {}
    for codes, statuses in re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (\d+(?:, \d+)*) \|", PAGE, flags=re.MULTILINE):
        each = re.findall(r"\w+", codes)
        every = statuses.split(", ")
        named |= dict(zip(each, every * len(each) if len(every) == 1 else every, strict=False))
    assert named == {code: str(KINDS[code].status) for code in documented}
    assert all(f"`{mark}`" in PAGE for mark in MARKS if mark != "closed")


def test_every_path_is_on_the_page(ledger: Ledger) -> None:  # noqa: F811  # the fixture
    """Whatever a terminal may ask."""
    paths = [path for path in create_app(ledger).openapi()["paths"] if path.startswith("/v1/")]
    for path in paths:
        if not path.startswith("/v1/office"):
            assert path.partition("{")[0] in PAGE


def test_a_nonce_fits_into_what_is_presented() -> None:
    """What the ledger gives out is a nonce by the wire's own pattern."""
    nonce, _ = Nonces(b"n" * 32).issue(TERMINAL, datetime.fromisoformat(ENTRIES[1].entry.at))
    assert Presented.model_validate(BLOCKS["seal"]["plain"] | {"nonce": nonce}).nonce == nonce
    assert len(get_args(Operation)) == len(set(get_args(Operation)))
