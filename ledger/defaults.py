"""Says what holds of a programme where its rules file is silent: safe numbers, raised only in so many words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ledger.wire.rules import Programme


class Default(NamedTuple):
    """A key that a rules file does not have, the number that holds, and the text `default-<meaning>` that explains it.

    Of a reason without a word on how often, `value` is its period.
    """

    key: str
    value: int | str
    meaning: str

    @property
    def toml(self) -> str:
        """The line as a rules file would have it."""
        return f"{self.key} = {self.value:_}" if isinstance(self.value, int) else f'{self.key} = "{self.value}"'


def silent(programme: Programme) -> Iterator[Default]:
    """Yield what holds of a programme without its file's saying so."""
    ceilings = programme.ceilings
    stated = ceilings.model_fields_set if "ceilings" in programme.model_fields_set else frozenset()
    for scope in ("card", "terminal", "shop", "programme"):
        if scope not in stated:
            ceiling = getattr(ceilings, scope)
            yield Default(f"ceilings.{scope}.issued", ceiling.issued, f"{scope}-issued")
            yield Default(f"ceilings.{scope}.redeemed", ceiling.redeemed, f"{scope}-redeemed")
    if "budget" not in programme.model_fields_set:
        yield Default("budget", programme.budget, "budget")
    if "approval_above" not in programme.model_fields_set:
        yield Default("approval_above", programme.approval_above, "approval-above")
    if (redeeming := programme.redeeming) is not None:
        if redeeming.tap_sum is None:
            yield Default("redeeming.tap_sum", redeeming.most_by_tap, "tap-sum")
        if "tap_count" not in redeeming.model_fields_set:
            yield Default("redeeming.tap_count", redeeming.tap_count, "tap-count")
    for name, reason in programme.reasons.items():
        if "every" not in reason.model_fields_set:
            yield Default(f"reasons.{name}.every", reason.every, "reason-every")
        if "times" not in reason.model_fields_set:
            yield Default(f"reasons.{name}.times", reason.times, "reason-times")
