"""Amounts, points, names and times as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from config import municipalities
from config.faults import Fault
from config.plain import shown
from config.texts import Refusal, Texts, following
from ledger.wire.rules import AwardReason, Programme

MAX_CELLS = 80
"""How wide a name may be drawn: it was checked where it was taken in, and is again here."""

MINUS = "−"
"""The minus of screens and slips, which is no hyphen."""


def figure(number: int) -> str:
    """Return a whole number with thousands separators."""
    return f"{number:,}".replace("-", MINUS)


def yen(amount: int) -> str:
    """Return an amount of money."""
    return f"{figure(amount)} 円"


def points(amount: int) -> str:
    """Return an amount of points."""
    return f"{figure(amount)} P"


def signed_points(amount: int) -> str:
    """Return points with their sign: what leaves the resident and what comes, written alike (`−820 P`, `+6 P`)."""
    return f"+{points(amount)}" if amount > 0 else points(amount)


def clock(at: str) -> str:
    """Return the hour and minute of an ISO 8601 time."""
    return datetime.fromisoformat(at).strftime("%H:%M")


def moment(at: str) -> str:
    """Return the day, hour and minute of an ISO 8601 time."""
    return datetime.fromisoformat(at).strftime("%Y-%m-%d %H:%M")


def number_at_shop(operation_id: str) -> str:
    """Return an operation id without the shop, which is printed above it: `01-000042`."""
    return operation_id.split("-", 2)[2]


class Words:
    """The texts of one language, with the names of the programmes that this shop works with."""

    def __init__(self, texts: Texts, programmes: Mapping[str, Programme] = MappingProxyType({})) -> None:
        self.texts = texts
        self._programmes = programmes

    def __call__(self, key: str, /, **args: str | int) -> str:
        """Return one text; what changes the language bears the name of the next, in that language."""
        if key == "key-language":
            return Texts(following(self.texts.lang))("language-name")
        return self.texts(key, **args)

    def refusal(self, fault: Fault) -> Refusal:
        """Return the three sentences for a fault."""
        return self.texts.refusal(fault.code, **dict(fault.args))

    def programme(self, code: str) -> str:
        """Return the name of a programme; where this shop does not know it, the name of its town."""
        programme = self._programmes.get(code)
        if programme is None:
            return self.municipality(code[:6])
        return shown(programme.name.ja if self.texts.lang == "ja" else programme.name.en, MAX_CELLS)

    def reason(self, reason: AwardReason) -> str:
        """Return what points are given for."""
        return shown(reason.name.ja if self.texts.lang == "ja" else reason.name.en, MAX_CELLS)

    def municipality(self, code: str) -> str:
        """Return the name of a municipality."""
        return municipalities.name(code) if municipalities.is_known(code) else code
