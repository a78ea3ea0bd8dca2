"""Rules files: a mistake is named by line and field, and no rule makes points from nothing."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.texts import LANGUAGES, Texts
from ledger.rulebook import Rulebook, RulesError, gains
from ledger.wire.rules import DaysAfterAward, Name, Programme, Rate

NAME = 'name = { ja = "x", en = "x" }'
EXPIRY = 'expiry = { rule = "days_after_award", days = 365 }'


def text(code: str, *lines: str, version: int = 1, since: str = "2026-04-01") -> str:
    """Return a programme as somebody writes it: six lines, and further ones."""
    head = (f'code = "{code}"', NAME, f"version = {version}", f"effective_from = {since}", EXPIRY)
    return "\n".join(("[[programme]]", *head, *lines, ""))


def convert(to: str, take: int, give: int, since: str = "2026-04-01") -> str:
    """Return a rate as somebody writes it."""
    return f'convert = [{{ to = "{to}", take = {take}, give = {give}, since = {since} }}]'


CITY, STREET, MARKET = "252034", "252034-MIHON", "252034-ICHIBA"
PAID = 'charge = "paid"'

MISTAKES = {
    "no TOML": ("[[programme]\n", 1, "TOML", "no-toml"),
    "a field is missing": (text(CITY).replace(NAME, ""), 1, "programme.1.name", "missing"),
    "a field is mistyped": (text(CITY, "overdaft = true"), 7, "programme.1.overdaft", "unknown-key"),
    "of the second programme": (
        text(CITY) + text(STREET, "overdaft = true"),
        13,
        "programme.2.overdaft",
        "unknown-key",
    ),
    "a number is a text": (text(CITY, 'earning = { yen_per_point = "1" }'), 7, None, "number"),
    "more than a point for a yen": (text(CITY, "earning = { yen_per_point = 0 }"), 7, None, "out-of-bounds"),
    "the code's check digit": (text("252035"), 2, "programme.1.code", "municipality-unknown"),
    "accepted in no town": (text(CITY, 'usable = { also_in = ["252035"] }'), 7, None, "municipality-unknown"),
    "another town's shop": (text(CITY, 'usable = { shops = ["131164-0001"] }'), 7, None, "shop-elsewhere"),
    "to an unknown programme": (text(CITY, convert(STREET, 1, 1)), 7, "programme.1.convert", "programme-unknown"),
    "back and forth": (
        text(CITY, convert(STREET, 100, 110)) + text(STREET, convert(CITY, 1, 1)),
        7,
        "programme.1.convert",
        "gain",
    ),
    "around three": (
        text(CITY, convert(STREET, 2, 1)) + text(STREET, convert(MARKET, 1, 1)) + text(MARKET, convert(CITY, 1, 3)),
        7,
        "programme.1.convert",
        "gain",
    ),
    "by an old version while terminals may still use it": (
        text(CITY, convert(STREET, 1, 2))
        + text(STREET)
        + text(CITY, version=2, since="2026-06-01")
        + text(STREET, convert(CITY, 1, 1, "2026-06-02"), version=2, since="2026-06-02"),
        7,
        "programme.1.convert",
        "gain",
    ),
    "more points than yen, by two programmes": (
        text(CITY, "earning = { yen_per_point = 1 }") + text(STREET, "earning = { yen_per_point = 100 }"),
        7,
        "programme.1.earning",
        "over-generous",
    ),
    "paid points for nothing": (text(CITY, PAID, "earning = {}"), 8, "programme.1.earning", "paid-earned"),
    "free points become paid ones": (
        text(CITY, convert(STREET, 1, 1)) + text(STREET, PAID),
        7,
        "programme.1.convert",
        "paid-converted",
    ),
    "days beyond the calendar": (
        text(CITY).replace("days = 365", "days = 4_000_000"),
        6,
        "programme.1.expiry.days",
        "out-of-bounds",
    ),
    "years beyond the calendar": (
        text(CITY).replace(EXPIRY, 'expiry = { rule = "fiscal_year_end", years = 9000 }'),
        6,
        "programme.1.expiry.years",
        "out-of-bounds",
    ),
    "more points than a bill has yen": (
        text(CITY, "redeeming = { tap_ceiling = 10_000_000 }"),
        7,
        "programme.1.redeeming.tap_ceiling",
        "out-of-bounds",
    ),
    "a rate of billions": (text(CITY, convert(STREET, 1, 10**12)), 7, None, "out-of-bounds"),
    "from before the cards": (text(CITY, since="1999-12-31"), 5, "programme.1.effective_from", "out-of-bounds"),
    "after everybody": (
        text(CITY).replace(EXPIRY, 'expiry = { rule = "fixed_date", on = 2200-01-01 }'),
        6,
        "programme.1.expiry.on",
        "out-of-bounds",
    ),
    "a number of five thousand digits": (text(CITY, f"version = {'9' * 5_000}"), 8, "TOML", "no-toml"),
    "brackets in brackets": (f"x = {'[' * 5_000}", 1, "TOML", "no-toml"),
    "an unknown rule of expiry": (
        text(CITY).replace("days_after_award", "never"),
        6,
        "programme.1.expiry",
        "one-of",
    ),
    "no rule of expiry": (text(CITY).replace(EXPIRY, "expiry = { days = 3 }"), 6, "programme.1.expiry", "missing"),
    "a charge that there is not": (text(CITY, 'charge = "half"'), 7, "programme.1.charge", "one-of"),
    "no day": (text(CITY, since='"soon"'), 5, "programme.1.effective_from", "day"),
    "no list": (text(CITY, 'convert = "x"'), 7, "programme.1.convert", "list"),
    "no table": (text(CITY, "redeeming = 5"), 7, "programme.1.redeeming", "table"),
    "no yes or no": (text(CITY, 'overdraft = "sometimes"'), 7, "programme.1.overdraft", "yes-no"),
    "no code": (text("nagahama"), 2, "programme.1.code", "no-code"),
    "a reason in capitals": (
        text(CITY, "reasons = { Visit = { name = { ja = 'x', en = 'x' }, points = 1 } }"),
        7,
        "programme.1.reasons.Visit",
        "no-code",
    ),
    "both points and a ceiling": (
        text(CITY, "reasons = { visit = { name = { ja = 'x', en = 'x' }, points = 1, up_to = 2 } }"),
        7,
        "programme.1.reasons.visit",
        "points-or-up-to",
    ),
    "an extension without days": (
        text(CITY, 'returning = { lapsed = "extend" }'),
        7,
        "programme.1.returning",
        "days-with-extend",
    ),
    "into another town's": (
        text(CITY, convert("131164", 1, 1)),
        1,
        "programme.1",
        "converts-elsewhere",
    ),
    "a name that steers the screen": (
        text(CITY).replace(NAME, r'name = { ja = "\u001b[2J", en = "x" }'),
        3,
        "programme.1.name.ja",
        "text-control",
    ),
    "a name of five thousand characters": (
        text(CITY).replace(NAME, f'name = {{ ja = "{"長" * 5_000}", en = "x" }}'),
        3,
        "programme.1.name.ja",
        "text-long",
    ),
    "a name turned around": (
        text(CITY).replace(NAME, r'name = { ja = "x", en = "\u202eabc" }'),
        3,
        "programme.1.name.en",
        "text-direction",
    ),
    "nothing at all": ("", 1, "programme", "missing"),
    "no programme": ("programme = []", 1, "programme", "missing"),
    "two of one version": (text(CITY) + text(CITY, "overdraft = true"), 4, "programme.1.version", "version-taken"),
    "a later version takes effect earlier": (
        text(CITY) + text(CITY, version=2, since="2026-03-31"),
        5,
        "programme.1.effective_from",
        "version-order",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_named_by_line_and_field(tmp_path: Path, case: str) -> None:
    """Whoever wrote the file is told where to look, and nothing of it is used."""
    content, line, key, reason = MISTAKES[case]
    path = tmp_path / "rules.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(RulesError) as caught:
        Rulebook.read(path).check([])
    assert (caught.value.line, caught.value.reason) == (line, reason)
    assert key in {None, caught.value.key}
    for lang in LANGUAGES:
        assert caught.value.sentence(Texts(lang))
    japanese = caught.value.sentence(Texts("ja"))
    assert not re.search(r"[a-z]{3,} [a-z]{2,}", japanese), "a library's own sentence shows through"


def test_another_encoding_is_named_by_its_line(tmp_path: Path) -> None:
    """A file that a Japanese editor saved in Shift_JIS is not TOML, and says so by that name."""
    path = tmp_path / "rules.toml"
    for content, line, reason, named in (
        (b"# a\n" + "# 長浜市".encode("cp932"), 2, "encoding-named", "Shift_JIS"),
        (text(CITY).encode("utf-16"), 1, "encoding-named", "UTF-16"),
        (b"# a\n\x81\x05\xf0\x20", 2, "encoding", ""),
    ):
        path.write_bytes(content)
        with pytest.raises(RulesError) as caught:
            Rulebook.read(path)
        assert (caught.value.line, caught.value.reason) == (line, reason)
        assert named in caught.value.sentence(Texts("ja"))


GOOD = {
    "one way with a gain": text(CITY, convert(STREET, 100, 110)) + text(STREET),
    "there and back at a loss": text(CITY, convert(STREET, 1, 1)) + text(STREET, convert(CITY, 2, 1)),
    "a better rate after the other way has ended": text(CITY, convert(STREET, 1, 2)[:-3] + ", until = 2026-05-01 }]")
    + text(STREET, convert(CITY, 1, 1, "2026-05-02")),
    "a point for a yen, and none of the other": text(CITY, "earning = { yen_per_point = 1 }") + text(STREET),
    "a new version": text(CITY) + text(CITY, "overdraft = true", version=2, since="2026-05-01"),
}


@pytest.mark.parametrize("case", GOOD)
def test_what_holds_together_is_taken(tmp_path: Path, case: str) -> None:
    """A BOM, as editors on Windows write it, does no harm."""
    path = tmp_path / "rules.toml"
    path.write_text(GOOD[case], encoding="utf-8-sig")
    book = Rulebook.read(path)
    book.check([])
    book.check(book.programmes)
    assert book.municipalities == {CITY}


def test_the_samples_hold_together() -> None:
    """What practice mode shows is what a municipality may write."""
    sample = Path(__file__).parents[2] / "ledger" / "samples" / "practice.toml"
    programmes = tomllib.loads(sample.read_text(encoding="utf-8"))["programme"]
    Rulebook([Programme.model_validate(each) for each in programmes], "").check([])


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(1, 5), st.integers(1, 5)), max_size=9))
def test_a_gain_is_found_wherever_there_is_one(edges: list[tuple[int, int, int, int]]) -> None:
    """Every walk over the rates that comes back is tried by hand: one of them gains just when it is said."""
    rates = {(a, b): (take, give) for a, b, take, give in edges if a != b}
    programmes = [_programme(n, {b: rate for (a, b), rate in rates.items() if a == n}) for n in range(5)]

    def walks(at: int, start: int, took: int, gave: int, left: frozenset[int]) -> bool:
        return any(
            gave * give > took * take
            if b == start
            else b in left and walks(b, start, took * take, gave * give, left - {b})
            for (a, b), (take, give) in rates.items()
            if a == at
        )

    assert bool(set(gains(programmes))) == any(walks(n, n, 1, 1, frozenset(range(5)) - {n}) for n in range(5))


def _programme(number: int, rates: dict[int, tuple[int, int]]) -> Programme:
    since = date(2026, 4, 1)
    return Programme(
        code=f"252034-P{number}",
        name=Name(ja="x", en="x"),
        version=1,
        effective_from=since,
        expiry=DaysAfterAward(rule="days_after_award", days=1),
        convert=tuple(Rate(to=f"252034-P{to}", take=t, give=g, since=since) for to, (t, g) in rates.items()),
    )
