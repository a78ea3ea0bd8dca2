"""Who may take part: programmes and their versions, shops, and terminals enrolled with a one-time code."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, Engine, bindparam, case, delete, select, update

from config.errors import KnownError
from config.municipalities import is_known
from ledger.database import one_by_one, reading, repeated
from ledger.points.bulk import put
from ledger.points.closes import OPEN, ClosedUpTo
from ledger.points.programmes import load_programmes, usable_programmes
from ledger.points.schema import enrolment_codes, partners, programmes, services, shops, terminals
from ledger.wire.codes import as_meant, random_code
from ledger.wire.entries import FIRST_PREVIOUS_HASH, FORM
from ledger.wire.rules import Programme, accepts
from ledger.wire.setup import Shop

CODE_LIFE = timedelta(days=7)
"""How long a one-time code may lie about."""

_WITHDRAWN: Final = b""
"""Stands for the key of a terminal that was withdrawn: there is none that fits it."""


_NAMED = (terminals.c.municipality == bindparam("municipality_code"), terminals.c.terminal == bindparam("id"))
_TERMINAL = select(terminals, shops.c.name, shops.c.day_starts_at).join(shops).where(*_NAMED)
_SERVICES = select(services.c.service).where(
    services.c.municipality == bindparam("municipality_code"), services.c.shop == bindparam("shop")
)
_FORWARD = (
    update(terminals)
    .where(*_NAMED, terminals.c.head_seq < bindparam("seq"))
    .values(
        head_seq=bindparam("seq"),
        head_hash=bindparam("hash"),
        form=case((terminals.c.form < bindparam("form"), bindparam("form")), else_=terminals.c.form),
    )
)
"""What is asked and done at every request is put together once: that takes longer than the answer."""


class RegistryError(KnownError):
    """What was to be registered does not fit what is there; `code` is stable, and its texts say how."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(f"{code}: {what}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Terminal:
    """An enrolled terminal, its key, and where the ledger stands in its journal."""

    id: str
    shop: Shop
    public_key: Ed25519PublicKey
    head_seq: int
    head_hash: str
    closed: ClosedUpTo = OPEN
    form: int = FORM
    """The newest form of an entry that it sent: it goes back to no earlier one."""


