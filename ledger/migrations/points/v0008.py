"""Which shops link a service's numbers, and what other towns are still to be told of the audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0008"
down_revision = "v0007"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "services",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("service", sa.String(length=32), nullable=False),
        sa.Column("shop", sa.String(length=11), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "service", "shop"),
    )
    op.create_table(
        "audit_outbox",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("entry", sa.String(length=36), nullable=False),
        sa.Column("addressee", sa.String(length=6), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "entry", "addressee"),
    )
    op.create_table(
        "suspended",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("mykey", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "mykey"),
        sqlite_with_rowid=False,
    )
