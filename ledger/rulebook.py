"""Reads programmes from a file that a municipality writes (TOML), and refuses rules that do not hold together.

Whether a rule is well formed `ledger.wire.rules` says; here is what takes the whole list of municipalities, the
programme's earlier versions and the programmes beside it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from config.lines import KeyPath, line_of, line_of_error
from config.municipalities import is_known
from config.plain import shown
from config.texts import Texts
from ledger.encodings import BOM, ENCODING_NAMES, encoding_of
from ledger.wire.rules import MAX_LISTED, RULES_GRACE, Programme, in_force
from ledger.wire.values import Message


class RulesError(Exception):
    """A rules file is refused: at this line and key, for a reason that `sentence` puts into words."""

    def __init__(self, line: int, key: str, reason: str, **args: str) -> None:
        super().__init__(f"line {line}, {key}: {reason} {args}")
        self.line = line
        self.key = key
        self.reason = reason
        self.arguments = args

    def sentence(self, texts: Texts) -> str:
        """Return the reason: the text `rules-<reason>`, or, of a name, the text `text-<fault>`."""
        key = self.reason if self.reason.startswith("text-") else f"rules-{self.reason}"
        return texts(key, **self.arguments)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What does not hold together in a programme, and under which of its keys."""

    programme: Programme
    key: str
    reason: str
    arguments: tuple[tuple[str, str], ...] = ()


class _File(Message):
    programme: Annotated[list[Programme], Field(min_length=1, max_length=MAX_LISTED)]


_SENTENCES: Final = {
    "missing": "missing",
    "union_tag_not_found": "missing",
    "extra_forbidden": "unknown-key",
    "out_of_bounds": "out-of-bounds",
    "literal_error": "one-of",
    "union_tag_invalid": "one-of",
    "too_long": "too-many",
    "too_short": "missing",
    "string_pattern_mismatch": "no-code",
    "points_or_up_to": "points-or-up-to",
    "days_with_extend": "days-with-extend",
    "converts_elsewhere": "converts-elsewhere",
}
"""What a model finds wrong, and the text `rules-<name>` that says it."""

_KINDS: Final = {"int": "number", "bool": "yes-no", "date": "day", "string": "text", "list": "list", "tuple": "list"}
"""What was expected, by the first word of the model's code."""

_INVISIBLE: Final = frozenset({"fixed_date", "days_after_award", "days_after_use", "fiscal_year_end", "[key]"})
"""Steps of a location that are the model's own and do not stand in the file."""


def _text(content: bytes) -> str:
    """Return a file's text; raise RulesError where it is not in UTF-8, naming the encoding in which it seems to be."""
    try:
        return content.decode().lstrip(BOM)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        found = encoding_of(content)
        if found is None:
            raise RulesError(line, "UTF-8", "encoding") from None
        raise RulesError(line, "UTF-8", "encoding-named", found=ENCODING_NAMES[found]) from None


def _mistaken(error: ErrorDetails) -> tuple[str, dict[str, str]]:
    """Return which text says what is wrong with a value, and what stands in it; never the library's own words."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in _SENTENCES:
        arguments = {name: str(value) for name, value in context.items()}
        allowed = re.findall(r"'([^']*)'", arguments.get("expected", arguments.get("expected_tags", "")))
        return _SENTENCES[kind], {**arguments, "allowed": ", ".join(allowed), "value": shown(str(error["input"]), 40)}
    if kind.startswith("text_"):
        return kind.replace("_", "-"), {name: str(value) for name, value in context.items()}
    return _KINDS.get(kind.partition("_")[0], "table"), {}


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Well-formed programmes, and the text in which they stood."""

    programmes: Sequence[Programme]
    text: str

    @classmethod
    def read(cls, path: Path) -> Rulebook:
        """Return the programmes of a file; raise RulesError for the first that is not well formed."""
        text = _text(path.read_bytes())
        try:
            return cls(_File.model_validate(tomllib.loads(text)).programme, text)
        except ValidationError as invalid:
            first = invalid.errors(include_url=False)[0]
            keys = [key for key in first["loc"] if key not in _INVISIBLE]
            reason, args = _mistaken(first)
            raise RulesError(line_of(text, keys), _dotted(keys), reason, **args) from None
        except (
            ValueError,
            RecursionError,
        ) as error:  # tomllib's own, and what it leaves to the interpreter
            raise RulesError(line_of_error(error, text), "TOML", "no-toml") from None

    @property
    def municipalities(self) -> set[str]:
        """Those whose programmes they are."""
        return {programme.municipality for programme in self.programmes}

    def check(self, there: Sequence[Programme]) -> None:
        """Raise RulesError for the first that does not hold together with its municipality's other programmes."""
        for mistake in mistakes(self.programmes, there):
            keys: list[KeyPath] = ["programme", self.programmes.index(mistake.programme), *mistake.key.split(".")]
            raise RulesError(line_of(self.text, keys), _dotted(keys), mistake.reason, **dict(mistake.arguments))


