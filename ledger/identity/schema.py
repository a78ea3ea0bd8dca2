"""The tables of the identity store."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
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
    # In the order of the key, not of insertion: who registered when, and so where, is nobody's to read.
    sqlite_with_rowid=False,
)
"""One row per holder: the card that stands for them now. `public_key` is DER SubjectPublicKeyInfo."""

service_id = Table(
    "service_id",
    metadata,
    Column("mykey", String(10), ForeignKey("card.mykey"), primary_key=True),
    Column("service", String(32), primary_key=True),
    Column("number", String(32), nullable=False),
    UniqueConstraint("service", "number"),
    sqlite_with_rowid=False,
)
"""A holder's own numbers at shops, libraries and museums: one per service."""

renewal = Table(
    "renewal",
    metadata,
    Column("code_key", LargeBinary(32), primary_key=True),
    Column("mykey", String(10), ForeignKey("card.mykey"), nullable=False),
    Column("expires_on", Date, nullable=False),
    sqlite_with_rowid=False,
)
"""Codes that the office gave out, hashed: whoever registers a new card with one takes the MyKey ID over."""

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
