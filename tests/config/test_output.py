"""What a command writes, and what becomes of it where it cannot be written."""

import sys
from pathlib import Path

import pytest

from config.errors import OutputFailed
from config.output import say, tell

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
def test_an_answer_that_has_no_room_is_an_error_and_a_remark_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked for is missed; progress that nobody can read ends nothing."""
    with FULL.open("w") as answers, FULL.open("w") as remarks:
        monkeypatch.setattr(sys, "stdout", answers)
        monkeypatch.setattr(sys, "stderr", remarks)
        say("Reading")
        with pytest.raises(OutputFailed) as failed:
            tell("{}")
    assert (failed.value.code, failed.value.reason) == ("output_failed", "No space left on device")
