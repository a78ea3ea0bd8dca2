"""Printing: what a receipt printer gets, that nothing written steers it, and that no printer holds up anybody."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from config.settings import PrinterSettings, SlipSettings
from config.texts import Texts
from terminal.cli import main
from terminal.shell.words import Words
from terminal.shop.printing import (
    HANGS_AFTER,
    PrinterAway,
    PrinterNoPaper,
    PrinterSilent,
    PrinterUnset,
    Printing,
    ReceiptPrinter,
    Sheet,
)
from terminal.slips import pdf
from terminal.slips.escpos import CODEC, FEED_AND_CUT, KANJI, RESET, as_escpos, encoded
from terminal.slips.operation import Settled, slip
from terminal.slips.pdf import as_pdf, font
from terminal.slips.qr import dots
from terminal.slips.rows import Emphasis, QrCode, Row, Rule
from terminal.slips.tax import included
from tests.terminal.test_slips import SALE, verdict

SHEET = Sheet(
    "252034-0001-01-000042", (Row("会計金額", "1,200 円"), Rule(), Row("お支払額", "380 円", Emphasis.STRONG))
)


# What is sent ---------------------------------------------------------------------------------------------------


def test_a_slip_is_set_in_kanji_mode_and_cut() -> None:
    """Reset, Kanji mode in Shift_JIS, the lines, bold where it is due, feed and cut: as bytes that stay."""
    assert as_escpos(SHEET.rows, 32, japanese=True) == (
        RESET
        + KANJI
        + "会計金額                1,200 円\n".encode(CODEC)
        + b"-" * 32
        + b"\n\x1bE\x01"
        + "お支払額                  380 円\n".encode(CODEC)
        + b"\x1bE\x00"
        + FEED_AND_CUT
    )
    assert as_escpos(SHEET.rows[:1], 32, japanese=False) == RESET + b"????????                1,200 ??\n" + FEED_AND_CUT


@given(st.text(), st.booleans())
def test_no_text_steers_the_printer(text: str, japanese: bool) -> None:
    """Whatever somebody is called: no byte of it begins a command, and it is as wide as it was reckoned."""
    sent = encoded(text, japanese=japanese)
    assert not re.search(rb"[\x00-\x1f\x7f]", sent)
    if japanese:
        assert len(sent) == cell_len(sent.decode(CODEC))


def test_a_name_that_holds_commands_prints_none() -> None:
    """A cut, a drawer kick and a Kanji-mode end in a shop's name are question marks on paper."""
    rows = (Row("\x1bp\x00\x19\xfa見本\x1d\x56\x00\x1c."), Row("−820 P"))
    sent = as_escpos(rows, 48, japanese=True).removeprefix(RESET + KANJI).removesuffix(FEED_AND_CUT)
    assert sent == "?p??u見本?V??.\n-820 P\n".encode(CODEC)


def test_the_code_is_a_picture_of_what_the_counter_reads() -> None:
    """Dots are squares, with the three corners of a QR code; the same text is the same picture."""
    text = "KZ1:252034-0001-01-000042:7f3a91c2"
    matrix = dots(text)
    assert len(matrix) == len(matrix[0]) >= 21
    assert matrix[0][:8] == [True] * 7 + [False]
    assert b"\x1dv0\x00" in as_escpos((QrCode(text),), 48, japanese=True)


def test_an_invoice_states_its_tax_before_the_points() -> None:
    """Number, goods with the mark, total by rate, tax, then what points paid; without settings nothing of it."""
    settled = Settled("252034-0001-01-000042", "7f3a 91c2", "2026-11-23T14:05:00+09:00", SALE, verdict(820, 3))
    words = Words(Texts("ja"))
    tax = SlipSettings(invoice_number="T1234567890123", tax_percent=8, goods="お菓子")
    rows = [(row.label.strip(), row.value) for row in slip(settled, words, shop="", tax=tax) if isinstance(row, Row)]
    names = ["お菓子 ※", "会計金額", "8%対象 ※", "うち消費税等", "ポイント利用", "お支払額"]
    places = [[name for name, _ in rows].index(name) for name in names]
    assert places == sorted(places)
    assert dict(rows)["うち消費税等"] == "88 円"
    assert dict(rows)["登録番号"] == "T1234567890123"
    plain = [row.label for row in slip(settled, words, shop="") if isinstance(row, Row)]
    assert not any("税" in label for label in plain)
    assert [included(1100, 10), included(108, 8), included(1, 10)] == [100, 8, 0]


def test_a_slip_is_a_page_with_its_letters_in_it() -> None:
    """A PDF with a font embedded; what it takes is small."""
    try:
        font()
    except Exception:  # noqa: BLE001
        pytest.skip("no Japanese font is here: Debian has fonts-vlgothic")
    page = as_pdf((*SHEET.rows, QrCode("KZ1:252034-0001-01-000042:7f3a91c2")), 80)
    assert page.startswith(b"%PDF-")
    assert b"/FontFile2" in page
    assert len(page) < 30_000


