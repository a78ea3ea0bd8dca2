"""The ID table."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "card",
        sa.Column("card_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("mykey", sa.String(length=10), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.PrimaryKeyConstraint("card_key"),
        sa.UniqueConstraint("mykey"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "revocation_list",
        sa.Column("scope", sa.LargeBinary(length=32), nullable=False),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope"),
    )
    op.create_table(
        "revoked",
        sa.Column("card_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("scope", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("card_key", "scope"),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_revoked_scope"), "revoked", ["scope"], unique=False)
    op.create_table(
        "renewal",
        sa.Column("code_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("mykey", sa.String(length=10), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mykey"],
            ["card.mykey"],
        ),
        sa.PrimaryKeyConstraint("code_key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "service_id",
        sa.Column("mykey", sa.String(length=10), nullable=False),
        sa.Column("service", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["mykey"],
            ["card.mykey"],
        ),
        sa.PrimaryKeyConstraint("mykey", "service"),
        sa.UniqueConstraint("service", "number"),
        sqlite_with_rowid=False,
    )
