"""A proxy between a terminal and its ledger that does to one exchange whatever a line, or somebody on it, can do."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from socketserver import BaseRequestHandler, ThreadingTCPServer
from urllib.parse import urlsplit

PIECE = 65536

DEADLINE = 0.5
"""Seconds that the terminal waits for an answer in these tests."""

TOO_LATE = 1.6 * DEADLINE
"""Seconds after which nobody waits any more."""


@dataclass
class Exchange:
    """One request of the terminal, and both ends of the line that it came over."""

    request: bytes
    terminal: socket.socket
    proxy: Chaos

    def forward(self, request: bytes | None = None) -> bytes:
        """Bring a request, this one unless another is given, to the ledger and return all that it answers."""
        with socket.create_connection(self.proxy.ledger, timeout=10) as ledger:
            ledger.sendall(self.request if request is None else request)
            return read_message(ledger)

    def answer(self, content: bytes) -> None:
        """Let the terminal have an answer; it may have gone."""
        with suppress(OSError):
            self.terminal.sendall(content)

    def reset(self) -> None:
        """End the connection with an RST."""
        self.terminal.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.terminal.close()


Fault = Callable[[Exchange], None]
"""Does something to one exchange."""


class Chaos(ThreadingTCPServer):
    """Passes exchanges on, and does to `troubled` of the next ones with `path` what `fault` says."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, ledger: str) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.ledger = ("127.0.0.1", urlsplit(ledger).port or 80)
        self.fault: Fault | None = None
        self.path = b""
        self.troubled = 0
        self.last_answer: dict[bytes, bytes] = {}
        """The last answer that was passed on, by path."""
        self.held_back: list[bytes] = []
        """Requests that are delivered after the next one."""
        self.counting = threading.Lock()

    @property
    def url(self) -> str:
        """What the terminal takes for the ledger."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def trouble(self, fault: Fault, *, path: str = "/v1/uploads", times: int = 1) -> None:
        """Do this to the next exchanges with a path."""
        self.fault, self.path, self.troubled = fault, path.encode(), times

    def due(self, request: bytes) -> Fault | None:
        """Return what is to be done to a request."""
        with self.counting:
            if self.fault is None or not self.troubled or self.path not in request.split(b"\r\n", 1)[0]:
                return None
            self.troubled -= 1
            return self.fault


class _Connection(BaseRequestHandler):
    server: Chaos

    def handle(self) -> None:
        with suppress(OSError):
            while request := read_message(self.request):
                exchange = Exchange(request, self.request, self.server)
                if (fault := self.server.due(request)) is not None:
                    fault(exchange)
                    return
                content = exchange.forward()
                while self.server.held_back:
                    exchange.forward(self.server.held_back.pop())
                self.server.last_answer[request.split(b" ", 2)[1]] = content
                self.request.sendall(content)


def read_message(source: socket.socket) -> bytes:
    """Return one HTTP message, head and body by its Content-Length; nothing where the connection ended."""
    message = bytearray()
    while b"\r\n\r\n" not in message:
        part = source.recv(PIECE)
        if not part:
            return bytes(message)
        message += part
    head, _, body = bytes(message).partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    left = int(lengths[0].split(b":")[1]) - len(body) if lengths else 0
    while left > 0:
        part = source.recv(min(left, PIECE))
        if not part:
            break
        message += part
        left -= len(part)
    return bytes(message)


def page(status: str, kind: str, body: bytes, *more: str) -> bytes:
    """Return an HTTP answer."""
    head = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *more]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


LOGIN = b"<!doctype html><title>Free Wi-Fi</title><form action=/login>Room number <input name=room></form>"


# What is done -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReplyCut:
    """The ledger has it; its answer ends after so many bytes."""

    after: int

    def __call__(self, exchange: Exchange) -> None:
        """Do it."""
        exchange.answer(exchange.forward()[: self.after])


@dataclass(frozen=True, slots=True)
class RequestCut:
    """The request ends after so many bytes."""

    after: int

    def __call__(self, exchange: Exchange) -> None:
        """Do it."""
        with socket.create_connection(exchange.proxy.ledger, timeout=10) as ledger:
            ledger.sendall(exchange.request[: self.after])


def hung_up(_exchange: Exchange) -> None:
    """Let nothing arrive, and end the connection."""


def reset_before(exchange: Exchange) -> None:
    """Let nothing arrive, and reset the connection."""
    exchange.reset()


def reset_after(exchange: Exchange) -> None:
    """Let the ledger have it, and reset the connection."""
    exchange.forward()
    exchange.reset()


def half_open(_exchange: Exchange) -> None:
    """Let nothing arrive, and say nothing."""
    time.sleep(TOO_LATE)


def half_open_after(exchange: Exchange) -> None:
    """Let the ledger have it, and say nothing."""
    exchange.forward()
    time.sleep(TOO_LATE)


def delayed(exchange: Exchange) -> None:
    """Bring the answer when nobody waits any more."""
    content = exchange.forward()
    time.sleep(TOO_LATE)
    exchange.answer(content)


def arrives_late(exchange: Exchange) -> None:
    """Bring the request when nobody waits any more."""
    time.sleep(TOO_LATE)
    exchange.forward()


def slow_drip(exchange: Exchange) -> None:
    """Bring the answer a byte at a time."""
    for byte in exchange.forward():
        exchange.answer(bytes([byte]))
        time.sleep(DEADLINE / 200)


def duplicated(exchange: Exchange) -> None:
    """Bring the request twice, and let the second answer through."""
    exchange.forward()
    exchange.answer(exchange.forward())


def reordered(exchange: Exchange) -> None:
    """Bring the request after the one that is sent next."""
    exchange.proxy.held_back.append(exchange.request)


def bad_gateway(exchange: Exchange) -> None:
    """Say in HTML that something in between is ill; nothing arrives."""
    exchange.answer(page("502 Bad Gateway", "text/html", b"<html><h1>502 Bad Gateway</h1></html>"))


def bad_gateway_after(exchange: Exchange) -> None:
    """Let the ledger have it, and say that something in between is ill."""
    exchange.forward()
    bad_gateway(exchange)


def wrong_json(exchange: Exchange) -> None:
    """Answer with JSON of something else."""
    exchange.answer(page("200 OK", "application/json", b'{"status": "ok", "verdicts": []}'))


def broken_json(exchange: Exchange) -> None:
    """Let the ledger have it; leave out the last part of its JSON, under the length that is left."""
    body = exchange.forward().partition(b"\r\n\r\n")[2]
    exchange.answer(page("200 OK", "application/json", body[: len(body) * 2 // 3]))


def flipped_bit(exchange: Exchange) -> None:
    """Let the ledger have it; change one word of its answer."""
    content = exchange.forward()
    where = content.rindex(b'"accepted"') if b'"accepted"' in content else len(content) - 20
    exchange.answer(content[:where] + content[where:].replace(b"accepted", b"refusedd", 1))


def somebody_elses(exchange: Exchange) -> None:
    """Answer with what was the answer to an earlier request."""
    exchange.answer(exchange.proxy.last_answer.get(b"/v1/uploads") or exchange.proxy.last_answer[b"/v1/terminal"])


def captive_portal(exchange: Exchange) -> None:
    """Answer with a hotel's log-in page."""
    exchange.answer(page("200 OK", "text/html", LOGIN))


