"""Says what a doctor found, of a terminal or of a ledger: in lines for people, and as an object."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from config.faults import Fault
    from config.texts import Texts


class Level(StrEnum):
    """How good a finding is; only `WRONG` has to be mended."""

    GOOD = "good"
    NOTE = "note"
    """It works, and there is something to know about it."""
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one thing: `fault` says what is wrong, `detail` what is good, such as a version."""

    thing: str
    level: Level
    detail: str = ""
    fault: Fault | None = None

    def lines(self, texts: Texts, family: str) -> str:
        """Return the lines that say it; the text `<family>-<thing>` names the thing."""
        head = f"{texts(f'doctor-{self.level}')}  {texts(f'{family}-{self.thing}')}  {self.detail}".rstrip()
        return "\n".join([head, *(f"    {line}" for line in self._sentences(texts))])

    def as_json(self, texts: Texts) -> dict[str, str | None]:
        """Return the finding as `--json` prints it."""
        return {
            "thing": self.thing,
            "level": self.level,
            "detail": self.detail or None,
            "error": self.fault.code if self.fault else None,
            "message": "\n".join(self._sentences(texts)) or None,
        }

    def _sentences(self, texts: Texts) -> tuple[str, ...]:
        if self.fault is None:
            return ()
        refusal = texts.refusal(self.fault.code, **dict(self.fault.args))
        return refusal.what, refusal.why, refusal.todo
