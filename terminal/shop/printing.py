"""Prints slips on a thread of its own: no printer, however it hangs, holds up a sale."""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol, assert_never

from config.errors import KnownError
from config.settings import PrinterSettings
from terminal.slips.rows import SlipRow

TIMEOUT: Final = 5.0
"""Seconds for which a printer may do nothing with what it is sent."""

HANGS_AFTER: Final = 10.0
"""Seconds after which a slip is given up on: no more are put behind it."""

STATUS_SECONDS: Final = 1.0
"""Seconds for a printer to say whether it has paper; one that never says is not asked again."""

ASK_PAPER: Final = b"\x10\x04\x04"
"""DLE EOT 4: the paper sensor, in real time."""
NO_PAPER: Final = 0x60
"""The bits of its answer that say so."""

PORT: Final = 9100


class PrinterError(KnownError):
    """A slip was not printed, as far as the printer says; carries the printer's `address`.

    PrinterError
    ├── PrinterUnset    there is no printer in the settings
    ├── PrinterAway     it cannot be reached
    ├── PrinterNoPaper  it has no paper
    └── PrinterSilent   it takes nothing, or no longer says that it can: perhaps it printed
    """

    def __init__(self, address: str = "") -> None:
        super().__init__(f"{self.code}: {address}")
        self.address = address


class PrinterUnset(PrinterError):  # noqa: N818  # says what is the case
    """There is no printer in the settings."""

    code = "printer_unset"


class PrinterAway(PrinterError):  # noqa: N818  # as above
    """The printer cannot be reached: unplugged, switched off, or at another address."""

    code = "printer_away"


class PrinterNoPaper(PrinterError):  # noqa: N818  # as above
    """The printer has no paper."""

    code = "printer_no_paper"