def captive_redirect(exchange: Exchange) -> None:
    """Send everybody to a hotel's log-in page."""
    exchange.answer(page("302 Found", "text/html", b"", "Location: http://login.example/"))


def forged_refusal(exchange: Exchange) -> None:
    """Say that the signature is wrong, without a ledger's."""
    problem = b'{"type": "about:blank", "title": "no", "status": 401, "code": "signature_wrong", "retryable": false}'
    exchange.answer(page("401 Unauthorized", "application/problem+json", problem))


def forged_fork(exchange: Exchange) -> None:
    """Say that the journal is another one, without a ledger's signature."""
    problem = b'{"type": "about:blank", "title": "no", "status": 409, "code": "journal_fork", "retryable": false}'
    exchange.answer(page("409 Conflict", "application/problem+json", problem))


@dataclass(frozen=True, slots=True)
class Row:
    """A fault, and whether the terminal gets the true answer all the same."""

    fault: Fault
    answered: bool = False


FAULTS: dict[str, Row] = {
    "hung up": Row(hung_up),
    "reset before": Row(reset_before),
    "reset after": Row(reset_after),
    "half-open": Row(half_open),
    "half-open after": Row(half_open_after),
    "delayed answer": Row(delayed),
    "delayed request": Row(arrives_late),
    "slow drip": Row(slow_drip),
    "duplicated": Row(duplicated),
    "reordered": Row(reordered),
    "5xx with HTML": Row(bad_gateway),
    "5xx with HTML after": Row(bad_gateway_after),
    "wrong JSON": Row(wrong_json),
    "broken JSON": Row(broken_json),
    "flipped bit": Row(flipped_bit),
    "somebody else's answer": Row(somebody_elses),
    "captive portal": Row(captive_portal),
    "captive redirect": Row(captive_redirect),
    "forged refusal": Row(forged_refusal),
    "forged fork": Row(forged_fork, answered=True),
}
"""Every fault but the cuts, which a test makes at each byte."""


@contextmanager
def chaos_before(ledger: str) -> Iterator[Chaos]:
    """Yield a proxy that passes everything on until it is told otherwise."""
    with Chaos(ledger) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
