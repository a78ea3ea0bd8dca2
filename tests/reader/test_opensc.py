"""OpenSC takes the virtual card for a My Number card: it names it, reads its certificate, and has it sign."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate

from reader.virtual.cards import DESIGNS
from tests.pcsc import PcscService

NORMAL = DESIGNS["normal"]


def _run(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


@pytest.fixture(scope="module")
def inserted(pcsc: PcscService) -> Iterator[None]:
    """Keep an ordinary card in the reader."""
    if shutil.which("opensc-tool") is None:
        pytest.skip("needs OpenSC, which `./kazasu test` installs on Debian")
    with pcsc.inserted(NORMAL.make()):
        yield


def test_the_card_is_known_by_name(inserted: None) -> None:
    """OpenSC's own driver for My Number cards claims it."""
    assert _run("opensc-tool", "--name").strip() == "jpki"


def test_its_certificate_is_read(inserted: None) -> None:
    """The user-authentication certificate is OpenSC's number 1."""
    pem = _run("pkcs15-tool", "--read-certificate", "1")
    assert load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER) == NORMAL.certificate


def test_it_signs_what_openssl_verifies(inserted: None, tmp_path: Path) -> None:
    """A signature made through PKCS#11 after the PIN verifies under the certificate's key."""
    message, signature, key = tmp_path / "message", tmp_path / "signature", tmp_path / "key.pem"
    message.write_text("one coffee, 1,200 yen")
    sign = ("pkcs11-tool", "--login", "--pin", "1234", "--sign", "--id", "01", "--mechanism", "SHA256-RSA-PKCS")
    _run(*sign, "--input-file", message, "--output-file", signature)
    certificate = tmp_path / "certificate.pem"
    certificate.write_text(_run("pkcs15-tool", "--read-certificate", "1"))
    key.write_text(_run("openssl", "x509", "-in", certificate, "-noout", "-pubkey"))
    assert _run("openssl", "dgst", "-sha256", "-verify", key, "-signature", signature, message) == "Verified OK\n"


def test_a_wrong_pin_is_refused_and_counted(inserted: None) -> None:
    """OpenSC hears of the tries left."""
    wrong = subprocess.run(
        ("pkcs15-tool", "--verify-pin", "--auth-id", "1", "--pin", "9999"), capture_output=True, text=True, timeout=30
    )
    assert wrong.returncode
    assert "2" in _run("pkcs15-tool", "--list-pins").split("Tries left")[1].splitlines()[0]
