"""The digits of a PIN while they are typed: they stay here, and what is not handed over is wiped."""

from __future__ import annotations

from reader.pin import PIN_DIGITS


class PinPad:
    """At most four digits."""

    def __init__(self) -> None:
        self._digits = bytearray()

    def __len__(self) -> int:
        return len(self._digits)

    @property
    def full(self) -> bool:
        """Whether no digit is missing."""
        return len(self) == PIN_DIGITS

    def add(self, digit: str) -> None:
        """Take one digit, unless there are enough."""
        if not self.full:
            self._digits += digit.encode("ascii")

    def erase(self) -> None:
        """Wipe the last digit, if there is one."""
        if self._digits:
            self._digits[-1] = 0
            del self._digits[-1]

    def keep(self, digits: int) -> None:
        """Wipe all but the first so many digits."""
        while len(self) > digits:
            self.erase()

    def wipe(self) -> None:
        """Overwrite all digits, and forget them."""
        self._digits[:] = bytes(len(self._digits))
        self._digits.clear()

    def hand_over(self) -> bytearray:
        """Return the digits and keep none; the caller wipes them."""
        handed, self._digits = self._digits, bytearray()
        return handed
