"""Lines of TOML: a key is found wherever it stands, or else what is around it."""

import pytest

from config.lines import KeyPath, line_of

TEXT = """\
a = 1
b.c = 2
[[programme]]
code = "1"
[programme.redeeming]
per_day = 1

[[programme]]
code = "2"
convert = [
    { to = "1" },
]
[programme.reasons.visit]
up_to = 50
"""


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (["a"], 1),
        (["b", "c"], 2),
        (["programme", 0], 3),
        (["programme", 0, "code"], 4),
        (["programme", 0, "redeeming", "per_day"], 6),
        (["programme", 0, "redeeming", "minimum"], 5),
        (["programme", 1], 8),
        (["programme", 1, "name", "ja"], 8),
        (["programme", 1, "convert", 0, "to"], 10),
        (["programme", 1, "reasons", "visit", "up_to"], 14),
        (["unknown"], 1),
    ],
)
def test_a_key_is_found_on_its_line(keys: list[KeyPath], line: int) -> None:
    """Inside an array of tables each table counts for itself; what is not there is where it would belong."""
    assert line_of(TEXT, keys) == line