class PrinterSilent(PrinterError):  # noqa: N818  # as above
    """The printer takes nothing, or fell silent."""

    code = "printer_silent"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is to be printed: its rows, and a name for the file that it may become."""

    name: str
    rows: tuple[SlipRow, ...]


class Device(Protocol):
    """What a slip is sent to."""

    def send(self, sheet: Sheet) -> None:
        """Print it; raise PrinterError."""
        ...


@dataclass(slots=True)
class _Job:
    sheet: Sheet
    done: Future[None]


class Printing:
    """The queue before the printer. A slip that was asked for before is a copy, which `was_printed` says."""

    def __init__(
        self,
        settings: PrinterSettings,
        device: Device | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self._device = device
        self._clock = clock
        self._jobs: deque[_Job] = deque()
        self._wake = threading.Condition()
        self._since: float | None = None
        self._printed: set[str] = set()
        self._thread: threading.Thread | None = None

    def was_printed(self, name: str) -> bool:
        """Return whether a slip may have come out since the terminal was opened."""
        return name in self._printed

    @property
    def hangs(self) -> bool:
        """Whether the printer has been at one slip for so long that no other is put behind it."""
        since = self._since
        return since is not None and self._clock() - since > HANGS_AFTER

    def print(self, sheet: Sheet) -> Future[None]:
        """Return at once; the future ends when the printer has it, or with a PrinterError."""
        job = _Job(sheet, Future())
        if self.settings.kind == "none":
            job.done.set_exception(PrinterUnset())
            return job.done
        with self._wake:
            if self.hangs:
                job.done.set_exception(PrinterSilent(self.settings.address))
                return job.done
            self._jobs.append(job)
            self._wake.notify()
            if self._thread is None:
                # A daemon: a printer that takes nothing must not keep the terminal from closing.
                self._thread = threading.Thread(target=self._run, name="printer", daemon=True)
                self._thread.start()
        return job.done

    def give_up(self, job: Future[None]) -> None:
        """Let a slip that is not yet being printed never come out: somebody was told so."""
        job.cancel()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._jobs:
                    self._wake.wait()
                job = self._jobs.popleft()
            if not job.done.set_running_or_notify_cancel():
                continue
            self._since = self._clock()
            try:
                self._send(job.sheet)
            except BaseException as error:  # noqa: BLE001  # the edge of the thread: whoever waits hears of it
                job.done.set_exception(error)
            else:
                job.done.set_result(None)
            self._since = None

    def _send(self, sheet: Sheet) -> None:
        if self._device is None:
            self._device = device_of(self.settings)
        try:
            self._device.send(sheet)
        except (PrinterAway, PrinterNoPaper):
            raise  # nothing came out
        except BaseException:
            self._printed.add(sheet.name)
            raise
        self._printed.add(sheet.name)


def device_of(settings: PrinterSettings) -> Device:
    """Return the printer of the settings."""
    if settings.kind == "pdf":
        return _Folder(Path(settings.address).expanduser(), settings.paper)
    return ReceiptPrinter(settings)


# Receipt printers -----------------------------------------------------------------------------------------------


class ReceiptPrinter:
    """A printer that speaks ESC/POS, opened for each slip: it may be unplugged and moved in between."""

    def __init__(self, settings: PrinterSettings) -> None:
        self._settings = settings
        self._says_paper = settings.kind != "file"

    def send(self, sheet: Sheet) -> None:
        """Print a slip in one piece; raise PrinterError."""
        from terminal.slips.escpos import as_escpos  # heavy, and wanted only where something is printed
        from terminal.slips.text import COLUMNS

        settings = self._settings
        written = as_escpos(sheet.rows, COLUMNS[settings.paper], japanese=settings.japanese)
        device = self._opened()
        try:
            told = self._ask_paper(device)
            if told is False:
                raise PrinterNoPaper(settings.address)
            try:
                device._raw(written)  # noqa: SLF001  # python-escpos has no other way to send finished bytes
                if told and self._ask_paper(device) is None:
                    raise PrinterSilent(settings.address)
            except (OSError, AssertionError):
                raise PrinterSilent(settings.address) from None
        finally:
            _close(device)

    def _opened(self) -> Any:
        from escpos import printer
        from escpos.exceptions import Error

        try:
            device = _device(self._settings)
            if isinstance(device, printer.Network):
                # Its own open leaves the socket of a connection that failed open.
                device.device = socket.create_connection((device.host, device.port), TIMEOUT)
            else:
                device.open()
        except (Error, OSError, RuntimeError, ValueError):
            raise PrinterAway(self._settings.address) from None
        return device

    def _ask_paper(self, device: Any) -> bool | None:
        """Return whether there is paper; None where the printer does not say, and then it is not asked again."""
        if not self._says_paper:
            return None
        try:
            _wait_no_longer_than(device, STATUS_SECONDS)
            device._raw(ASK_PAPER)  # noqa: SLF001  # as above: its own paper_status cannot tell silence from paper
            answer = bytes(device._read())  # noqa: SLF001  # as above
        except (OSError, AssertionError, NotImplementedError):
            answer = b""
        finally:
            _wait_no_longer_than(device, TIMEOUT)
        if not answer:
            self._says_paper = False
            return None
        return not answer[0] & NO_PAPER


def _device(settings: PrinterSettings) -> Any:
    """Return python-escpos's device for the settings; raise ValueError for an address that is none."""
    from escpos import printer

    match settings.kind:
        case "network":
            host, _, port = settings.address.partition(":")
            return printer.Network(host, int(port or PORT), timeout=TIMEOUT)
        case "usb":
            vendor, product = (int(part, 16) for part in settings.address.split(":"))
            return printer.Usb(vendor, product, timeout=int(TIMEOUT * 1000))
        case "serial":
            return printer.Serial(settings.address, timeout=STATUS_SECONDS)
        case "file":
            return printer.File(settings.address)
        case "none" | "pdf":
            raise ValueError(settings.kind)
        case _:
            assert_never(settings.kind)


def _wait_no_longer_than(device: Any, seconds: float) -> None:
    if hasattr(device.device, "settimeout"):  # a socket; the others have their time-out from the beginning
        device.device.settimeout(seconds)


def _close(device: Any) -> None:
    try:
        device.close()
    except (OSError, AttributeError):
        return  # it went away meanwhile: what was to be said of that was said


# Pages ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder that gets a page for each slip."""

    folder: Path
    paper: int

    def send(self, sheet: Sheet) -> None:
        """Write the page; raise PrinterError."""
        from terminal.slips.pdf import as_pdf  # heavy, as above

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            at = datetime.now().astimezone().strftime("%H%M%S")
            (self.folder / f"{sheet.name}-{at}.pdf").write_bytes(as_pdf(sheet.rows, self.paper))
        except OSError:
            raise PrinterAway(str(self.folder)) from None