def mistakes(new: Sequence[Programme], there: Sequence[Programme]) -> Iterator[Mistake]:
    """Yield what does not hold together when new programmes stand beside those that are there."""
    together = [*there, *(each for each in new if each not in there)]
    for programme in new:
        yield from _places(programme)
        yield from _versions(programme, together)
        yield from _rates(programme, together)
    gaining, generous = set(gains(together)), set(gives_more_than_paid(together))
    for programme in new:
        if programme.code in gaining:
            yield Mistake(programme, "convert", "gain", (("programme", programme.code),))
        if programme.code in generous:
            yield Mistake(programme, "earning", "over-generous")


def _places(programme: Programme) -> Iterator[Mistake]:
    """Yield what names a place that there is not, or that is not the programme's to name."""
    for key, codes in (("code", [programme.municipality]), ("usable.also_in", programme.usable.also_in)):
        for code in codes:
            if not is_known(code):
                yield Mistake(programme, key, "municipality-unknown", (("code", code),))
    for shop in programme.usable.shops or ():
        if shop[:6] != programme.municipality:
            yield Mistake(programme, "usable.shops", "shop-elsewhere", (("shop", shop),))


def _versions(programme: Programme, together: Iterable[Programme]) -> Iterator[Mistake]:
    """Yield what contradicts another version: each is as it was given out, and takes effect after the one before."""
    arguments = (("programme", programme.code), ("version", str(programme.version)))
    for other in together:
        if other.code != programme.code or other == programme:
            continue
        if other.version == programme.version:
            yield Mistake(programme, "version", "version-taken", arguments)
        elif (other.version < programme.version) != (other.effective_from < programme.effective_from):
            yield Mistake(programme, "effective_from", "version-order", arguments)


def _rates(programme: Programme, together: Iterable[Programme]) -> Iterator[Mistake]:
    """Yield rules that would make paid points of a bill, or of free points."""
    charges = {each.code: each.charge for each in together}
    if programme.charge == "paid" and programme.earning is not None:
        yield Mistake(programme, "earning", "paid-earned")
    for rate in programme.convert:
        if rate.to not in charges:
            yield Mistake(programme, "convert", "programme-unknown", (("programme", rate.to),))
        elif charges[rate.to] == "paid" and programme.charge == "free":
            yield Mistake(programme, "convert", "paid-converted", (("programme", rate.to),))


def gives_more_than_paid(programmes: Sequence[Programme]) -> Iterator[str]:
    """Yield the programmes that together, on some day, give more points for a bill than it has yen."""
    for day in sorted({each.effective_from for each in programmes}):
        earning = {p.code: p.earning.yen_per_point for p in in_force(programmes, day).values() if p.earning is not None}
        for municipality in {code[:6] for code in earning}:
            of_municipality = {code: yen for code, yen in earning.items() if code[:6] == municipality}
            if sum(Fraction(1, yen) for yen in of_municipality.values()) > 1:
                yield from of_municipality


def gains(programmes: Sequence[Programme]) -> Iterator[str]:
    """Yield the programmes whose points could be converted in a circle, on some day, and be more at the end."""
    days = {each.effective_from for each in programmes}
    days |= {rate.since for each in programmes for rate in each.convert}
    for day in sorted(days):
        rates = _best_rates(day, programmes)
        yield from (code for code in rates if _gains(code, rates))


def _best_rates(day: date, programmes: Sequence[Programme]) -> dict[str, dict[str, Fraction]]:
    """Return the best rate from each programme to each other that may be used on a day."""
    best: dict[str, dict[str, Fraction]] = {}
    for programme in programmes:
        for rate in programme.convert:
            if rate.holds(rate.to, day) and _may_be_used(programme, day, programmes):
                rates = best.setdefault(programme.code, {})
                rates[rate.to] = max(rates.get(rate.to, Fraction(0)), Fraction(rate.give, rate.take))
    return best


def _gains(start: str, rates: Mapping[str, Mapping[str, Fraction]]) -> bool:
    """Return whether one point comes back as more than one: no circle is longer than there are programmes."""
    reached = {start: Fraction(1)}
    for _ in rates:
        for source, points in tuple(reached.items()):
            for target, rate in rates.get(source, {}).items():
                reached[target] = max(reached.get(target, Fraction(0)), points * rate)
        if reached[start] > 1:
            return True
    return False


def _may_be_used(programme: Programme, day: date, programmes: Iterable[Programme]) -> bool:
    """Return whether an operation of a day may be priced with this version, be it by a terminal that was offline."""
    replaced = (p.effective_from for p in programmes if p.code == programme.code and p.version > programme.version)
    return programme.effective_from <= day and all(day <= since + RULES_GRACE for since in replaced)


def _dotted(keys: Iterable[KeyPath]) -> str:
    return ".".join(str(key + 1) if isinstance(key, int) else key for key in keys)
