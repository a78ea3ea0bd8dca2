"""The terminal's Ed25519 key: made once, kept in a file that its owner alone may read."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from config.files import write_whole


def load_key(path: Path) -> Ed25519PrivateKey:
    """Return the key in a PKCS#8 PEM file; raise OSError or ValueError where there is none that is of use."""
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path.name} holds no Ed25519 key")  # noqa: TRY004  # what the loader raises for all else
    return key


def load_or_make_key(path: Path) -> Ed25519PrivateKey:
    """Return the key in a file, made there first where there is none."""
    if path.exists():
        return load_key(path)
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    # Whole or not at all: a key that was half written would lock the terminal out of its ledger.
    write_whole(path, pem)
    return key
