"""A way to a ledger that is cut when a test wants it: for good, or in the middle of a reply."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from urllib.parse import urlsplit

PIECE = 65536


class Line(ThreadingTCPServer):
    """Passes bytes on between a terminal and its ledger."""

    daemon_threads = True

    def __init__(self, ledger: str) -> None:
        super().__init__(("127.0.0.1", 0), _Call)
        self.ledger = ("127.0.0.1", urlsplit(ledger).port or 80)
        self.replied = 0
        """Bytes of replies that were passed on since this was last set to nothing."""
        self.cut_after: int | None = None
        """Where the next reply ends, in bytes; None leaves it whole."""
        self.down = False
        """Whether every call is hung up on at once."""

    @property
    def url(self) -> str:
        """What the terminal takes for the ledger."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Call(BaseRequestHandler):
    """One connection from its beginning to its end."""

    server: Line

    def handle(self) -> None:
        if self.server.down:
            return
        with socket.create_connection(self.server.ledger) as ledger:
            asking = threading.Thread(target=_pass_on, args=(self.request, ledger))
            asking.start()
            with suppress(ConnectionError):
                self._reply(ledger)
            for end in self.request, ledger:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            asking.join()

    def _reply(self, ledger: socket.socket) -> None:
        line = self.server
        while data := ledger.recv(PIECE):
            cut = line.cut_after
            passed = data if cut is None else data[:cut]
            self.request.sendall(passed)
            line.replied += len(passed)
            if cut is not None and len(data) >= cut:
                line.cut_after = None
                return
            line.cut_after = None if cut is None else cut - len(data)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(ConnectionError):
        while data := source.recv(PIECE):
            target.sendall(data)


@contextmanager
def line_to(ledger: str) -> Iterator[Line]:
    """Yield a line that is up."""
    with Line(ledger) as line:
        thread = threading.Thread(target=line.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield line
        finally:
            line.shutdown()
            thread.join()
