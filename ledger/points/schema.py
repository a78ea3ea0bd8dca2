"""The tables of the points store, the same on SQLite, PostgreSQL and Citus: every key begins with the municipality.

What is kept of a person is in `lots`, `usage` and `last_uses`, and says nothing of where, when or how much at once.
What is kept of an operation names no person but in `sealed`, under the key of its period (`ledger.points.periods`).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

NEVER = "9999-12-31"
"""The expiry day of what does not lapse by itself, so that days compare as texts."""

metadata = MetaData()

programmes = Table(
    "programmes",
    metadata,
    Column("municipality", String(6), nullable=False),
    Column("code", String(24), nullable=False),
    Column("version", Integer, nullable=False),
    Column("rules", Text, nullable=False),
    PrimaryKeyConstraint("municipality", "code", "version"),
)

shops = Table(
    "shops",
    metadata,
    Column("municipality", String(6), nullable=False),
    Column("shop", String(11), nullable=False),
    Column("name", String(40), nullable=False),
    PrimaryKeyConstraint("municipality", "shop"),
)

terminals = Table(
    "terminals",
    metadata,
    Column("municipality", String(6), nullable=False),
    Column("terminal", String(14), nullable=False),
    Column("shop", String(11), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("head_seq", BigInteger, nullable=False),
    Column("head_hash", String(64), nullable=False),
    PrimaryKeyConstraint("municipality", "terminal"),
    ForeignKeyConstraint(["municipality", "shop"], ["shops.municipality", "shops.shop"]),
)

enrolment_codes = Table(
    "enrolment_codes",
    metadata,
    Column("municipality", String(6), nullable=False),
    Column("code_hash", String(64), nullable=False),
    Column("shop", String(11), nullable=False),
    Column("expires_at", String(40), nullable=False),
    Column("terminal", String(14)),
    PrimaryKeyConstraint("municipality", "code_hash"),
)

lots = Table(
    "lots",
    metadata,
    Column("municipality", String(6), nullable=False),
    Column("mykey", String(16), nullable=False),
    Column("programme", String(24), nullable=False),
    Column("charge", String(4), nullable=False),
    Column("expires_on", String(10), nullable=False),
    Column("points", BigInteger, nullable=False),
    PrimaryKeyConstraint("municipality", "mykey", "programme", "charge", "expires_on"),
    # In the order of the key, not of insertion: who came when is nobody's to read.
    sqlite_with_rowid=False,
)

usage = Table(
    "usage",
    metadata,
    Column("municipality", String(6), nullable=False),
    Column("mykey", String(16), nullable=False),
    Column("programme", String(24), nullable=False),
    Column("period", String(10), nullable=False),
    Column("redeemed", BigInteger, nullable=False),
    Column("awarded", BigInteger, nullable=False),
    PrimaryKeyConstraint("municipality", "mykey", "programme", "period"),
    sqlite_with_rowid=False,
)

last_uses = Table(
    "last_uses",
    metadata,
    Column("municipality", String(6), nullable=False),
    Column("mykey", String(16), nullable=False),
    Column("programme", String(24), nullable=False),
    Column("day", String(10), nullable=False),
    PrimaryKeyConstraint("municipality", "mykey", "programme"),
    sqlite_with_rowid=False,
)

operations = Table(
    "operations",
    metadata,
    Column("municipality", String(6), nullable=False),
    Column("operation", String(27), nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("shop", String(11), nullable=False),
    Column("business_date", String(10), nullable=False),
    Column("bill", BigInteger, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("undone_by", String(27)),
    Column("sealed", LargeBinary),
    PrimaryKeyConstraint("municipality", "operation"),
)
Index("operations_by_day", operations.c.municipality, operations.c.business_date, operations.c.shop)

postings = Table(
    "postings",
    metadata,
    Column("municipality", String(6), nullable=False),
    Column("operation", String(27), nullable=False),
    Column("line", Integer, nullable=False),
    Column("account", String(9), nullable=False),
    Column("programme", String(24), nullable=False),
    Column("points", BigInteger, nullable=False),
    PrimaryKeyConstraint("municipality", "operation", "line"),
    ForeignKeyConstraint(["municipality", "operation"], ["operations.municipality", "operations.operation"]),
    CheckConstraint("account IN ('resident', 'shop', 'issuer', 'overdraft')"),
)

lapses = Table(
    "lapses",
    metadata,
    Column("municipality", String(6), nullable=False),
    Column("programme", String(24), nullable=False),
    Column("day", String(10), nullable=False),
    Column("cause", String(7), nullable=False),
    Column("points", BigInteger, nullable=False),
    PrimaryKeyConstraint("municipality", "programme", "day", "cause"),
)

audit = Table(
    "audit",
    metadata,
    Column("municipality", String(6), nullable=False),
    Column("entry", String(36), nullable=False),
    Column("at", String(40), nullable=False),
    Column("who", String(40), nullable=False),
    Column("action", String(40), nullable=False),
    Column("detail", Text, nullable=False),
    PrimaryKeyConstraint("municipality", "entry"),
)
