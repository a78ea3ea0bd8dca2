"""A sealed file opens with what it was sealed to, to the last byte, and with nothing else."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from ledger.backup import sealed
from ledger.backup.errors import BackupError
from ledger.backup.sealed import (
    BackupKey,
    Lock,
    Passphrase,
    SealedReader,
    SealedWriter,
    read_private_key,
    read_public_key,
)

KEY = X25519PrivateKey.generate()
MIB = 1 << 20


def seal(content: bytes, lock: Lock) -> bytes:
    """Return the bytes of a sealed file."""
    file = BytesIO()
    with SealedWriter(file, lock) as writer:
        for start in range(0, len(content), 300_000):
            writer.write(content[start : start + 300_000])
    return file.getvalue()


def opened(content: bytes, opener: BackupKey = KEY) -> bytes:
    """Return what a sealed file holds."""
    with SealedReader(BytesIO(content), opener, "x") as reader:
        return reader.read()


def code(content: bytes, opener: BackupKey = KEY) -> str:
    """Return why a file does not open."""
    with pytest.raises(BackupError) as raised:
        opened(content, opener)
    return raised.value.code


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB])
def test_what_goes_in_comes_out(size: int) -> None:
    """Around every border of a chunk; nothing of it is to be seen in the file."""
    content = bytes(range(251)) * (size // 251 + 1)
    made = seal(content[:size], KEY.public_key())
    assert opened(made) == content[:size]
    assert bytes(range(32)) not in made


def test_a_passphrase_opens_what_it_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    """However its characters are composed; another one does not."""
    monkeypatch.setattr(sealed, "_SCRYPT", {"n": 1 << 10, "r": 8, "p": 1})
    made = seal(b"content", Passphrase("長浜がっこうの合言葉"))
    assert opened(made, Passphrase("長浜か\u3099っこうの合言葉")) == b"content"
    assert code(made, Passphrase("別の合言葉")) == "backup_locked"
    assert code(made, KEY) == "backup_locked"


def test_a_passphrase_is_worth_half_a_second_of_every_guess() -> None:
    """128 MiB each, too."""
    assert sealed._SCRYPT["n"] * sealed._SCRYPT["r"] * 128 == 128 * MIB


def test_every_change_is_noticed() -> None:
    """A byte anywhere, chunks left out, put in another order or added, an end that is missing."""
    content = bytes(2 * MIB + 5)
    made = seal(content, KEY.public_key())
    body = len(made) - (len(content) + 3 * 16)
    chunk = MIB + 16
    changed = [made[:at] + bytes([made[at] ^ 1]) + made[at + 1 :] for at in (0, 20, body - 1, body, body + chunk, -1)]
    first, second, last = made[body : body + chunk], made[body + chunk : body + 2 * chunk], made[body + 2 * chunk :]
    head = made[:body]
    changed += [head + second + first + last, head + first + last, head + first + second, made + b"x", made + last]
    changed += [made[:-1], head + first, head, made[:10], b""]
    for each in changed:
        assert code(each) in {"backup_locked", "backup_damaged", "backup_unreadable"}


def test_another_key_opens_nothing() -> None:
    """Nor does a file that is none, or of a form that is not known."""
    made = seal(b"content", KEY.public_key())
    assert code(made, X25519PrivateKey.generate()) == "backup_locked"
    assert code(b"something else altogether, and longer") == "backup_unreadable"
    assert code(made.replace(b'"form":1', b'"form":2')) == "backup_unreadable"


def test_a_header_cannot_ask_for_all_memory() -> None:
    """Its numbers have bounds."""
    header = b'{"form":1,"scrypt":{"n":1073741824,"p":1,"r":8,"salt":"AAAA"}}'
    made = b"kazasu backup\n" + len(header).to_bytes(4, "big") + header + bytes(32)
    assert code(made, Passphrase("whatever it is")) == "backup_unreadable"


def test_keys_are_read_from_pem(tmp_path: Path) -> None:
    """What is no such key is said."""
    public, private = tmp_path / "public.pem", tmp_path / "private.pem"
    public.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    private.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert opened(seal(b"content", read_public_key(public)), read_private_key(private)) == b"content"
    for read, path in ((read_public_key, private), (read_private_key, public), (read_private_key, tmp_path / "none")):
        with pytest.raises(BackupError, match="backup_key_wrong"):
            read(path)
