"""What a run over changed code counts: which changes need not be found, and when too few were."""

from __future__ import annotations

import pytest

from tests import mutants
from tests.mutants import Change, read, reason, table, verdict

DIFF = """# ledger.wire.days.x_business_day__mutmut_2: survived
--- ledger/wire/days.py
+++ ledger/wire/days.py
@@ -1,3 +1,3 @@
 def business_day(at: datetime, day_starts_at: int = 0) -> date:
-    return (at.astimezone(JST) - timedelta(hours=day_starts_at)).date()
+    return (at.astimezone(JST) + timedelta(hours=day_starts_at)).date()
"""


def test_a_change_is_read_from_its_diff() -> None:
    """Its module, and the lines before and after."""
    change = read("ledger.wire.days.x_business_day__mutmut_2", DIFF)
    assert change.module == "ledger/wire/days.py"
    assert change.before == "return (at.astimezone(JST) - timedelta(hours=day_starts_at)).date()"
    assert change.after == "return (at.astimezone(JST) + timedelta(hours=day_starts_at)).date()"
    assert reason(change) is None


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ('raise DerError("half a length")', "raise DerError(None)", True),
        ('raise DerError("half a length")', 'raise DerError("XXhalf a lengthXX")', True),
        ('raise JournalCorrupt("missing", seq)', "raise JournalCorrupt(None, seq)", True),
        ('raise JournalCorrupt("missing", seq)', 'raise JournalCorrupt("missing", None)', False),
        ('raise JournalCorrupt("missing", seq)', 'raise JournalCorrupt("missing", )', False),
        ('raise Refused("missing") if a < b else c', 'raise Refused("missing") if a <= b else c', False),
        ("raise RefusedOperation(Reason.PIN_NEEDED)", "raise RefusedOperation(None)", False),
        ('return {"kazasu": "consent/1"}', 'return {"kazasu": "CONSENT/1"}', False),
        ('query = "SELECT a FROM b"', 'query = "select a from b"', True),
        ('query = "SELECT a FROM b"', 'query = "XXSELECT a FROM bXX"', False),
        ('_log.info("sent %s", name)', '_log.info("SENT %S", name)', True),
        ('_log.info("sent %s", name)', '_log.info("sent %s", None)', True),
        ("assert_never(content)", "assert_never(None)", True),
        ("case _: assert_never(content)", "", True),
        ("case Sale(): assert_never(content)", "", False),
        ("case DaysAfterUse(): return None", "", True),
        ("case _: # every other state moves nothing return None", "", True),
        ("case FixedDate(on=on): return on", "", False),
    ],
)
def test_only_what_nobody_relies_on_is_named(before: str, after: str, *, named: bool) -> None:
    """The wording for developers, and the case of SQL."""
    assert (reason(Change("a.b.x_c__mutmut_1", before, after)) is not None) is named


def test_a_single_change_is_named_with_its_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same line elsewhere is not."""
    monkeypatch.setattr(mutants, "NAMED", {("_slice", "if inside >= 0:"): "why"})
    for function, why in (("x__slice", "why"), ("x_other", None)):
        assert reason(Change(f"ledger.points.undo.{function}__mutmut_16", "if inside > 0:", "if inside >= 0:")) == why


def test_every_module_stands_in_the_table() -> None:
    """With what was found of it."""
    head, row = table([("a/b.py", 100, 7, 3)])
    assert (head.split(), row.split()) == (
        ["changes", "found", "named", "missed"],
        ["a/b.py", "100", "90", "7", "3"],
    )


@pytest.mark.parametrize(
    ("total", "named", "survived", "code"), [(110, 10, 5, 0), (110, 10, 6, 1), (100, 0, 0, 0), (0, 0, 0, 1)]
)
def test_ninety_five_in_a_hundred_are_wanted(
    total: int, named: int, survived: int, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of those that are not named."""
    assert verdict(total, named, survived) == code
    assert ("enough" in capsys.readouterr().out) is (code == 0)
