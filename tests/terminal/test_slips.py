"""Slips: what each kind of operation says, and how rows become lines of paper."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from config.texts import LANGUAGES, Lang, Texts
from ledger.wire.answers import Cut, Status, Verdict
from ledger.wire.kinds import Amounts
from ledger.wire.operations import (
    Award,
    Close,
    Convert,
    Leg,
    Link,
    Operation,
    Release,
    Reserve,
    Return,
    Sale,
    TapOnly,
    Unlink,
    Void,
)
from ledger.wire.rules import quote
from terminal.shell.words import Words
from terminal.slips.operation import Settled, priced, qr_text, slip
from terminal.slips.rows import Emphasis, Gap, QrCode, Row, Rule, SlipRow
from terminal.slips.text import COLUMNS, as_text
from tests.terminal.counters import MUNICIPALITY, OTHER, SIGNATURE, STREET, TERMS, held

TAP = TapOnly(method="tap")
PIN = {"method": "pin", "nonce": "nonce", "signature": SIGNATURE}
ID = f"{TERMS.terminal_id}-004211"
TARGET = f"{TERMS.terminal_id}-004200"
WHO = {"municipality": MUNICIPALITY, "resident": "c2VhbGVk"}

SALE = Sale(
    kind="sale",
    bill=1200,
    redeem=[Leg(programme=MUNICIPALITY, points=820)],
    award=[Leg(programme=MUNICIPALITY, points=3)],
    amount_due=380,
    rules={MUNICIPALITY: 1},
    assurance=TAP,
    **WHO,
)
TWO_PROGRAMMES = SALE.model_copy(
    update={"redeem": [Leg(programme=MUNICIPALITY, points=300), Leg(programme=STREET, points=520)]}
)
AWARD = Award(
    kind="award", award=[Leg(programme=STREET, points=30)], reason="visit", rules={STREET: 1}, assurance=TAP, **WHO
)
KINDS: dict[type[Operation], tuple[Operation, tuple[str, ...]]] = {
    Sale: (SALE, ("1,200 円", "−820 P", "380 円", "+3 P")),
    Award: (AWARD, ("+30 P",)),
    Void: (Void(kind="void", municipality=MUNICIPALITY, target=TARGET), ("01-004200",)),
    Return: (Return(kind="return", municipality=MUNICIPALITY, target=TARGET, bill=500), ("01-004200", "−500 円")),
    Convert: (
        Convert(
            kind="convert",
            take=Leg(programme=MUNICIPALITY, points=100),
            give=Leg(programme=STREET, points=90),
            rules={MUNICIPALITY: 1},
            assurance=TAP,
            **WHO,
        ),
        ("−100 P", "+90 P"),
    ),
    Link: (Link(kind="link", municipality=MUNICIPALITY, registration="c2VhbGVk", consent=True, assurance=PIN), ()),
    Close: (
        Close(
            kind="close", municipality=MUNICIPALITY, number=7, first_seq=1, last_seq=9, verdicts=9, day={}, perpetual={}
        ),
        (),
    ),
    Unlink: (Unlink(kind="unlink", assurance=PIN, **WHO), ()),
    Reserve: (
        Reserve(
            kind="reserve",
            points=[Leg(programme=MUNICIPALITY, points=300)],
            rules={MUNICIPALITY: 1},
            assurance=PIN,
            **WHO,
        ),
        ("+300 P",),
    ),
    Release: (Release(kind="release", assurance=TAP, **WHO), ()),
}
"""One of each kind, and the values that its slip shows."""


def words(lang: Lang = "ja") -> Words:
    """Return the words of a language with the sample programmes."""
    return Words(Texts(lang), TERMS.programmes)


def settled(content: Operation, verdict: Verdict | None = None) -> Settled:
    """Return an operation that stands in the journal."""
    return Settled(ID, "7f3a 91c2", "2026-11-23T14:05:00+09:00", content, verdict)


def values(rows: tuple[SlipRow, ...]) -> list[str]:
    """Return what stands at the right."""
    return [row.value for row in rows if isinstance(row, Row) and row.value]


def verdict(redeemed: int = 0, awarded: int = 0, status: Status = Status.ACCEPTED) -> Verdict:
    """Return what the ledger decided."""
    return Verdict(operation_id=ID, status=status, redeemed=redeemed, awarded=awarded)


def test_every_kind_of_operation_has_a_slip() -> None:
    """A kind that is added to the wire gets a case here, too."""
    assert set(KINDS) == set(get_args(Operation))


@pytest.mark.parametrize("columns", COLUMNS.values())
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_slip_fits_its_paper(kind: type[Operation], lang: Lang, columns: int) -> None:
    """All that it has to say is on it, whole, with the number by which it is found."""
    content, expected = KINDS[kind]
    lines = as_text(slip(settled(content), words(lang), shop="見本商店"), columns)
    text = "\n".join(lines)
    assert max(map(cell_len, lines)) <= columns
    assert all(value in text for value in (*expected, "見本商店", "2026-11-23 14:05", "01-004211", "7f3a 91c2"))


def test_a_slip_of_58_millimetres() -> None:
    """The whole of one, as the printer gets it."""
    lines = as_text(slip(settled(SALE, verdict(820, 3)), words(), shop="見本商店"), 32)
    assert lines == [
        "ポイントご利用控え",
        "見本商店",
        "2026-11-23 14:05       01-004211",
        "",
        "会計金額                1,200 円",
        "ポイント利用              −820 P",
        "--------------------------------",
        "お支払額                  380 円",
        "",
        "今回の付与                  +3 P",
        "",
        "7f3a 91c2",
        "KZ1:252034-0001-01-004211:7f3a91",
        "c2",
    ]


def test_a_copy_says_that_it_is_one() -> None:
    """Two slips never pass for two sales."""
    first, copy = (slip(settled(SALE), words(), shop="見本商店", reprint=again) for again in (False, True))
    assert set(copy) - set(first) == {Row("再印字", emphasis=Emphasis.STRONG)}


def test_what_is_quoted_is_what_is_printed() -> None:
    """The rows before the verdict are those after it, where everything asked was granted."""
    balances = [held(MUNICIPALITY, 820)]
    told = quote(1200, None, balances, TERMS.programmes, MUNICIPALITY)
    sale = SALE.model_copy(update={"redeem": list(told.redeem), "award": list(told.award)})
    granted = Amounts(told.redeemed, told.awarded, told.amount_due)
    assert list(priced(told, words())) == list(priced(sale, words(), granted))


REDEEM_CUT = Cut(leg="redeem", programme=MUNICIPALITY, asked=820, granted=500, reason="insufficient_balance")
AWARD_CUT = Cut(leg="award", programme=MUNICIPALITY, asked=3, granted=1, reason="award_limit_exceeded")
SHORT = verdict(500, 3, Status.SHORTFALL).model_copy(update={"amount_due": 700, "cuts": [REDEEM_CUT]})
LESS = verdict(820, 1).model_copy(update={"amount_due": 380, "cuts": [AWARD_CUT]})

CUT = [
    pytest.param(SHORT, True, ["1,200 円", "−500 P", "700 円", "+3 P", "320 P"], id="the customer was there, and paid"),
    pytest.param(SHORT, False, ["1,200 円", "−820 P", "380 円", "+3 P", "320 P"], id="the customer had left"),
    pytest.param(LESS, True, ["1,200 円", "−820 P", "380 円", "+1 P", "2 P"], id="an award that was cut"),
    pytest.param(
        verdict(500, 3, Status.SHORTFALL),
        True,
        ["1,200 円", "−500 P", "380 円", "+3 P", "−320 P"],
        id="as 0.1.0 said it",
    ),
]


@pytest.mark.parametrize(("decided", "awaited", "said"), CUT)
def test_a_slip_says_what_was_paid_and_what_was_not_granted(decided: Verdict, awaited: bool, said: list[str]) -> None:
    """The amount due is what the customer paid: the verdict's where they were there, else what had been agreed."""
    rows = slip(replace(settled(SALE, decided), awaited=awaited), words(), shop="")
    assert values(rows)[1:] == said