class Registry:
    """Keeps programmes, shops, terminals and one-time codes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._single = one_by_one(engine)

    # Programmes and shops ----------------------------------------------------------------------------------------

    def add_programmes(self, new: Iterable[Programme]) -> None:
        """Add versions of programmes; the same again does nothing, a version is never changed."""
        asked = list(new)

        def work(connection: Connection) -> None:
            there = {(p.code, p.version): p for p in load_programmes(connection, {p.municipality for p in asked})}
            for programme in asked:
                known = there.get((programme.code, programme.version))
                if known is not None and known != programme:
                    raise RegistryError("version_taken", f"{programme.code} {programme.version}")
                if known is None:
                    row = {
                        "municipality": programme.municipality,
                        "code": programme.code,
                        "version": programme.version,
                        "rules": programme.model_dump_json(),
                    }
                    connection.execute(programmes.insert(), row)
                    for home in programme.usable.also_in:
                        put(connection, partners, home, [(programme.municipality,)])

        repeated(self._engine, work, on_taken_keys=True)

    def programmes(self, municipalities: Iterable[str]) -> list[Programme]:
        """Return every version of the programmes of some municipalities, in the order of code and version."""
        with reading(self._engine) as connection:
            return sorted(load_programmes(connection, municipalities), key=lambda p: (p.code, p.version))

    def programmes_at(self, shop: str) -> list[Programme]:
        """Return every version of the programmes of a shop's municipality, and of those that the shop accepts."""
        with reading(self._engine) as connection:
            there = usable_programmes(connection, shop[:6])
        return [each for each in there if each.municipality == shop[:6] or accepts(each, shop)]

    def municipalities(self) -> list[str]:
        """Return the municipalities that have programmes here."""
        with reading(self._engine) as connection:
            return sorted(connection.scalars(select(programmes.c.municipality).distinct()))

    def add_shop(self, shop: Shop) -> None:
        """Add a shop, or change its name; raise RegistryError `municipality_unknown` where its code is no shop's."""
        if not is_known(shop.code[:6]):
            raise RegistryError("municipality_unknown", shop.code)

        said = {"name": shop.name, "day_starts_at": shop.day_starts_at}

        def work(connection: Connection) -> None:
            key = (shops.c.municipality == shop.code[:6], shops.c.shop == shop.code)
            if connection.execute(update(shops).where(*key).values(**said)).rowcount == 0:
                row = {"municipality": shop.code[:6], "shop": shop.code, **said}
                connection.execute(shops.insert(), row)

        repeated(self._engine, work, on_taken_keys=True)

    def shops(self, municipality: str) -> list[Shop]:
        """Return a municipality's shops, in the order of their codes."""
        query = select(shops).where(shops.c.municipality == municipality).order_by(shops.c.shop)
        with reading(self._engine) as connection:
            return [_named(row.shop, row.name, row.day_starts_at) for row in connection.execute(query)]

    # Services ----------------------------------------------------------------------------------------------------

    def set_service(self, municipality: str, service: str, shop_codes: Iterable[str]) -> None:
        """Say which shops of a municipality link a service's numbers and see them: these, and no other.

        Raise RegistryError `shop_unknown` where one is not there.
        """
        wanted = sorted(set(shop_codes))

        def work(connection: Connection) -> None:
            for each in wanted:
                _shop(connection, each)
            of_service = (services.c.municipality == municipality, services.c.service == service)
            connection.execute(delete(services).where(*of_service))
            put(connection, services, municipality, [(service, each) for each in wanted])

        repeated(self._engine, work)

    def services(self, municipality: str) -> list[tuple[str, str]]:
        """Return a municipality's services, each with every shop that links it."""
        query = select(services.c.service, services.c.shop).where(services.c.municipality == municipality)
        with reading(self._engine) as connection:
            return sorted((service, shop) for service, shop in connection.execute(query))

    def services_at(self, shop: str) -> set[str]:
        """Return the services of its municipality whose numbers a shop links and sees."""
        with reading(self._single) as connection:
            return set(connection.scalars(_SERVICES, {"municipality_code": shop[:6], "shop": shop}))

    # Terminals ---------------------------------------------------------------------------------------------------

    def new_enrolment_code(self, shop: str, now: datetime) -> str:
        """Return a new one-time code for a terminal of a shop; raise RegistryError where there is no such shop."""
        code = "-".join(random_code(4) for _ in range(3))

        def work(connection: Connection) -> None:
            _shop(connection, shop)
            connection.execute(
                enrolment_codes.insert(),
                {
                    "municipality": shop[:6],
                    "code_hash": _hash(code),
                    "shop": shop,
                    "expires_at": (now + CODE_LIFE).isoformat(),
                    "terminal": None,
                },
            )

        repeated(self._engine, work)
        return code

    def redeem_enrolment_code(self, code: str, key: Ed25519PublicKey, now: datetime) -> Terminal | None:
        """Enrol a key under the shop's next terminal number; None where the code is unknown, used or too old.

        The same code with the same key gives the same terminal again: its first answer may have been lost.
        """
        raw = key.public_bytes_raw()

        def work(connection: Connection) -> Terminal | None:
            # Locked: of two that bring one code at once, the second finds it used.
            named = select(enrolment_codes).where(enrolment_codes.c.code_hash == _hash(code)).with_for_update()
            found = connection.execute(named).mappings().first()
            if found is None:
                return None
            if found["terminal"] is not None:
                terminal = _terminal(connection, found["terminal"])
                same = terminal is not None and terminal.public_key.public_bytes_raw() == raw
                return terminal if same else None
            if datetime.fromisoformat(found["expires_at"]) < now:
                return None
            return _enrol(connection, found["shop"], found["code_hash"], raw)

        return repeated(self._engine, work, on_taken_keys=True)

    def terminal(self, terminal_id: str) -> Terminal | None:
        """Return an enrolled terminal, None where there is none."""
        with reading(self._single) as connection:
            return _terminal(connection, terminal_id)

    def is_withdrawn(self, terminal_id: str) -> bool:
        """Return whether there was a terminal of this name of which nothing is taken any more."""
        named = (terminals.c.municipality == terminal_id[:6], terminals.c.terminal == terminal_id)
        with reading(self._single) as connection:
            return connection.scalar(select(terminals.c.public_key).where(*named)) == _WITHDRAWN

    def closed_seq(self, terminal_id: str) -> int:
        """Return the last entry of a terminal's journal that a close covers, also of one that was withdrawn."""
        named = (terminals.c.municipality == terminal_id[:6], terminals.c.terminal == terminal_id)
        with reading(self._single) as connection:
            return connection.scalar(select(terminals.c.closed_seq).where(*named)) or 0

    def terminals(self, municipality: str) -> list[str]:
        """Return the terminals of a municipality whose requests are taken."""
        query = select(terminals.c.terminal).where(
            terminals.c.municipality == municipality, terminals.c.public_key != _WITHDRAWN
        )
        with reading(self._engine) as connection:
            return sorted(connection.scalars(query))

    def withdraw(self, terminal_id: str) -> None:
        """Take nothing more from a terminal, which was lost or is not used any more; its number stays taken.

        Raise RegistryError `terminal_unknown` where there is none.
        """
        forget = (
            update(terminals)
            .where(terminals.c.municipality == terminal_id[:6], terminals.c.terminal == terminal_id)
            .values(public_key=_WITHDRAWN)
        )
        if repeated(self._engine, lambda connection: connection.execute(forget).rowcount) == 0:
            raise RegistryError("terminal_unknown", terminal_id)

    def advance_head(self, terminal_id: str, seq: int, digest: str, form: int = FORM) -> bool:
        """Move the head of a terminal's journal forward; return False where it is there already, or beyond.

        `form` is the newest form among the entries that were taken in.
        """
        # `_FORWARD` itself compares: of two processes that took uploads in at once, the slower one must
        # not move the head back, and no lock is held while operations are decided.
        named = {"municipality_code": terminal_id[:6], "id": terminal_id, "seq": seq, "hash": digest, "form": form}
        return repeated(self._single, lambda connection: connection.execute(_FORWARD, named).rowcount > 0)