def test_a_page_needs_a_japanese_font(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one it is said which package has it, and nothing is written."""
    monkeypatch.setattr(pdf, "FONTS", ())
    with pytest.raises(pdf.FontMissing):
        as_pdf(SHEET.rows, 80)


# Printers -------------------------------------------------------------------------------------------------------


@contextmanager
def printer(answer: bytes | None, *, silent_after: int = 9) -> Iterator[tuple[PrinterSettings, bytearray]]:
    """Yield a network printer: it answers questions about paper so often, or takes connections and does nothing."""
    got, door = bytearray(), socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        left = silent_after
        while True:
            try:
                line, _ = door.accept()
            except OSError:
                return
            with line:
                while data := line.recv(4096):
                    got.extend(data)
                    if answer is not None and data.endswith(b"\x10\x04\x04") and left:
                        left -= 1
                        line.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield PrinterSettings(kind="network", address=f"127.0.0.1:{door.getsockname()[1]}"), got
    finally:
        door.shutdown(socket.SHUT_RDWR)
        door.close()
        thread.join()


def test_a_network_printer_gets_the_slip_in_one_piece() -> None:
    """With paper, it is asked before and after; what it gets between is the slip, whole."""
    with printer(b"\x12") as (settings, got):
        ReceiptPrinter(settings).send(SHEET)
    assert bytes(got) == b"\x10\x04\x04" + as_escpos(SHEET.rows, 48, japanese=True) + b"\x10\x04\x04"


def test_without_paper_nothing_is_sent() -> None:
    """The printer says so beforehand: the slip is not half there."""
    with printer(b"\x72") as (settings, got), pytest.raises(PrinterNoPaper):
        ReceiptPrinter(settings).send(SHEET)
    assert bytes(got) == b"\x10\x04\x04"


def test_a_printer_that_falls_silent_is_said_to_have() -> None:
    """It answered before and not afterwards: perhaps it printed, and the next try is a copy."""
    with printer(b"\x12", silent_after=1) as (settings, _):
        printing = Printing(settings)
        with pytest.raises(PrinterSilent):
            printing.print(SHEET).result(timeout=9)
        assert printing.was_printed(SHEET.name)


@pytest.mark.parametrize(
    "settings",
    [
        PrinterSettings(kind="network", address="127.0.0.1:1"),
        PrinterSettings(kind="network", address="no address"),
        PrinterSettings(kind="usb", address="ffff:fffe"),
        PrinterSettings(kind="usb", address="rubbish"),
        PrinterSettings(kind="serial", address="/dev/no-such-line"),
        PrinterSettings(kind="file", address="/no/such/folder/lp0"),
        PrinterSettings(kind="pdf", address="/proc/no/folder"),
    ],
    ids=lambda settings: f"{settings.kind} {settings.address}",
)
def test_an_unplugged_printer_is_away(settings: PrinterSettings) -> None:
    """Whatever it is: one error, and the slip is no copy afterwards, for nothing came out."""
    printing = Printing(settings)
    with pytest.raises(PrinterAway):
        printing.print(SHEET).result(timeout=9)
    assert not printing.was_printed(SHEET.name)


def test_a_file_gets_the_bytes(tmp_path: Path) -> None:
    """As /dev/usb/lp0 does."""
    file = tmp_path / "lp0"
    file.touch()
    Printing(PrinterSettings(kind="file", address=str(file), paper=58)).print(SHEET).result(timeout=9)
    assert file.read_bytes() == as_escpos(SHEET.rows, 32, japanese=True)


class Hanging:
    """A printer that takes a slip and does not come back until it is let go."""

    def __init__(self) -> None:
        self.began, self.go = threading.Event(), threading.Event()
        self.printed: list[str] = []

    def send(self, sheet: Sheet) -> None:
        """Take it, and wait."""
        self.began.set()
        self.go.wait()
        self.printed.append(sheet.name)


def test_a_printer_that_hangs_holds_up_nobody() -> None:
    """Slips are put behind it for some seconds, then refused at once; one that was given up never comes out."""
    now, device = [0.0], Hanging()
    printing = Printing(PrinterSettings(kind="network"), device, clock=lambda: now[0])
    first = printing.print(Sheet("first", ()))
    device.began.wait()
    waiting, given_up = printing.print(Sheet("second", ())), printing.print(Sheet("third", ()))
    printing.give_up(given_up)
    now[0] = HANGS_AFTER + 1
    with pytest.raises(PrinterSilent):
        printing.print(Sheet("fourth", ())).result(timeout=0)
    device.go.set()
    for job in (first, waiting):
        job.result(timeout=9)
    assert device.printed == ["first", "second"]


def test_without_a_printer_it_is_said() -> None:
    """And no thread is started."""
    job: Future[None] = Printing(PrinterSettings()).print(SHEET)
    with pytest.raises(PrinterUnset):
        job.result(timeout=0)


# From the command line ------------------------------------------------------------------------------------------


def test_a_slip_is_printed_and_verified_from_the_shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`slip --print` sends it, marked as a copy; `verify` finds what its code says in journal and export."""
    home, paper = ["--home", str(tmp_path), "--lang", "ja"], tmp_path / "lp0"
    paper.touch()
    (tmp_path / "settings.toml").write_text(f"[printer]\nkind = 'file'\naddress = '{paper}'\n", encoding="utf-8")
    assert main([*home, "op", "sale", "--bill", "1200", "--card", "two-towns", "--json"]) == 0
    sold = json.loads(capsys.readouterr().out)["operation_id"]
    assert main([*home, "slip", "1200", "--print", "--json"]) == 0
    lines = json.loads(capsys.readouterr().out)["lines"]
    assert "再印字".encode(CODEC) in paper.read_bytes()
    code = next(line for line in lines if line.startswith("KZ1:"))
    assert code.split(":")[1] == sold
    assert main([*home, "verify", code, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "sale"
    assert main([*home, "queue", "export"]) == 0
    export = tmp_path / "journal.jsonl"
    export.write_text(capsys.readouterr().out, encoding="utf-8")
    assert main([*home, "verify", str(export), "--slip", code]) == 0
    for wrong in (f"{code[:-8]}00000000", code.replace(sold, f"{sold[:-6]}000999")):
        assert main([*home, "verify", wrong]) == 1
        assert main([*home, "verify", str(export), "--slip", wrong]) == 1
    assert main([*home, "slip"]) == 2
