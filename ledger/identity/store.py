"""The ID table: look a card up, register it, link numbers to it, stop it, forget it."""

from __future__ import annotations

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BindParameter,
    Connection,
    Engine,
    Row,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    union_all,
    update,
)

from ledger.database import one_by_one, reading, repeated, with_row_locks
from ledger.identity.errors import IdentityRefusal
from ledger.identity.revocation import RevocationList
from ledger.identity.schema import (
    card,
    departed,
    renewal,
    renewal_request,
    revocation_list,
    revoked,
    service_number,
    superseded,
)
from ledger.identity.tombstones import Tombstone, finder
from ledger.wire.answers import Standing
from ledger.wire.codes import MYKEY_LENGTH, as_meant, contact_of, random_code
from ledger.wire.tokens import CardReference, ServiceId

RENEWAL: Final = "renewal"
"""The service name under which a registration brings the office's renewal code."""

_RENEWAL_DAYS: Final = 14
_CHUNK: Final = 10_000
_PEOPLE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Holder:
    """What the ID table knows of a card; `mykey` and `public_key` are None where it is not registered."""

    standing: Standing
    mykey: str | None = None
    public_key: bytes | None = None


class NumberOf(NamedTuple):
    """A number of a municipality's service."""

    municipality: str
    service: str
    number: str


_KEYS: Final[BindParameter[bytes]] = bindparam("keys", expanding=True)
_KNOWN = select(card, exists().where(revoked.c.card_key == card.c.card_key).label("is_revoked")).where(
    card.c.card_key.in_(_KEYS)
)
_STRANGE = union_all(
    select(revoked.c.card_key, literal(str(Standing.REVOKED)).label("standing")).where(revoked.c.card_key.in_(_KEYS)),
    select(superseded.c.card_key, literal(str(Standing.SUPERSEDED))).where(superseded.c.card_key.in_(_KEYS)),
)
"""The answer for a card that is not registered."""

_KEPT: Final = b"\0" * 32
"""The scope of cards that stay revoked although a later list has dropped them: they had ended (RFC 5280, 3.3)."""

_NOBODY: Final = Holder(Standing.UNREGISTERED)


