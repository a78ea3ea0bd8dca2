"""The ID table: look a card up, register it, link numbers to it, stop it, forget it."""

from __future__ import annotations

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import Any, Final

from sqlalchemy import BindParameter, Connection, Engine, Row, bindparam, delete, exists, insert, select, update

from ledger.database import one_by_one, reading, repeated, with_row_locks
from ledger.identity.errors import IdentityRefusal
from ledger.identity.revocation import RevocationList
from ledger.identity.schema import card, renewal, revocation_list, revoked, service_id
from ledger.wire.answers import Standing
from ledger.wire.codes import MYKEY_LENGTH, as_meant, random_code
from ledger.wire.tokens import CardReference, ServiceId

RENEWAL: Final = "renewal"
"""The service name under which a registration brings the office's renewal code."""

_RENEWAL_DAYS: Final = 14
_CHUNK: Final = 10_000


@dataclass(frozen=True, slots=True)
class Holder:
    """What the ID table knows of a card; `mykey` and `public_key` are None where it is not registered."""

    standing: Standing
    mykey: str | None = None
    public_key: bytes | None = None


_KEYS: Final[BindParameter[bytes]] = bindparam("keys", expanding=True)
_KNOWN = select(card, exists().where(revoked.c.card_key == card.c.card_key).label("is_revoked")).where(
    card.c.card_key.in_(_KEYS)
)
_STOPPED = select(revoked.c.card_key).where(revoked.c.card_key.in_(_KEYS))

_NOBODY: Final = Holder(Standing.UNREGISTERED)


