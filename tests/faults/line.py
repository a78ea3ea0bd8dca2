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
        self.counting = threading.Lock()
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
        while data := ledger.recv(PIECE):
            # Counted before it is passed on: whoever has the reply may set the next cut at once.
            passed, is_cut = self._share(data)
            self.request.sendall(passed)
            if is_cut:
                return

    def _share(self, data: bytes) -> tuple[bytes, bool]:
        """Return what is passed on of some bytes, and whether the reply ends with it."""
        line = self.server
        with line.counting:
            cut = line.cut_after
            if cut is None:
                passed, is_cut = data, False
            else:
                passed, is_cut = data[:cut], len(data) >= cut
                line.cut_after = None if is_cut else cut - len(data)
            line.replied += len(passed)
            return passed, is_cut


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
