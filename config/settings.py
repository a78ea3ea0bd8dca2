"""The settings file: TOML that people write, checked so that a mistake is named by its line and key."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, ValidationError, WithJsonSchema

from config.errors import SettingsError as SettingsError
from config.lines import line_of, line_of_error
from config.texts import DEFAULT, LANGUAGES


def _language(lang: str) -> str:
    if lang not in LANGUAGES:
        raise ValueError(f"it should be {' or '.join(map(repr, LANGUAGES))}")
    return lang


Language = Annotated[str, AfterValidator(_language), WithJsonSchema({"enum": LANGUAGES})]
"""A language that has texts."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ScreenSettings(_Table):
    """How the screens look and sound."""

    language: Language = DEFAULT
    """A language that has texts; F9 changes it at the counter."""
    theme: Literal["dark", "light"] = "dark"
    """White on black, or black on white."""
    borders: Literal["lines", "ascii"] = "lines"
    """`ascii` for consoles that draw line characters two cells wide."""
    motion: bool = True
    """Whether what waits for a card moves."""
    sound: bool = True
    """Whether a verdict is heard."""


class CounterSettings(_Table):
    """How the counter works."""

    clerk: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,16}$")] = "1"
    """Who is at the counter until somebody else says so."""
    day_starts_at: Annotated[int, Field(strict=True, ge=0, le=12)] | None = None
    """Of no effect since 0.2: the hour at which a shop's day begins is the ledger's word; `doctor` says so."""
    tap_seconds: Annotated[int, Field(strict=True, ge=5, le=300)] = 60
    """How long the counter waits for a card before it goes back."""


class OwnerSettings(_Table):
    """What is the owner's alone."""

    code: Annotated[str, Field(pattern=r"^([0-9]{4,8})?$")] = ""
    """Digits that the owner's screen asks for, and the counter for what is the owner's: a return, a void of what
    another clerk did, a large award. Where it is empty, anybody at the counter may do all of it."""
    award_above: Annotated[int, Field(strict=True, ge=0, le=9_999_999)] | None = None
    """Points without a bill above which an award needs the code, too; without it, none does."""
    close_at: Annotated[str, Field(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9])?$", examples=["21:30"])] = ""
    """Japan's time at which the day is closed by itself, where anything was done; empty for by hand alone."""


class ReaderSettings(_Table):
    """Which reader to use."""

    name: Annotated[str, Field(examples=["RC-S300"])] = ""
    """Part of a PC/SC reader's name; empty for whichever has a card."""


_Hour = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""An hour and minute, 00:00 to 23:59."""


class PrinterSettings(_Table):
    """What slips and reports are printed on."""

    kind: Literal["none", "network", "usb", "serial", "file", "pdf"] = "none"
    """How the receipt printer is reached; `pdf` writes pages into a folder, for a printer of any other kind."""
    address: Annotated[str, Field(max_length=200, examples=["192.168.1.50"])] = ""
    """Where: host or host:port; usb vendor:product as in 04b8:0202; /dev/ttyUSB0 or COM3; /dev/usb/lp0; a folder."""
    paper: Literal[58, 80] = 80
    """The paper's width in millimetres."""
    japanese: bool = True
    """Whether the printer knows Japanese (Shift_JIS in Kanji mode); otherwise it gets ASCII, and ? for the rest."""
    when: Literal["asked", "always"] = "asked"
    """`always` prints the slip of every operation; otherwise P does."""


class SlipSettings(_Table):
    """What stands on the shop's slips beside the operation."""

    invoice_number: Annotated[str, Field(pattern=r"^(T[0-9]{13})?$", examples=["T1234567890123"])] = ""
    """The shop's number as a qualified invoice issuer (登録番号)."""
    tax_percent: Literal[8, 10] | None = None
    """The consumption tax that every bill includes; 8 is the reduced rate, and marked. Without it, no tax is stated."""
    goods: Annotated[str, Field(max_length=40, examples=["お食事代"])] = ""
    """What is sold, in a word; a qualified simplified invoice names it."""


class LedgerSettings(_Table):
    """How the ledger is reached."""

    url: Annotated[HttpUrl | None, Field(examples=["https://ledger.example.jp"])] = None
    """Another ledger than the one that enrolled this terminal."""
    plain_http: bool = False
    """Speak to the ledger without TLS where somebody could stand in between; the screen says so all the time."""
    mode: Literal["realtime", "day_end"] = "realtime"
    """`day_end` where the line is only there now and then: asked for at `send_at` and when the day is closed."""
    send_at: Annotated[tuple[_Hour, ...], Field(max_length=24, examples=[["13:00", "21:30"]])] = ()
    """Hours of Japan's time at which `day_end` sends; without any, only the close does."""
    wait_seconds: Annotated[float, Field(ge=1, le=60)] = 5.0
    """How long a resident waits for a verdict before the outcome is shown as unknown."""


class Settings(_Table):
    """All that the operator may set; every key has a default."""

    screen: ScreenSettings = ScreenSettings()
    counter: CounterSettings = CounterSettings()
    owner: OwnerSettings = OwnerSettings()
    reader: ReaderSettings = ReaderSettings()
    printer: PrinterSettings = PrinterSettings()
    slip: SlipSettings = SlipSettings()
    ledger: LedgerSettings = LedgerSettings()


def load_settings(path: Path) -> Settings:
    """Return the settings of a file, all defaults where there is none; raise SettingsError for the first mistake."""
    try:
        text = path.read_bytes().decode("utf-8-sig")  # some editors begin a file with a byte order mark
    except (FileNotFoundError, NotADirectoryError):
        return Settings()
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        raise SettingsError(path, before.count(b"\n") + 1, "UTF-8", "the file is in another encoding") from None
    try:
        return Settings.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(path, line_of_error(error, text), "TOML", str(error)) from None
    except ValidationError as invalid:
        first = invalid.errors(include_url=False)[0]
        keys = [str(part) for part in first["loc"]]
        raise SettingsError(path, line_of(text, keys), ".".join(keys), _reason(first, keys)) from None


def _reason(error: Any, keys: list[str]) -> str:
    if error["type"] != "extra_forbidden":
        return str(error["msg"])
    table = Settings.model_fields[keys[0]].default if len(keys) > 1 else Settings()
    return f"no such key; there are: {', '.join(type(table).model_fields)}"