def test_a_slip_says_why_points_were_not_granted() -> None:
    """Each reason in its own words, whole on the narrowest paper."""
    lines = as_text(slip(settled(SALE, SHORT), words(), shop=""), 32)
    assert lines[lines.index("使えなかったポイント       320 P") + 1] == "ポイントの残高が足りません"


@pytest.mark.parametrize(("redeemed", "moved"), [(820, ["−820 P", "−300 P", "−520 P"]), (700, ["−700 P"])])
def test_of_what_was_cut_only_the_sum_is_known(redeemed: int, moved: list[str]) -> None:
    """Two programmes are named where both were granted in full."""
    found = values(slip(settled(TWO_PROGRAMMES, verdict(redeemed, 3)), words(), shop=""))
    assert [value for value in found if value.startswith("−") and value.endswith(" P")][: len(moved)] == moved


def test_what_was_refused_says_so_first() -> None:
    """A slip of what the ledger refused never looks like a sale."""
    rows = slip(settled(SALE, verdict(status=Status.REFUSED)), words(), shop="")
    assert Row("お取り扱いできませんでした", emphasis=Emphasis.STRONG) in rows


def test_the_code_finds_the_sale_and_names_nobody() -> None:
    """Form, number and hash: what the journal is asked for, and nothing else."""
    assert qr_text(ID, "7f3a 91c2") == "KZ1:252034-0001-01-004211:7f3a91c2"
    *_, code = slip(settled(SALE), words(), shop="")
    assert code == QrCode(qr_text(ID, "7f3a 91c2"))


def test_a_name_cannot_command_a_printer() -> None:
    """Control characters in a shop's name or a programme's are not drawn, and not sent."""
    lines = as_text(slip(settled(SALE), words(), shop="\x1b@見本\x1d\x56\x00商店\u202e"), 32)
    assert lines[1] == "?@見本?V?商店?"
    assert "".join(lines).isprintable()


LABELS = st.text("あのが漢字カー、（）abc 12", max_size=60)


@given(LABELS, st.integers(0, 9_999_999), st.sampled_from(sorted(COLUMNS.values())))
def test_paper_cuts_nothing(label: str, amount: int, columns: int) -> None:
    """A label that is too long gets lines of its own; the figure stands at the right end of the last."""
    value = f"{amount:,} 円"
    lines = as_text([Row(label, value), Gap(), Rule()], columns)
    assert all(cell_len(line) <= columns for line in lines)
    *own, last, gap, rule = lines
    assert "".join("".join([*own, last.removesuffix(value)]).split()) == "".join(label.split())
    assert (last.endswith(value), gap, rule) == (True, "", "-" * columns)


def test_towns_without_a_programme_here_are_named_by_their_town() -> None:
    """A leg of another town's points still has a name on the slip."""
    elsewhere = SALE.model_copy(update={"redeem": [Leg(programme=OTHER, points=1), Leg(programme="011002", points=2)]})
    text = "\n".join(as_text(slip(settled(elsewhere), words(), shop=""), 48))
    assert "札幌市" in text