class Identity:
    """The identity store. `secret` keys the hash of every card: without it nobody finds a card by its serial number."""

    def __init__(
        self, engine: Engine, secret: bytes, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._clock = clock
        # Two requests may decide the same thing at once: a unique key lets one of them through.
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
            holders = {row.card_key: _holder(row, self._seconds()) for row in known}
            if strange := keys.values() - holders.keys():
                rows = connection.execute(_STRANGE, {"keys": list(strange)})
                holders |= {row.card_key: Holder(Standing(row.standing)) for row in rows}
        return {reference: holders.get(key, _NOBODY) for reference, key in keys.items()}

    def services(self, mykey: str) -> list[ServiceId]:
        """Return the numbers that are linked to a MyKey ID, of every municipality."""
        query = select(service_number).where(service_number.c.mykey == mykey)
        query = query.order_by(service_number.c.municipality, service_number.c.service)
        with reading(self._single) as connection:
            return [
                ServiceId(service=row.service, number=row.number, municipality=row.municipality or None)
                for row in connection.execute(query)
            ]

    def register(
        self,
        reference: CardReference,
        public_key: bytes,
        services: Sequence[ServiceId],
        on: date,
        *,
        municipality: str = "",
        ends: datetime | None = None,
        linkable: Container[str] | None = None,
    ) -> str:
        """Register a card, or find it registered, link numbers to it, and return its MyKey ID.

        `town` is the municipality that registers, `ends` the end of the certificate. A number without a municipality is
        the town's. One of the service `renewal` is the office's code: the new card then takes over the MyKey ID that
        the code was given out for, and the old card stands for nobody any more. Of the town's services `linkable` are
        those that may be linked here, all where it is None. Raise IdentityRefusal with code `card_revoked`,
        `card_superseded`, `card_suspended`, `renewal_code_wrong`, `service_elsewhere` or `service_taken`; nothing is
        changed then.
        """
        fields = {
            "card_key": self._key(reference),
            "public_key": public_key,
            "state": Standing.ACTIVE,
            "not_after": None if ends is None else int(ends.timestamp()),
        }
        codes = [each.number for each in services if each.service == RENEWAL]
        numbers = [
            NumberOf(municipality if each.municipality is None else each.municipality, each.service, each.number)
            for each in services
            if each.service != RENEWAL
        ]

        own = {(municipality, each.service) for each in numbers if linkable is None or each.service in linkable}

        def admit(connection: Connection) -> str:
            mykey = self._admit(connection, fields, municipality, codes, on)
            if linkable is not None and any(each[:2] not in own for each in numbers):
                raise IdentityRefusal("service_elsewhere")
            _link(connection, mykey, numbers)
            return mykey

        return repeated(self._engine, admit, on_taken_keys=True)

    def contact_number(self, mykey: str) -> str:
        """Return the short number by which a holder is called on the telephone: not the MyKey ID, and replaceable.

        Raise IdentityRefusal `mykey_unknown` where there is no such holder.
        """
        return self._contact(mykey, renewed=False)

    def replace_contact_number(self, mykey: str) -> str:
        """Give a holder another contact number; the old one stops working."""
        return self._contact(mykey, renewed=True)

    def find_contact(self, number: str) -> str | None:
        """Return the MyKey ID that a contact number belongs to, None where it belongs to none."""
        return self.find_contacts([number]).get(number)

    def find_contacts(self, numbers: Iterable[str]) -> dict[str, str]:
        """Return the MyKey IDs that contact numbers call."""
        keys = {self._contact_key(number): number for number in numbers}
        query = select(card.c.contact_key, card.c.mykey).where(card.c.contact_key.in_(list(keys)))
        with reading(self._engine) as connection:
            return {keys[row.contact_key]: row.mykey for row in connection.execute(query)}

    def unlink(self, mykey: str, service: str, municipality: str) -> None:
        """Forget the number of one service of a municipality."""
        query = delete(service_number).where(
            service_number.c.mykey == mykey,
            service_number.c.service == service,
            service_number.c.municipality == municipality,
        )
        repeated(self._engine, lambda connection: connection.execute(query))

    def leave(self, mykey: str) -> None:
        """Forget a holder: no row remains that names the MyKey ID or the card, but for a tombstone that names neither.

        Who registers the same card again is the same holder again.
        """

        def forget(connection: Connection) -> None:
            if (row := connection.execute(select(card).where(card.c.mykey == mykey)).one_or_none()) is None:
                return
            found = finder(self._secret, row.card_key)
            left = Tombstone(mykey, row.contact_version, row.state)
            sealed = left.sealed(self._secret, row.card_key)
            connection.execute(delete(departed).where(departed.c.tombstone == found))
            connection.execute(insert(departed).values(tombstone=found, sealed=sealed))
            for table in (service_number, renewal, renewal_request, card):
                connection.execute(delete(table).where(table.c.mykey == mykey))

        repeated(self._engine, forget)

    def find_mykey(self, number: ServiceId, municipality: str = "") -> str | None:
        """Return the MyKey ID that a service's number is linked to: how the office finds who telephones."""
        return self.find_mykeys([number], municipality).get(number)

    def find_mykeys(self, numbers: Iterable[ServiceId], municipality: str = "") -> dict[ServiceId, str]:
        """Return the MyKey IDs that services' numbers are linked to; a number that is not linked is left out.

        A number without a municipality is the town's.
        """
        wanted: dict[tuple[str, str], dict[str, ServiceId]] = defaultdict(dict)
        for each in numbers:
            wanted[each.municipality or municipality, each.service][each.number] = each
        query = select(service_number.c.number, service_number.c.mykey)
        with reading(self._engine) as connection:
            return {
                own[number]: mykey
                for (issuer, service), own in wanted.items()
                for number, mykey in connection.execute(
                    query.where(
                        service_number.c.municipality == issuer,
                        service_number.c.service == service,
                        service_number.c.number.in_(own),
                    )
                )
            }

    def municipality_of(self, mykey: str) -> str:
        """Return the municipality that registered a holder; empty for an earlier release's holder, until assigned.

        Raise IdentityRefusal `mykey_unknown` where there is no such holder.
        """
        with reading(self._engine) as connection:
            municipality: str | None = connection.scalar(select(card.c.municipality).where(card.c.mykey == mykey))
        if municipality is None:
            raise IdentityRefusal("mykey_unknown")
        return municipality

    def unassigned(self) -> dict[str, int]:
        """Return, by service, how many numbers of an earlier release have no municipality yet."""
        query = select(service_number.c.service, func.count()).where(service_number.c.municipality == "")
        with reading(self._engine) as connection:
            return {row[0]: int(row[1]) for row in connection.execute(query.group_by(service_number.c.service))}

    def has_unassigned(self) -> bool:
        """Return whether a holder of an earlier release has no municipality yet."""
        query = select(exists().where(card.c.municipality == "") | exists().where(service_number.c.municipality == ""))
        with reading(self._engine) as connection:
            return bool(connection.scalar(query))

    def assign(self, municipality: str, service: str | None = None) -> int:
        """Assign an earlier release's numbers to a municipality: those of one service, or (with the holders) all."""
        of_nobody = [service_number.c.municipality == ""]
        of_nobody += [] if service is None else [service_number.c.service == service]

        def work(connection: Connection) -> int:
            if service is None:
                connection.execute(update(card).where(card.c.municipality == "").values(municipality=municipality))
            return connection.execute(
                update(service_number).where(*of_nobody).values(municipality=municipality)
            ).rowcount

        return repeated(self._engine, work)

    def known(self, mykeys: Iterable[str]) -> set[str]:
        """Return those MyKey IDs that somebody is registered under."""
        with reading(self._engine) as connection:
            return set(connection.scalars(select(card.c.mykey).where(card.c.mykey.in_(set(mykeys)))))

    def holders(self, mykeys: Iterable[str]) -> dict[str, Holder]:
        """Return the cards that stand for some residents now, by MyKey ID; who is not registered is not there."""
        found: dict[str, Holder] = {}
        wanted = sorted(set(mykeys))
        is_revoked = exists().where(revoked.c.card_key == card.c.card_key).label("is_revoked")
        for start in range(0, len(wanted), _PEOPLE):
            query = select(card, is_revoked).where(card.c.mykey.in_(wanted[start : start + _PEOPLE]))
            with reading(self._single) as connection:
                found |= {row.mykey: _holder(row, self._seconds()) for row in connection.execute(query)}
        return found

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
            connection.execute(delete(renewal_request).where(renewal_request.c.mykey == mykey))
            connection.execute(
                insert(renewal).values(code_key=self._code_key(code), mykey=mykey, expires_on=expires_on)
            )

        repeated(self._engine, give_out)
        return code

    def renewal_asked(self, mykey: str, municipality: str) -> tuple[str, date] | None:
        """Return the officer of a town who asked for a holder's renewal code, and the day; None where none did."""
        query = select(renewal_request.c.who, renewal_request.c.asked_on).where(
            renewal_request.c.mykey == mykey, renewal_request.c.municipality == municipality
        )
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (row.who, row.asked_on)

    def ask_renewal(self, mykey: str, municipality: str, who: str, on: date) -> None:
        """Record that an officer of a town asked for a holder's renewal code."""
        fields = {"mykey": mykey, "municipality": municipality, "who": who, "asked_on": on}
        repeated(self._engine, lambda connection: connection.execute(insert(renewal_request), fields))

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
            stay = _ended(connection, scope, revocations.issued)
            connection.execute(delete(revocation_list).where(revocation_list.c.scope == scope))
            connection.execute(insert(revocation_list).values(scope=scope, issued=revocations.issued))
            connection.execute(delete(revoked).where(revoked.c.scope == scope))
            serials = iter(revocations.serials)
            while chunk := [{"card_key": self.key_of(issuer, n), "scope": scope} for n in islice(serials, _CHUNK)]:
                connection.execute(insert(revoked), chunk)
                count += len(chunk)
            for key in stay:
                connection.execute(delete(revoked).where(revoked.c.card_key == key, revoked.c.scope == _KEPT))
                connection.execute(insert(revoked).values(card_key=key, scope=_KEPT))
            return count

        return repeated(self._engine, replace)

    def _admit(
        self, connection: Connection, fields: Mapping[str, Any], municipality: str, codes: Sequence[str], on: date
    ) -> str:
        key = fields["card_key"]
        if connection.scalar(select(revoked.c.scope).where(revoked.c.card_key == key).limit(1)):
            raise IdentityRefusal("card_revoked")
        if connection.scalar(select(superseded.c.card_key).where(superseded.c.card_key == key)) is not None:
            raise IdentityRefusal("card_superseded")
        if (known := connection.execute(select(card).where(card.c.card_key == key)).one_or_none()) is not None:
            if known.state != Standing.ACTIVE:
                raise IdentityRefusal("card_suspended")
            if known.not_after is None:  # an earlier release kept no end
                connection.execute(update(card).where(card.c.card_key == key).values(not_after=fields["not_after"]))
            return str(known.mykey)
        if codes:
            return self._renew(connection, codes[0], fields, on)
        back = self._come_back(connection, key)
        mykey, version = (random_code(MYKEY_LENGTH), 0) if back is None else (back.mykey, back.contact_version)
        row = {**fields, "mykey": mykey, "municipality": municipality, "contact_version": version}
        connection.execute(insert(card).values(row))
        return mykey

    def _come_back(self, connection: Connection, key: bytes) -> Tombstone | None:
        """Return who left with a card, and take the tombstone away."""
        query = delete(departed).where(departed.c.tombstone == finder(self._secret, key)).returning(departed.c.sealed)
        sealed: bytes | None = connection.scalar(query)
        if sealed is None:
            return None
        left = Tombstone.opened(sealed, self._secret, key)
        if left.state != Standing.ACTIVE:
            raise IdentityRefusal("card_suspended")
        return left

    def _renew(self, connection: Connection, code: str, fields: Mapping[str, Any], on: date) -> str:
        query = (
            delete(renewal)
            .where(renewal.c.code_key == self._code_key(code), renewal.c.expires_on >= on)
            .returning(renewal.c.mykey)
        )
        mykey: str | None = connection.scalar(query)
        if mykey is None:
            raise IdentityRefusal("renewal_code_wrong")
        old = connection.scalar(select(card.c.card_key).where(card.c.mykey == mykey))
        connection.execute(insert(superseded).values(card_key=old))
        # The suspension was for the lost card; the office has identified the holder since.
        connection.execute(update(card).where(card.c.mykey == mykey).values(**fields))
        return mykey

    def _contact(self, mykey: str, *, renewed: bool) -> str:
        def work(connection: Connection) -> str:
            named = select(card.c.contact_version, card.c.contact_key).where(card.c.mykey == mykey).with_for_update()
            row = connection.execute(named).one_or_none()
            if row is None:
                raise IdentityRefusal("mykey_unknown")
            version = int(row.contact_version)
            if row.contact_key is not None and not renewed:
                return self._contact_at(mykey, version)
            taken = select(card.c.mykey).where(card.c.contact_key == bindparam("key"))
            while True:  # one of 34 thousand million numbers may be taken already
                version += 1
                number = self._contact_at(mykey, version)
                if connection.scalar(taken, {"key": self._contact_key(number)}) is None:
                    break
            fields = {"contact_version": version, "contact_key": self._contact_key(number)}
            connection.execute(update(card).where(card.c.mykey == mykey).values(**fields))
            return number

        return repeated(self._engine, work, on_taken_keys=True)

    def _contact_at(self, mykey: str, version: int) -> str:
        return contact_of(hmac.digest(self._secret, f"contact {mykey} {version}".encode(), hashlib.sha256))

    def _contact_key(self, number: str) -> bytes:
        return hmac.digest(self._secret, b"contact key " + as_meant(number).encode(), hashlib.sha256)

    def _seconds(self) -> int:
        return int(self._clock().timestamp())

    def _set_state(self, mykey: str, state: Standing) -> None:
        query = update(card).where(card.c.mykey == mykey).values(state=state)
        if repeated(self._engine, lambda connection: connection.execute(query).rowcount) == 0:
            raise IdentityRefusal("mykey_unknown")

    def _key(self, reference: CardReference) -> bytes:
        return self.key_of(bytes.fromhex(reference.issuer_sha256), int(reference.serial, 16))

    def _code_key(self, code: str) -> bytes:
        return hmac.digest(self._secret, b"renewal " + as_meant(code).encode(), hashlib.sha256)


def _holder(row: Row[Any], now: int) -> Holder:
    standing = Standing.REVOKED if row.is_revoked else Standing(row.state)
    if standing is Standing.ACTIVE and row.not_after is not None and row.not_after < now:
        standing = Standing.EXPIRED
    return Holder(standing, row.mykey, row.public_key)


def _ended(connection: Connection, scope: bytes, issued: int) -> list[bytes]:
    """Return the holders' cards on the list so far whose certificates had ended when the new one was issued.

    The authority drops such cards from its list, and they are not good again for that. Of what an earlier release
    registered the end is not known: such a card stays revoked too, until the office renews it.
    """
    ended = (card.c.not_after <= issued) | card.c.not_after.is_(None)
    query = select(card.c.card_key).join(revoked, revoked.c.card_key == card.c.card_key)
    return list(connection.scalars(query.where(revoked.c.scope == scope, ended)))


def _link(connection: Connection, mykey: str, numbers: Iterable[NumberOf]) -> None:
    for each in numbers:
        of_service = (service_number.c.municipality == each.municipality, service_number.c.service == each.service)
        match connection.scalar(
            select(service_number.c.mykey).where(*of_service, service_number.c.number == each.number)
        ):
            case None:
                connection.execute(delete(service_number).where(*of_service, service_number.c.mykey == mykey))
                connection.execute(insert(service_number).values(mykey=mykey, **each._asdict()))
            case found if found != mykey:
                raise IdentityRefusal("service_taken")
