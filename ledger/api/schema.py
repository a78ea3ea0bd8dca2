"""The API's own tables, beside those of the points store: nonces of requests, and the office's tokens."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table

metadata = MetaData()

request_nonce = Table(
    "request_nonce",
    metadata,
    Column("municipality", String(6), primary_key=True),
    Column("terminal_id", String(14), primary_key=True),
    Column("nonce", String(64), primary_key=True),
    Column("expires", BigInteger, nullable=False),
    Index("request_nonce_by_expiry", "municipality", "expires"),
)
"""Nonces that were used; `expires` in seconds since 1970. A request leaves nothing else, and this only for minutes.

PostgreSQL keeps them out of its log, so that no request waits for the disk on their account. A crash of the server may
lose them; a request that is brought again then still changes nothing, because operations are decided once by their ids.
"""

webhook = Table(
    "webhook",
    metadata,
    Column("municipality", String(6), primary_key=True),
    Column("url", String(500), nullable=False),
    Column("upto", String(40), nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("last_error", String(40), nullable=False),
)
"""Where a municipality's events are sent: up to which moment they were, when the next try is due (seconds since 1970),
how many tries failed since the last that did not, and why."""

office_token = Table(
    "office_token",
    metadata,
    Column("municipality", String(6), primary_key=True),
    Column("token_hash", String(64), primary_key=True),
    Column("who", String(40), nullable=False),
    Column("expires_on", String(10), nullable=False),
    Column("scopes", String(60), nullable=False, server_default="award operate read"),
)
"""Who may act for a municipality's office, what for and until which day, by SHA-256 of a token of 256 random bits."""
