"""Tells a municipality's own system what was noticed: signed by the ledger, retried until it is taken, no persons."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, select, update

from ledger.api.outside import NotDelivered, NotOutside, Resolve, checked, post, public_address, resolved
from ledger.api.schema import webhook
from ledger.api.state import Ledger
from ledger.database import reading, repeated
from ledger.points.bulk import put
from ledger.wire.canonical import canonical
from ledger.wire.values import Message

_LAG: Final = timedelta(minutes=1)
"""What was noticed so lately is not sent yet: another process may still be writing it."""

_EVERY: Final = 60
_AT_MOST: Final = 6 * 3600
"""Seconds between two deliveries, and between two tries at the most."""

_TAKES: Final = 300
"""For how many seconds a process that delivers keeps the others from it."""

Send = Callable[[str, bytes, Mapping[str, str]], None]
"""Sends a body with header fields to an address; raises NotDelivered or NotOutside."""


class Webhook(Message):
    """Where events are sent, up to which moment they were, and how many tries failed since, and why."""

    url: str
    upto: str
    failures: int
    last_error: str


def set_webhook(ledger: Ledger, municipality: str, url: str, resolve: Resolve = resolved) -> None:
    """Send a municipality's events to an address from now on; raise NotOutside where it is none that may be.

    A name that is not known yet is taken: it is looked at again at each delivery.
    """
    found = checked(url)
    with suppress(NotDelivered):
        public_address(found, resolve)
    row = (url, _text(ledger.clock()), 0, 0, "")
    repeated(ledger.books, lambda connection: put(connection, webhook, municipality, [row]))


def remove_webhook(ledger: Ledger, municipality: str) -> None:
    """Send a municipality's events nowhere."""
    query = delete(webhook).where(webhook.c.municipality == municipality)
    repeated(ledger.books, lambda connection: connection.execute(query))


def webhook_of(ledger: Ledger, municipality: str) -> Webhook | None:
    """Return where a municipality's events are sent."""
    columns = (webhook.c.url, webhook.c.upto, webhook.c.failures, webhook.c.last_error)
    with reading(ledger.books) as connection:
        row = connection.execute(select(*columns).where(webhook.c.municipality == municipality)).one_or_none()
    if row is None:
        return None
    return Webhook(url=row.url, upto=row.upto, failures=row.failures, last_error=row.last_error)


def deliver(ledger: Ledger, send: Send = post) -> int:
    """Send what is due to whom it is due, and return how many were told; one that fails is tried again, ever later."""
    return sum(_deliver(ledger, municipality, send) for municipality in ledger.registry.municipalities())


def _deliver(ledger: Ledger, municipality: str, send: Send) -> bool:
    now = ledger.clock()
    seconds, until = int(now.timestamp()), _text(now - _LAG)
    named = (webhook.c.municipality == municipality, webhook.c.next_at <= seconds)
    mine = update(webhook).where(*named).values(next_at=seconds + _TAKES)
    if repeated(ledger.books, lambda connection: connection.execute(mine).rowcount) == 0:
        return False  # another process has it
    if (hook := webhook_of(ledger, municipality)) is None:
        return False
    body = _body(ledger, municipality, hook.upto, until)
    values: dict[str, Any] = {
        "upto": max(hook.upto, until),
        "failures": 0,
        "last_error": "",
        "next_at": seconds + _EVERY,
    }
    try:
        if body is not None:
            send(hook.url, body, _headers(ledger, body))
    except (NotDelivered, NotOutside) as error:
        why = error.why if isinstance(error, NotDelivered) else error.code
        wait = min(_AT_MOST, _EVERY * 2 ** min(hook.failures, 10))
        values = {"failures": hook.failures + 1, "last_error": why[:40], "next_at": seconds + wait}
    # An address that was changed meanwhile is left as it was set.
    same = (webhook.c.municipality == municipality, webhook.c.url == hook.url, webhook.c.upto == hook.upto)
    done = update(webhook).where(*same).values(**values)
    repeated(ledger.books, lambda connection: connection.execute(done))
    return body is not None and values["failures"] == 0


def _body(ledger: Ledger, municipality: str, after: str, until: str) -> bytes | None:
    """Return the canonical JSON of what was noticed since the last delivery; None where that is nothing."""
    noticed = ledger.events.between(municipality, after, until)
    if not noticed:
        return None
    return canonical(
        {
            "kazasu": "events/1",
            "ledger": ledger.id,
            "municipality": municipality,
            "delivery": secrets.token_hex(8),
            "after": after,
            "until": until,
            "events": [each._asdict() for each in noticed],
        }
    )


def _headers(ledger: Ledger, body: bytes) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "Kazasu-Key": ledger.signing.public[0],
        "Kazasu-Signature": base64.b64encode(ledger.signing.present.sign(body)).decode(),
    }


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
