"""A municipality's file of awards: a million lines beside ten thousand, read, checked and given in one transaction."""

from __future__ import annotations

import hashlib
import resource
import tempfile
import time
from datetime import date
from pathlib import Path

from sqlalchemy import insert

from config.trust import Anchors
from ledger.api.awards import carry_out, plan
from ledger.api.desk import Officer
from ledger.api.state import Ledger
from ledger.embedded import assemble
from ledger.identity.schema import card
from ledger.place import Place
from ledger.wire.answers import Standing
from ledger.wire.rules import AwardReason, FiscalYearEnd, Name, Programme

MUNICIPALITY = "252034"
_NAME = Name(ja="見本ポイント", en="Sample")
PROGRAMME = Programme(
    code=MUNICIPALITY,
    name=_NAME,
    version=1,
    effective_from=date(2026, 4, 1),
    reasons={"visit": AwardReason(name=_NAME, up_to=50)},
    expiry=FiscalYearEnd(rule="fiscal_year_end", years=1),
    approval_above=10**12,
)


def main() -> None:
    """Award both files, and print the table."""
    print(f"{'lines':>10}{'checked s':>11}{'given s':>9}{'peak MiB':>10}")
    for lines in (10_000, 1_000_000):
        with tempfile.TemporaryDirectory() as folder:
            print("{:10,}{:11.1f}{:9.1f}{:10.0f}".format(lines, *_measure(Path(folder), lines)))


def _measure(folder: Path, lines: int) -> tuple[float, float, float]:
    ledger = assemble(Place(folder / "ledger"), Anchors())
    ledger.registry.add_programmes([PROGRAMME])
    file = folder / "awards.csv"
    _settle(ledger, file, lines)
    started = time.perf_counter()
    with file.open("rb") as content:
        asked = plan(ledger, MUNICIPALITY, content)
    checked = time.perf_counter()
    assert (asked.lines, asked.wrong) == (lines, 0)
    assert carry_out(ledger, asked, Officer(MUNICIPALITY, "benchmark")).rows == lines
    given = time.perf_counter()
    ledger.close()
    return checked - started, given - checked, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _settle(ledger: Ledger, file: Path, people: int) -> None:
    """Register so many people, and write a line for each."""
    with file.open("w", encoding="utf-8") as content, ledger.stores[0].begin() as connection:
        content.write("who,programme,points,reason\n")
        for start in range(0, people, 10_000):
            chunk = [f"R{number:09d}" for number in range(start, min(start + 10_000, people))]
            content.writelines(f"{mykey},{MUNICIPALITY},20,visit\n" for mykey in chunk)
            connection.execute(insert(card), [_card(mykey) for mykey in chunk])


def _card(mykey: str) -> dict[str, object]:
    key = hashlib.sha256(mykey.encode()).digest()
    return {"card_key": key, "mykey": mykey, "public_key": b"", "state": Standing.ACTIVE}


if __name__ == "__main__":
    main()
