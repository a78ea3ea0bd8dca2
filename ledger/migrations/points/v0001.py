"""Programmes, shops, terminals, wallets, operations, totals and the office's tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "audit",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.Column("at", sa.String(length=40), nullable=False),
        sa.Column("who", sa.String(length=40), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "entry"),
    )
    op.create_table(
        "debts",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("mykey", sa.String(length=16), nullable=False),
        sa.Column("programme", sa.String(length=24), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "mykey", "programme"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "enrolment_codes",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("shop", sa.String(length=11), nullable=False),
        sa.Column("expires_at", sa.String(length=40), nullable=False),
        sa.Column("terminal", sa.String(length=14), nullable=True),
        sa.PrimaryKeyConstraint("municipality", "code_hash"),
    )
    op.create_table(
        "lots",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("mykey", sa.String(length=16), nullable=False),
        sa.Column("programme", sa.String(length=24), nullable=False),
        sa.Column("charge", sa.String(length=4), nullable=False),
        sa.Column("expires_on", sa.String(length=10), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "mykey", "programme", "charge", "expires_on"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "operations",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("operation", sa.String(length=40), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("target", sa.String(length=40), nullable=True),
        sa.Column("business_date", sa.String(length=10), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("municipality", "operation"),
    )
    op.create_index(
        "operations_by_target",
        "operations",
        ["municipality", "target"],
        unique=False,
        sqlite_where=sa.text("target IS NOT NULL"),
        postgresql_where=sa.text("target IS NOT NULL"),
    )
    op.create_table(
        "partners",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("issuer", sa.String(length=6), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "issuer"),
    )
    op.create_table(
        "programmes",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "code", "version"),
    )
    op.create_table(
        "shops",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("shop", sa.String(length=11), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "shop"),
    )
    op.create_table(
        "totals",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("programme", sa.String(length=24), nullable=False),
        sa.Column("account", sa.String(length=9), nullable=False),
        sa.Column("shop", sa.String(length=11), nullable=False),
        sa.Column("business_date", sa.String(length=10), nullable=False),
        sa.Column("part", sa.String(length=16), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "programme", "account", "shop", "business_date", "part"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "usage",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("mykey", sa.String(length=16), nullable=False),
        sa.Column("programme", sa.String(length=24), nullable=False),
        sa.Column("counter", sa.String(length=8), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "mykey", "programme", "counter", "period"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "wallets",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("mykey", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "mykey"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "terminals",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("terminal", sa.String(length=14), nullable=False),
        sa.Column("shop", sa.String(length=11), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("head_seq", sa.BigInteger(), nullable=False),
        sa.Column("head_hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality", "shop"],
            ["shops.municipality", "shops.shop"],
        ),
        sa.PrimaryKeyConstraint("municipality", "terminal"),
    )
    op.create_table(
        "office_token",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("who", sa.String(length=40), nullable=False),
        sa.Column("expires_on", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "token_hash"),
    )
    op.create_table(
        "request_nonce",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("terminal_id", sa.String(length=14), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "terminal_id", "nonce"),
    )
    op.create_index("request_nonce_by_expiry", "request_nonce", ["municipality", "expires"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE request_nonce SET UNLOGGED")