class Identity:
    """The identity store. `secret` keys the hash of every card: without it nobody finds a card by its serial number."""

    def __init__(self, engine: Engine, secret: bytes) -> None:
        # Whatever two requests decide at once is held by a key, which one of them finds taken.
        self._engine = with_row_locks(engine)
        self._single = one_by_one(engine)
        self._secret = secret

    def key_of(self, issuer: bytes, serial: int) -> bytes:
        """Return the card key: HMAC-SHA256 over SHA-256 of the issuer's DER name, and the serial number."""
        return hmac.digest(self._secret, issuer + serial.to_bytes(20, "big"), hashlib.sha256)

    def look_up(self, cards: Iterable[CardReference]) -> dict[CardReference, Holder]:
        """Return what is known of each card, in one query for however many; in two where not all are registered."""
        keys = {reference: self._key(reference) for reference in cards}
        if not keys:
            return {}
        with reading(self._single) as connection:
            known = connection.execute(_KNOWN, {"keys": list(keys.values())})
            holders = {row.card_key: _holder(row) for row in known}
            if strange := keys.values() - holders.keys():
                stopped = connection.scalars(_STOPPED, {"keys": list(strange)})
                holders |= {key: Holder(Standing.REVOKED) for key in stopped}
        return {reference: holders.get(key, _NOBODY) for reference, key in keys.items()}

    def services(self, mykey: str) -> list[ServiceId]:
        """Return the numbers that are linked to a MyKey ID."""
        query = select(service_id).where(service_id.c.mykey == mykey).order_by(service_id.c.service)
        with reading(self._single) as connection:
            return [ServiceId(service=row.service, number=row.number) for row in connection.execute(query)]

    def register(self, reference: CardReference, public_key: bytes, services: Sequence[ServiceId], on: date) -> str:
        """Register a card, or find it registered, link numbers to it, and return its MyKey ID.

        A number of the service `renewal` is the office's code: the new card then takes over the MyKey ID that the code
        was given out for, and the old card stands for nobody any more. Raise IdentityRefusal with code `card_revoked`,
        `card_suspended`, `renewal_code_wrong` or `service_taken`; nothing is changed then.
        """
        key = self._key(reference)

        def admit(connection: Connection) -> str:
            mykey = self._admit(connection, key, public_key, services, on)
            _link(connection, mykey, [each for each in services if each.service != RENEWAL])
            return mykey

        return repeated(self._engine, admit, on_taken_keys=True)

    def unlink(self, mykey: str, service: str) -> None:
        """Forget the number of one service."""
        query = delete(service_id).where(service_id.c.mykey == mykey, service_id.c.service == service)
        repeated(self._engine, lambda connection: connection.execute(query))

    def leave(self, mykey: str) -> None:
        """Forget a holder altogether: no row remains that names the MyKey ID or the card."""

        def forget(connection: Connection) -> None:
            for table in (service_id, renewal, card):
                connection.execute(delete(table).where(table.c.mykey == mykey))

        repeated(self._engine, forget)

    def find_mykey(self, number: ServiceId) -> str | None:
        """Return the MyKey ID that a service's number is linked to: how the office finds who telephones."""
        return self.find_mykeys([number]).get(number)

    def find_mykeys(self, numbers: Iterable[ServiceId]) -> dict[ServiceId, str]:
        """Return the MyKey IDs that services' numbers are linked to; of a number that is nobody's there is none."""
        wanted: dict[str, dict[str, ServiceId]] = defaultdict(dict)
        for each in numbers:
            wanted[each.service][each.number] = each
        query = select(service_id.c.number, service_id.c.mykey)
        with reading(self._engine) as connection:
            return {
                own[number]: mykey
                for service, own in wanted.items()
                for number, mykey in connection.execute(
                    query.where(service_id.c.service == service, service_id.c.number.in_(own))
                )
            }

    def known(self, mykeys: Iterable[str]) -> set[str]:
        """Return those MyKey IDs that somebody is registered under."""
        with reading(self._engine) as connection:
            return set(connection.scalars(select(card.c.mykey).where(card.c.mykey.in_(set(mykeys)))))

    def stop(self, mykey: str) -> None:
        """Suspend a holder at once; raise IdentityRefusal `mykey_unknown` where there is none."""
        self._set_state(mykey, Standing.SUSPENDED)

    def resume(self, mykey: str) -> None:
        """Lift a suspension; raise IdentityRefusal `mykey_unknown` where there is no such holder."""
        self._set_state(mykey, Standing.ACTIVE)

    def renewal_code(self, mykey: str, on: date) -> str:
        """Return a code with which a holder's renewed card may be registered, once, within two weeks.

        The office gives it to a person whom it has identified: the old card may be gone, and a serial number or a
        library number proves nothing. Raise IdentityRefusal `mykey_unknown` where there is no such holder.
        """
        code = random_code(12)
        expires_on = on + timedelta(days=_RENEWAL_DAYS)

        def give_out(connection: Connection) -> None:
            if connection.scalar(select(card.c.mykey).where(card.c.mykey == mykey)) is None:
                raise IdentityRefusal("mykey_unknown")
            connection.execute(delete(renewal).where((renewal.c.mykey == mykey) | (renewal.c.expires_on < on)))
            connection.execute(
                insert(renewal).values(code_key=self._code_key(code), mykey=mykey, expires_on=expires_on)
            )

        repeated(self._engine, give_out)
        return code

    def replace_revocations(self, revocations: RevocationList) -> int:
        """Take a revocation list in place of the last one of its scope, and return how many cards are on it.

        Raise IdentityRefusal `revocation_list_old` where a newer one is there already. Readers see the old list until
        the new one is complete.
        """
        scope, issuer = revocations.scope, revocations.issuer

        def replace(connection: Connection) -> int:
            count = 0
            newest = connection.scalar(select(revocation_list.c.issued).where(revocation_list.c.scope == scope))
            if newest is not None and newest > revocations.issued:
                raise IdentityRefusal("revocation_list_old")
            connection.execute(delete(revocation_list).where(revocation_list.c.scope == scope))
            connection.execute(insert(revocation_list).values(scope=scope, issued=revocations.issued))
            connection.execute(delete(revoked).where(revoked.c.scope == scope))
            serials = iter(revocations.serials)
            while chunk := [{"card_key": self.key_of(issuer, n), "scope": scope} for n in islice(serials, _CHUNK)]:
                connection.execute(insert(revoked), chunk)
                count += len(chunk)
            return count

        return repeated(self._engine, replace)

    def _admit(
        self, connection: Connection, key: bytes, public_key: bytes, services: Sequence[ServiceId], on: date
    ) -> str:
        if connection.scalar(select(revoked.c.scope).where(revoked.c.card_key == key).limit(1)):
            raise IdentityRefusal("card_revoked")
        if (known := connection.execute(select(card).where(card.c.card_key == key)).one_or_none()) is not None:
            if known.state != Standing.ACTIVE:
                raise IdentityRefusal("card_suspended")
            return str(known.mykey)
        for each in services:
            if each.service == RENEWAL:
                return self._renew(connection, each.number, key, public_key, on)
        mykey = random_code(MYKEY_LENGTH)
        connection.execute(insert(card).values(card_key=key, mykey=mykey, public_key=public_key, state=Standing.ACTIVE))
        return mykey

    def _renew(self, connection: Connection, code: str, key: bytes, public_key: bytes, on: date) -> str:
        query = (
            delete(renewal)
            .where(renewal.c.code_key == self._code_key(code), renewal.c.expires_on >= on)
            .returning(renewal.c.mykey)
        )
        mykey: str | None = connection.scalar(query)
        if mykey is None:
            raise IdentityRefusal("renewal_code_wrong")
        # A stop was for the lost card; whoever got the code was identified by the office since.
        connection.execute(
            update(card).where(card.c.mykey == mykey).values(card_key=key, public_key=public_key, state=Standing.ACTIVE)
        )
        return mykey

    def _set_state(self, mykey: str, state: Standing) -> None:
        query = update(card).where(card.c.mykey == mykey).values(state=state)
        if repeated(self._engine, lambda connection: connection.execute(query).rowcount) == 0:
            raise IdentityRefusal("mykey_unknown")

    def _key(self, reference: CardReference) -> bytes:
        return self.key_of(bytes.fromhex(reference.issuer_sha256), int(reference.serial, 16))

    def _code_key(self, code: str) -> bytes:
        return hmac.digest(self._secret, b"renewal " + as_meant(code).encode(), hashlib.sha256)


def _holder(row: Row[Any]) -> Holder:
    return Holder(Standing.REVOKED if row.is_revoked else Standing(row.state), row.mykey, row.public_key)


def _link(connection: Connection, mykey: str, services: Sequence[ServiceId]) -> None:
    for each in services:
        owner = select(service_id.c.mykey).where(
            service_id.c.service == each.service, service_id.c.number == each.number
        )
        match connection.scalar(owner):
            case None:
                connection.execute(
                    delete(service_id).where(service_id.c.mykey == mykey, service_id.c.service == each.service)
                )
                connection.execute(insert(service_id).values(mykey=mykey, service=each.service, number=each.number))
            case found if found != mykey:
                raise IdentityRefusal("service_taken")
