"""The tables of the points store, the same on SQLite, PostgreSQL and Citus: every key begins with the municipality.

What is kept of a person is in `wallets`, `lots` and `debts`, and says nothing of where, when or how much at
once; on SQLite they lie in the order of the key, because that of insertion would tell. An operation names its person
and its points only in `sealed`, under the key of its month (`ledger.points.periods`). What programmes issued and owe is
kept as sums of no operation, in `totals`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
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
    text,
)

metadata = MetaData()

programmes = Table(
    "programmes",
    metadata,
    Column("municipality", String(6)),
    Column("code", String(24)),
    Column("version", Integer),
    Column("rules", Text, nullable=False),
    PrimaryKeyConstraint("municipality", "code", "version"),
)

partners = Table(
    "partners",
    metadata,
    Column("municipality", String(6)),
    Column("issuer", String(6)),
    PrimaryKeyConstraint("municipality", "issuer"),
)
"""The municipalities whose points a municipality's shops take: wallets are looked for in these alone."""

shops = Table(
    "shops",
    metadata,
    Column("municipality", String(6)),
    Column("shop", String(11)),
    Column("name", String(40), nullable=False),
    Column("day_starts_at", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("municipality", "shop"),
)

terminals = Table(
    "terminals",
    metadata,
    Column("municipality", String(6)),
    Column("terminal", String(14)),
    Column("shop", String(11), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("head_seq", BigInteger, nullable=False),
    Column("head_hash", String(64), nullable=False),
    Column("closed_seq", BigInteger, nullable=False, server_default="0"),
    Column("closed_day", String(10)),
    Column("closed_number", BigInteger, nullable=False, server_default="0"),
    Column("form", Integer, nullable=False, server_default="1"),
    PrimaryKeyConstraint("municipality", "terminal"),
    ForeignKeyConstraint(["municipality", "shop"], ["shops.municipality", "shops.shop"]),
)

enrolment_codes = Table(
    "enrolment_codes",
    metadata,
    Column("municipality", String(6)),
    Column("code_hash", String(64)),
    Column("shop", String(11), nullable=False),
    Column("expires_at", String(40), nullable=False),
    Column("terminal", String(14)),
    PrimaryKeyConstraint("municipality", "code_hash"),
)

wallets = Table(
    "wallets",
    metadata,
    Column("municipality", String(6)),
    Column("mykey", String(16)),
    PrimaryKeyConstraint("municipality", "mykey"),
    sqlite_with_rowid=False,
)
"""Residents who have, or had, points of a municipality. A decision on a resident's points locks this row first."""

lots = Table(
    "lots",
    metadata,
    Column("municipality", String(6)),
    Column("mykey", String(16)),
    Column("programme", String(24)),
    Column("charge", String(4)),
    Column("expires_on", String(10)),
    Column("points", BigInteger, nullable=False),
    PrimaryKeyConstraint("municipality", "mykey", "programme", "charge", "expires_on"),
    sqlite_with_rowid=False,
)

debts = Table(
    "debts",
    metadata,
    Column("municipality", String(6)),
    Column("mykey", String(16)),
    Column("programme", String(24)),
    Column("points", BigInteger, nullable=False),
    PrimaryKeyConstraint("municipality", "mykey", "programme"),
    sqlite_with_rowid=False,
)

usage = Table(
    "usage",
    metadata,
    Column("municipality", String(6)),
    Column("mykey", String(16)),
    Column("programme", String(24)),
    Column("counter", String(8)),
    Column("period", String(10)),
    Column("points", BigInteger, nullable=False),
    PrimaryKeyConstraint("municipality", "mykey", "programme", "counter", "period"),
    sqlite_with_rowid=False,
)

"""What 0.1.0 counted of people, in plain: it is sealed into `counters` when a ledger is opened, and stays empty."""

counters = Table(
    "counters",
    metadata,
    Column("municipality", String(6)),
    Column("finder", String(32)),
    Column("period", String(10), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("municipality", "finder"),
    Index("counters_by_period", "municipality", "period"),
    sqlite_with_rowid=False,
)
"""What is counted of people now; see `ledger.points.counters`."""

_UNDOES = text("target IS NOT NULL")
_SPENT = text("nonce IS NOT NULL")

operations = Table(
    "operations",
    metadata,
    Column("municipality", String(6)),
    Column("operation", String(40)),
    Column("content_hash", String(64)),
    Column("kind", String(32), nullable=False),
    Column("target", String(40)),
    Column("business_date", String(10), nullable=False),
    Column("status", String(24), nullable=False),
    Column("code", String(40)),
    Column("sealed", LargeBinary),
    Column("reported_on", String(10)),
    Column("late", Boolean),
    Column("arrived_at", BigInteger),
    Column("nonce", String(64)),
    Column("returned_bill", BigInteger),
    Column("returned", LargeBinary),
    PrimaryKeyConstraint("municipality", "operation"),
    Index("operations_by_target", "municipality", "target", sqlite_where=_UNDOES, postgresql_where=_UNDOES),
    Index("operations_by_nonce", "municipality", "nonce", sqlite_where=_SPENT, postgresql_where=_SPENT),
)
"""Every operation, for ever. One without a content hash was voided before it arrived.

`business_date` is the day whose rules and limits it counts under, `reported_on` the day on which reports show it, where
that is another; `arrived_at` is the ledger's own time in seconds since 1970. `nonce` is the hash of what the resident's
card or terminal proved it with, which serves this operation alone. What a return took back of a bill, in yen,
stays when the month's key is destroyed: it names nobody; `returned` has its points too, sealed under the lasting key.
The columns from `reported_on` on came after 0.1.0, whose rows have nothing in them.
"""

totals = Table(
    "totals",
    metadata,
    Column("municipality", String(6)),
    Column("programme", String(24)),
    Column("account", String(9)),
    Column("shop", String(11)),
    Column("business_date", String(10)),
    Column("part", String(16)),
    Column("points", BigInteger, nullable=False),
    PrimaryKeyConstraint("municipality", "programme", "account", "shop", "business_date", "part"),
    sqlite_with_rowid=False,
)
"""Points by account and day, in parts, so that terminals do not wait for one another; one part when the day is over."""

gauges = Table(
    "gauges",
    metadata,
    Column("municipality", String(6)),
    Column("gauge", String(80)),
    Column("day", String(10), nullable=False),
    Column("total", String(60), nullable=False),
    Column("points", BigInteger, nullable=False),
    PrimaryKeyConstraint("municipality", "gauge"),
    Index("gauges_by_total", "municipality", "total"),
)
"""What terminals, shops and programmes issued and redeemed on a day; see `ledger.points.gauges`."""

losses = Table(
    "losses",
    metadata,
    Column("municipality", String(6)),
    Column("operation", String(40)),
    Column("what", String(20)),
    Column("programme", String(24)),
    Column("points", BigInteger, nullable=False),
    Column("noted_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("municipality", "operation", "what", "programme"),
)
"""What verdicts that the ledger lost, and gave back, could not bring back; the issuer bears it. Seconds since 1970."""

events = Table(
    "events",
    metadata,
    Column("municipality", String(6)),
    Column("day", String(10)),
    Column("kind", String(24)),
    Column("about", String(14)),
    Column("times", BigInteger, nullable=False),
    Column("last_at", String(40), nullable=False),
    PrimaryKeyConstraint("municipality", "day", "kind", "about"),
)
"""What was noticed about terminals and shops: a count for each day and kind."""

audit = Table(
    "audit",
    metadata,
    Column("municipality", String(6)),
    Column("entry", String(36)),
    Column("at", String(40), nullable=False),
    Column("who", String(40), nullable=False),
    Column("action", String(40), nullable=False),
    Column("detail", Text, nullable=False),
    PrimaryKeyConstraint("municipality", "entry"),
)
"""What the office did."""

mark = Table(
    "points_mark",
    metadata,
    Column("name", String(6), primary_key=True),
    Column("ledger", String(32), nullable=False),
    Column("key_print", String(64), nullable=False),
    Column("epoch", BigInteger, nullable=False),
)
"""One row: which ledger this store belongs to, the fingerprint of its key, and how often it was restored, plus one."""

period_keys = Table(
    "period_keys",
    metadata,
    Column("period", String(10), primary_key=True),
    Column("key_print", String(64)),
    Column("destroyed", Boolean, nullable=False),
)
"""The periods whose keys are in use, by fingerprint, and those of which a key was destroyed."""

award_rows = Table(
    "award_rows",
    metadata,
    Column("municipality", String(6)),
    Column("row_key", String(32)),
    Column("paid_on", String(10), nullable=False),
    PrimaryKeyConstraint("municipality", "row_key"),
    sqlite_with_rowid=False,
)
"""Every row of a file that was given: `row_key` is a keyed hash of what it says."""

award_days = Table(
    "award_days",
    metadata,
    Column("municipality", String(6)),
    Column("programme", String(24)),
    Column("day", String(10)),
    Column("points", BigInteger, nullable=False),
    PrimaryKeyConstraint("municipality", "programme", "day"),
)
"""What files gave of a programme on a day: above a sum a second person approves."""

award_files = Table(
    "award_files",
    metadata,
    Column("municipality", String(6)),
    Column("file", String(16)),
    Column("at", String(40), nullable=False),
    Column("who", String(40), nullable=False),
    Column("occasion", String(40), nullable=False),
    Column("programme", String(24), nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("row_count", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("municipality", "file"),
)
"""Files that wait for a second person's approval; whom they name lies in `sealed`, under the key of the month."""

services = Table(
    "services",
    metadata,
    Column("municipality", String(6)),
    Column("service", String(32)),
    Column("shop", String(11)),
    PrimaryKeyConstraint("municipality", "service", "shop"),
)
"""Which shops may link a service's numbers, and see them: a library's own windows."""

audit_outbox = Table(
    "audit_outbox",
    metadata,
    Column("municipality", String(6)),
    Column("entry", String(36)),
    Column("addressee", String(6)),
    Column("told", Text, nullable=False),
    PrimaryKeyConstraint("municipality", "entry", "addressee"),
)
"""Entries of one municipality's audit that are still to be copied into other towns' audits."""

suspended = Table(
    "suspended",
    metadata,
    Column("municipality", String(6)),
    Column("mykey", String(16)),
    PrimaryKeyConstraint("municipality", "mykey"),
    sqlite_with_rowid=False,
)
"""Whose points a municipality that did not register them has suspended."""

reserved = Table(
    "reserved",
    metadata,
    Column("municipality", String(6)),
    Column("terminal", String(14)),
    Column("handle", String(32)),
    Column("programme", String(24)),
    Column("charge", String(4)),
    Column("expires_on", String(10)),
    Column("points", BigInteger, nullable=False),
    PrimaryKeyConstraint("municipality", "terminal", "handle", "programme", "charge", "expires_on"),
    sqlite_with_rowid=False,
)
"""Points set aside at a terminal, under a handle that names nobody; see `ledger.points.reservations`."""

reservation_links = Table(
    "reservation_links",
    metadata,
    Column("municipality", String(6)),
    Column("terminal", String(14)),
    Column("handle", String(32)),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("municipality", "terminal", "handle"),
    sqlite_with_rowid=False,
)
"""Whose a reservation is, and the card keys that its terminal knows; sealed under the lasting key."""

packs = Table(
    "packs",
    metadata,
    Column("municipality", String(6)),
    Column("terminal", String(14)),
    Column("number", BigInteger, nullable=False),
    Column("sealed_salt", LargeBinary, nullable=False),
    Column("programmes", Text, nullable=False),
    PrimaryKeyConstraint("municipality", "terminal"),
)
"""The last pack of each terminal. The salt is sealed: with it and the ID table a slot's place would name its card."""

pack_slots = Table(
    "pack_slots",
    metadata,
    Column("municipality", String(6)),
    Column("terminal", String(14)),
    Column("place", String(32)),
    Column("version", BigInteger, nullable=False),
    Column("changed_in", BigInteger, nullable=False),
    Column("content_print", String(32), nullable=False),
    Column("sealed", LargeBinary),
    PrimaryKeyConstraint("municipality", "terminal", "place"),
    sqlite_with_rowid=False,
)
"""The slots of a terminal's pack; `sealed` is NULL where one was withdrawn. `content_print` is a keyed hash."""
