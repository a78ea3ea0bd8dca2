"""What went wrong, as the terminal says it; apart from the counter, because the command line needs little more."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong: a stable code with a text in `config/texts`, and the arguments of that text."""

    code: str
    args: tuple[tuple[str, str | int], ...] = ()
