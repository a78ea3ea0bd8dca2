"""A card that is slow, or that leaves in the middle."""

from __future__ import annotations

import time
from collections.abc import Callable

from reader.connection import Apdu, Connection
from reader.errors import CardPulled


class Unsteady:
    """A connection that takes `delay` seconds for each answer, and is gone after `exchanges` of them."""

    def __init__(
        self,
        connection: Connection,
        *,
        delay: float = 0.0,
        exchanges: int | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._connection = connection
        self._delay = delay
        self._left = exchanges
        self._sleep = sleep

    def transmit(self, command: Apdu) -> tuple[bytes, int]:
        """Answer a command, after a while; raise CardPulled when the card has left."""
        if self._left is not None:
            if not self._left:
                raise CardPulled
            self._left -= 1
        if self._delay:
            self._sleep(self._delay)
        return self._connection.transmit(command)
