"""`kazasu card` and `kazasu virtual-card`, with virtual cards alone and together over the real PC/SC service."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reader.virtual.authority import OTHER_CA, TEST_CA
from reader.virtual.cards import DESIGNS, PRACTICE
from terminal.cli import main
from tests.pcsc import PcscService, until

FIELDS = {
    "token",
    "issuer",
    "serial",
    "not_before",
    "not_after",
    "trusted",
    "certificate_sha256",
    "apdu_count",
    "bytes_read",
    "elapsed_ms",
}
KAZASU = (sys.executable, "-m", "terminal")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAZASU_HOME", str(tmp_path / "home"))


def _card(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any]]:
    code = main(["card", "--json", *options])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", [*PRACTICE, "normal", "next-generation"])
def test_one_tap_is_two_exchanges(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The head is all that is read, and what was not is null; a PIN that is blocked or a key of P-384 do not matter."""
    code, said = _card(capsys, "--card", name)
    assert said.keys() - {"error", "message"} == FIELDS
    assert (said["apdu_count"], said["serial"]) == (2, f"{DESIGNS[name].serial:x}")
    assert said["token"] is said["trusted"] is said["certificate_sha256"] is None
    assert (code, said.get("error")) == ((1, "certificate_expired") if name == "expired" else (0, None))


def test_the_whole_certificate_is_read_and_checked(capsys: pytest.CaptureFixture[str]) -> None:
    """With --full, or an authority to trust, the chain is checked; only --full shows the fingerprint."""
    code, said = _card(capsys, "--card", "visitor", "--full")
    assert (code, said["trusted"], said["token"]) == (0, True, "JPKIAPICCTOKEN2")
    assert said["apdu_count"] == 2 + -(-len(DESIGNS["visitor"].certificate) // 256)
    assert len(said["certificate_sha256"]) == 64


@pytest.mark.parametrize(
    ("name", "error", "trusted"),
    [
        ("expired", "certificate_expired", False),
        ("not-yet-valid", "certificate_not_yet_valid", False),
        ("wrong-authority", "wrong_issuer", False),
        ("smartphone", "smartphone_needs_pin", None),
        ("other-card", "not_my_number_card", None),
    ],
)
def test_a_card_that_is_not_accepted_says_why(
    name: str, error: str, *, trusted: bool | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Error, message, and whatever was learned before it; exit 1."""
    code, said = _card(capsys, "--card", name, "--full")
    assert (code, said["error"], said["trusted"]) == (1, error, trusted)
    assert said["message"]


def test_an_authority_that_was_named_is_trusted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--trust-ca adds to the anchors for this once; what is no certificate is refused by name."""
    ca, broken = tmp_path / "ca.pem", tmp_path / "broken.pem"
    ca.write_bytes(OTHER_CA.pem)
    code, said = _card(capsys, "--card", "wrong-authority", "--trust-ca", str(ca))
    assert (code, said["trusted"], said["certificate_sha256"]) == (0, True, None)
    broken.write_bytes(b"no certificate")
    assert _card(capsys, "--card", "visitor", "--trust-ca", str(broken))[1]["error"] == "anchor_invalid"


@pytest.mark.parametrize(("lang", "word"), [("ja", "有効期間"), ("en", "Validity")])
def test_people_read_it_in_their_language(lang: str, word: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --json it is a few lines."""
    assert main(["--lang", lang, "card", "--card", "visitor"]) == 0
    assert word in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["card", "--card", "no-such"],
        ["card", "--timeout", "0"],
        ["virtual-card", "--profile", "no-such"],
        ["virtual-card", "--vpcd", "nowhere"],
        ["virtual-card", "--vpcd", "host:99999"],
    ],
)
def test_misuse_is_told_apart(words: list[str]) -> None:
    """Exit 2 for what cannot be meant."""
    assert main(words) == 2


def test_without_a_virtual_reader_the_virtual_card_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing listens at that port."""
    assert main(["virtual-card", "--vpcd", "127.0.0.1:1"]) == 1
    assert "vpcd_unreachable" in capsys.readouterr().err


@contextmanager
def _virtual_card(*options: str | Path) -> Iterator[None]:
    with subprocess.Popen([*KAZASU, "virtual-card", *options], stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
    assert process.returncode == 0


def test_both_commands_meet_over_the_real_service(pcsc: PcscService, tmp_path: Path) -> None:
    """A card is held over the virtual reader in one process, and read by two taps in another; Ctrl-C takes it away."""
    ca = tmp_path / "ca.pem"
    with _virtual_card("--write-ca", ca, "--insert-after", "0.3"):
        until(lambda: ca.exists() and ca.read_bytes() == TEST_CA.pem)
        for options, exchanges in ((("--full", "--trust-ca", ca), 8), ((), 2)):
            done = subprocess.run([*KAZASU, "card", "--json", *options], capture_output=True, check=True, timeout=60)
            said = json.loads(done.stdout)
            assert (said["apdu_count"], said["serial"]) == (exchanges, f"{DESIGNS['normal'].serial:x}")
    assert main(["card", "--json", "--timeout", "0.1"]) == 1
