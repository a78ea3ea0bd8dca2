"""A card that follows a script, for answers that no virtual card gives."""

from __future__ import annotations

from collections.abc import Mapping

from reader.connection import Apdu, Connection


class Scripted:
    """A connection with fixed answers to some commands (by their beginning, in hex), and a card for all others.

    An answer is data with its status word, in hex; each is given once, in their order.
    """

    def __init__(self, answers: Mapping[str, list[str]], card: Connection | None = None) -> None:
        self._answers = {start.lower(): list(said) for start, said in answers.items()}
        self._card = card
        self.sent: list[str] = []

    def transmit(self, command: Apdu) -> tuple[bytes, int]:
        """Answer by the script, else as the card does."""
        sent = bytes(command).hex()
        self.sent.append(sent)
        for start, said in self._answers.items():
            if sent.startswith(start) and said:
                answer = bytes.fromhex(said.pop(0))
                return answer[:-2], int.from_bytes(answer[-2:])
        if self._card is None:
            raise AssertionError(f"the script has nothing more for {sent}")
        return self._card.transmit(command)