def _enrol(connection: Connection, shop: str, code_hash: str, raw: bytes) -> Terminal:
    taken = connection.execute(
        select(terminals.c.terminal).where(terminals.c.municipality == shop[:6], terminals.c.shop == shop)
    ).scalars()
    number = max((int(each[-2:]) for each in taken), default=0) + 1
    if number > 99:
        raise RegistryError("shop_full", shop)
    terminal_id = f"{shop}-{number:02d}"
    connection.execute(
        terminals.insert(),
        {
            "municipality": shop[:6],
            "terminal": terminal_id,
            "shop": shop,
            "public_key": raw,
            "head_seq": 0,
            "head_hash": FIRST_PREVIOUS_HASH,
            "form": FORM,
        },
    )
    connection.execute(
        update(enrolment_codes)
        .where(enrolment_codes.c.municipality == shop[:6], enrolment_codes.c.code_hash == code_hash)
        .values(terminal=terminal_id)
    )
    key = Ed25519PublicKey.from_public_bytes(raw)
    return Terminal(terminal_id, _shop(connection, shop), key, 0, FIRST_PREVIOUS_HASH)


def _shop(connection: Connection, code: str) -> Shop:
    query = select(shops).where(shops.c.municipality == code[:6], shops.c.shop == code)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise RegistryError("shop_unknown", code)
    return _named(code, row.name, row.day_starts_at)


def _named(code: str, name: str, day_starts_at: int) -> Shop:
    return Shop(code=code, name=name, day_starts_at=day_starts_at)


def _terminal(connection: Connection, terminal_id: str) -> Terminal | None:
    row = connection.execute(_TERMINAL, {"municipality_code": terminal_id[:6], "id": terminal_id}).mappings().first()
    if row is None or row["public_key"] == _WITHDRAWN:
        return None
    key = Ed25519PublicKey.from_public_bytes(row["public_key"])
    shop = _named(row["shop"], row["name"], row["day_starts_at"])
    closed = ClosedUpTo(row["closed_seq"], row["closed_day"])
    return Terminal(terminal_id, shop, key, row["head_seq"], row["head_hash"], closed, row["form"])


def _hash(code: str) -> str:
    """Return what is kept of a code: it has 60 random bits, so a plain hash gives nothing away."""
    return hashlib.sha256(as_meant(code).encode()).hexdigest()
