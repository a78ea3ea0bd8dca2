"""`kazasu card`: one tap, read and printed, with what it cost."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from config import settings as settings_file
from config.errors import CommandFailed
from config.faults import fault_of
from config.output import answer, say, tell
from config.texts import Texts
from config.trust import Anchors
from reader import plans
from reader.connection import Meter
from reader.errors import ReaderError, japanese_day
from reader.jpki import JpkiSession
from reader.pcsc import PcscSource
from reader.plans import WholeReading
from reader.practice import PracticeSource
from reader.source import CardSource, wait_for_card
from reader.tap import Tap
from reader.virtual.authority import TEST_CA
from reader.virtual.cards import DESIGNS
from terminal.cli.context import AsJson, Exit, Globals, given, sentences
from terminal.counter.facts import Fault

EXAMPLE = "Example: kazasu card --json --full --trust-ca test-ca.pem"


@dataclass
class CardReport:
    """What was learned of a card so far, so that a failure shows what came before it."""

    tap: Tap | None = None
    whole: WholeReading | None = None
    trusted: bool | None = None
    meter: Meter | None = None
    elapsed_ms: int | None = None
    fault: Fault | None = None


def command(
    context: typer.Context,
    as_json: AsJson = False,
    full: Annotated[bool, typer.Option(help="Read the whole certificate and the token, and check them.")] = False,
    trust_ca: Annotated[list[Path] | None, typer.Option(help="Check, and trust this authority (PEM) too.")] = None,
    timeout: Annotated[float, typer.Option(min=0.1, max=3600, help="Seconds to wait for a tap.")] = 30.0,
    card: Annotated[str | None, typer.Option(help="Tap this virtual card, where there is no reader.")] = None,
) -> None:
    """Read one card: who issued its certificate, its serial number and validity; no PIN is needed."""
    chosen = given(context)
    anchors = Anchors.load(chosen.home.anchors, *(trust_ca or ()))
    reading = CardReport()
    try:
        if card is None:
            source = _reader(chosen, timeout)
        else:
            source, anchors = _virtual(card, anchors)
        _read(reading, source, anchors if full or trust_ca else None)
    except ReaderError as error:
        reading.fault = fault_of(error)
    if as_json:
        answer(_as_json(reading, chosen.texts, with_hash=full))
    else:
        _show(reading, chosen.texts)
    raise typer.Exit(Exit.FAILED if reading.fault else Exit.ACCEPTED)


def _reader(chosen: Globals, timeout: float) -> CardSource:
    """Return the reader when there is a card on it, and say meanwhile what to do."""
    source = PcscSource(settings_file.load_settings(chosen.home.settings).reader.name)
    wait_for_card(source, timeout, lambda lacking: say(chosen.texts.refusal(lacking.code).todo))
    return source


def _virtual(name: str, anchors: Anchors) -> tuple[CardSource, Anchors]:
    """Return a source with a virtual card on it, and the anchors with the authority that issued such cards."""
    if name not in DESIGNS:
        raise CommandFailed("practice_card_unknown", Exit.USAGE, card=name, cards=", ".join(DESIGNS))
    source = PracticeSource({name: DESIGNS[name].make()})
    source.tap(name)
    return source, anchors.with_certificates([TEST_CA.certificate])


def _read(reading: CardReport, source: CardSource, anchors: Anchors | None) -> None:
    """Read the head, or with anchors the whole, and check what was read; raise ReaderError."""
    began = time.monotonic()
    now = datetime.now(UTC)
    try:
        with source.connect() as connection:
            reading.meter = Meter(connection)
            session = JpkiSession(reading.meter)
            if anchors is None:
                reading.tap = plans.head(session)
                reading.tap.token.check_validity(now)
                return
            whole = plans.full(session)
            reading.whole, reading.tap, reading.trusted = whole, whole.tap, False
            plans.check_certificate(session, whole.certificate, anchors, now)
            reading.trusted = True
    finally:
        reading.elapsed_ms = round(1000 * (time.monotonic() - began))


def _as_json(reading: CardReport, texts: Texts, *, with_hash: bool) -> dict[str, Any]:
    head, whole, meter, fault = reading.tap and reading.tap.token.head, reading.whole, reading.meter, reading.fault
    return {
        "token": whole and whole.model,
        "issuer": head and head.issuer_text,
        "serial": head and head.serial_hex,
        "not_before": head and head.not_before.isoformat(),
        "not_after": head and head.not_after.isoformat(),
        "trusted": reading.trusted,
        "certificate_sha256": whole.certificate.sha256 if whole and with_hash else None,
        "apdu_count": meter and meter.apdu_count,
        "bytes_read": meter and meter.bytes_read,
        "elapsed_ms": reading.elapsed_ms,
        **({"error": fault.code, "message": sentences(texts, fault)} if fault else {}),
    }


def _show(reading: CardReport, texts: Texts) -> None:
    """Print what was read for people: what went wrong first, then the details."""
    if reading.fault is not None:
        say(f"{sentences(texts, reading.fault)}\n({reading.fault.code})")
    if reading.tap is None or reading.meter is None:
        return
    head, meter = reading.tap.token.head, reading.meter
    trust = {None: "card-not-checked", True: "card-trusted", False: "card-not-trusted"}[reading.trusted]
    cost = {"count": meter.apdu_count, "bytes": meter.bytes_read, "milliseconds": reading.elapsed_ms or 0}
    lines = {
        "card-token": reading.whole and reading.whole.model,
        "card-issuer": head.issuer_text,
        "card-serial": head.serial_hex,
        "card-validity": texts("card-from-to", begins=japanese_day(head.not_before), ends=japanese_day(head.not_after)),
        "card-trust": texts(trust),
        "card-cost": texts("card-exchanges", **cost),
    }
    for key, value in lines.items():
        if value is not None:
            tell(f"{texts(key)}  {value}")
