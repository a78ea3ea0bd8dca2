"""Exchanges and bytes of each way to read a card, and of OpenSC's, on one virtual card over the real PC/SC service."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import hold
from reader import plans
from reader.connection import Meter
from reader.jpki import JpkiSession
from reader.pcsc import PcscSource
from reader.tap import Tap
from reader.virtual.cards import DESIGNS, PRACTICE_PIN
from tests.pcsc import missing, running

CARD = DESIGNS["normal"]


def main() -> None:
    """Print the table; raise Missed where a plan takes more exchanges than was promised."""
    lacking = missing() or (None if shutil.which("pkcs15-tool") else "needs OpenSC")
    if lacking is not None:
        print(f"not measured: {lacking}")
        return
    length = len(CARD.certificate)
    ours: dict[str, tuple[Callable[[JpkiSession], object], int]] = {
        "head": (plans.head, 2),
        "proven": (plans.proven, 3),
        "known": (plans.known, 3),
        "proven + tries + sign, powered throughout": (partial(_sale, plans.proven), 6),
        "known + tries + sign, powered throughout": (partial(_sale, plans.known), 6),
        f"full ({length} bytes)": (plans.full, 4 + -(-length // 256)),
    }
    over: list[str] = []
    card = CARD.make()
    meter = Meter(card)
    row = "{:<42} {:>9} {:>8} {:>10} {:>14}".format
    print(row("", "exchanges", "promised", "bytes sent", "bytes received"))
    with running() as service, service.inserted(card, meter), tempfile.TemporaryDirectory() as directory:
        for name, (plan, promised) in ours.items():
            exchanges, sent, received = _cost(meter, partial(_read, plan))
            print(row(name, exchanges, promised, sent, received))
            over += [f"{name}: at most {promised} exchanges"] * (exchanges > promised)
        exchanges, sent, received = _cost(meter, _sale_in_power_ups)
        print(row("proven, tries, sign, a power-up each", exchanges, 11, sent, received))
        over += ["a sale with PIN: at most 11 exchanges"] * (exchanges > 11)
        for command in _opensc(Path(directory)):
            cost = _cost(meter, partial(_run, command))
            print(row(" ".join(command[:2]), cost[0], "", *cost[1:]))
    print("OpenSC finds out anew, each time a command starts, what card there is; that is counted, as it is for us.")
    hold("; ".join(over), not over)


def _cost(meter: Meter, read: Callable[[], object]) -> tuple[int, int, int]:
    """Return the exchanges, bytes sent and bytes received that a reading took, as the card itself counts them."""
    before = (meter.apdu_count, meter.bytes_sent, meter.bytes_read)
    read()
    after = (meter.apdu_count, meter.bytes_sent, meter.bytes_read)
    return after[0] - before[0], after[1] - before[1], after[2] - before[2]


def _read(plan: Callable[[JpkiSession], object]) -> None:
    with PcscSource().connect() as connection:
        plan(JpkiSession(connection))


def _sale(tapped: Callable[[JpkiSession], Tap], session: JpkiSession) -> None:
    tap = tapped(session)
    plans.tries(session, tap)
    plans.sign_with_card(session, tap, bytearray(PRACTICE_PIN), bytes(32))


def _sale_in_power_ups() -> None:
    with PcscSource().connect() as connection:
        tap = plans.proven(JpkiSession(connection))
    with PcscSource().connect() as connection:
        plans.tries(JpkiSession(connection), tap)
    with PcscSource().connect() as connection:
        plans.sign_with_card(JpkiSession(connection), tap, bytearray(PRACTICE_PIN), bytes(32))


def _opensc(directory: Path) -> list[list[str]]:
    message = directory / "message"
    message.write_bytes(b"one coffee, 1,200 yen")
    files = ["--input-file", str(message), "--output-file", str(directory / "signature")]
    sign = ["pkcs11-tool", "--sign", "--id", "01", "--mechanism", "SHA256-RSA-PKCS", "--login", "--pin"]
    return [["pkcs15-tool", "--read-certificate", "1"], [*sign, PRACTICE_PIN.decode(), *files]]


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60)
