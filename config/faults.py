"""Says what went wrong, for people: a stable code and what its sentences mention."""

from __future__ import annotations

from dataclasses import dataclass

from config.errors import KnownError, system_code, system_data

KNOWN = (KnownError, OSError)
"""What may go wrong without being a defect of ours."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong: a stable code with a text in `config/texts`, and the arguments of that text."""

    code: str
    args: tuple[tuple[str, str | int], ...] = ()


def fault_of(error: BaseException) -> Fault:
    """Return the fault that an error of a lower package is to people."""
    match error:
        case KnownError():
            return Fault(error.spoken_code, tuple(error.data.items()))
        case OSError():
            return Fault(system_code(error), tuple(system_data(error).items()))
        case _:  # a defect of ours
            return Fault("unexpected")
