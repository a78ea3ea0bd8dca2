"""The lines that make a slip a qualified simplified invoice (適格簡易請求書), where the shop says what it needs.

Points are a means of payment, so the tax stands with the bill, before ポイント利用. Such an invoice names shop, number,
date, goods with the mark of the reduced rate, total by rate, and tax (消費税法 第57条の4第2項).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from config.settings import SlipSettings
from terminal.shell.words import Words, yen
from terminal.slips.rows import Emphasis, Row, SlipRow

REDUCED: Final = 8
"""Percent of the reduced rate."""

MARK: Final = "※"
"""Marks what bears the reduced rate."""

NONE: Final = SlipSettings()
"""A shop that says nothing of taxes."""


def included(bill: int, percent: int) -> int:
    """Return the tax that a bill includes, its fraction of a yen cut off."""
    return bill * percent // (100 + percent)


def number_rows(tax: SlipSettings, words: Words) -> Iterator[SlipRow]:
    """Yield the shop's number as an issuer."""
    if tax.invoice_number:
        yield Row(words("slip-invoice-number"), tax.invoice_number)


def goods_rows(bill: int, tax: SlipSettings) -> Iterator[SlipRow]:
    """Yield what was sold."""
    if tax.goods:
        mark = f" {MARK}" if tax.tax_percent == REDUCED else ""
        yield Row(f"{tax.goods}{mark}", yen(bill))


def tax_rows(bill: int, tax: SlipSettings, words: Words) -> Iterator[SlipRow]:
    """Yield the total by rate, and the tax in it."""
    if tax.tax_percent is None:
        return
    mark = f" {MARK}" if tax.tax_percent == REDUCED else ""
    percent = str(tax.tax_percent)
    yield Row(f"  {words('slip-taxed', percent=percent)}{mark}", yen(bill), Emphasis.QUIET)
    yield Row(f"  {words('slip-tax')}", yen(included(bill, tax.tax_percent)), Emphasis.QUIET)


def mark_rows(tax: SlipSettings, words: Words) -> Iterator[SlipRow]:
    """Yield what the mark means."""
    if tax.tax_percent == REDUCED:
        yield Row(words("slip-reduced", mark=MARK), emphasis=Emphasis.QUIET)
