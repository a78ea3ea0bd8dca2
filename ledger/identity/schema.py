"""The tables of the identity store."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

metadata = MetaData()

card = Table(
    "card",
    metadata,
    Column("card_key", LargeBinary(32), primary_key=True),
    Column("mykey", String(10), nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("state", String(9), nullable=False),
    Column("not_after", BigInteger),
    Column("municipality", String(6), nullable=False, server_default=""),
    Column("contact_version", Integer, nullable=False, server_default="0"),
    Column("contact_key", LargeBinary(32)),
    Index("card_by_contact", "contact_key", unique=True),
    Index("card_by_municipality", "municipality"),
    # Rows lie in the order of the key: the order of insertion would show who registered when, and so where.
    sqlite_with_rowid=False,
)
"""One row per holder: the card that stands for them now. `public_key` is DER SubjectPublicKeyInfo.

`not_after` is the end of its certificate in seconds since 1970, `town` the municipality whose shop registered the
holder. The contact number follows from the ledger's key, the MyKey ID and `contact_version`; `contact_key` is its keyed
hash. What release 0.1.0 registered has no end, no number before it is asked for, and a town only where there was one.
"""

service_number = Table(
    "service_number",
    metadata,
    Column("mykey", String(10), ForeignKey("card.mykey"), primary_key=True),
    Column("municipality", String(6), primary_key=True),
    Column("service", String(32), primary_key=True),
    Column("number", String(32), nullable=False),
    UniqueConstraint("municipality", "service", "number"),
    sqlite_with_rowid=False,
)
"""A holder's own numbers at shops, libraries and museums: one per service, which belongs to a municipality."""

renewal = Table(
    "renewal",
    metadata,
    Column("code_key", LargeBinary(32), primary_key=True),
    Column("mykey", String(10), ForeignKey("card.mykey"), nullable=False),
    Column("expires_on", Date, nullable=False),
    sqlite_with_rowid=False,
)
"""Hashes of the office's renewal codes: a new card that is registered with one takes the MyKey ID over."""

renewal_request = Table(
    "renewal_request",
    metadata,
    Column("mykey", String(10), ForeignKey("card.mykey"), primary_key=True),
    Column("municipality", String(6), primary_key=True),
    Column("who", String(40), nullable=False),
    Column("asked_on", Date, nullable=False),
    sqlite_with_rowid=False,
)
"""Who, in a town that did not register a holder, asked for a code: a second person confirms it after a day."""

superseded = Table(
    "superseded",
    metadata,
    Column("card_key", LargeBinary(32), primary_key=True),
    sqlite_with_rowid=False,
)
"""Cards that a renewal replaced: they cannot be registered again."""

departed = Table(
    "departed",
    metadata,
    Column("tombstone", LargeBinary(32), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""Who left: a keyed hash of their card, and what comes back with it alone; see `ledger.identity.tombstones`."""

revoked = Table(
    "revoked",
    metadata,
    Column("card_key", LargeBinary(32), primary_key=True),
    Column("scope", LargeBinary(32), primary_key=True, index=True),
    sqlite_with_rowid=False,
)
"""Every card on a revocation list, registered or not, by its card key, and the list's scope."""

revocation_list = Table(
    "revocation_list",
    metadata,
    Column("scope", LargeBinary(32), primary_key=True),
    Column("issued", BigInteger, nullable=False),
)
"""When the last list of each scope (an issuer, or an issuer's distribution point) was issued, in seconds since 1970."""

mark = Table(
    "identity_mark",
    metadata,
    Column("name", String(6), primary_key=True),
    Column("ledger", String(32), nullable=False),
    Column("key_print", String(64), nullable=False),
    Column("epoch", BigInteger, nullable=False),
)
"""One row: which ledger this store belongs to, the fingerprint of its key, and how often it was restored, plus one."""
