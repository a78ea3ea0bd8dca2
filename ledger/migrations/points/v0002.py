"""The marks that tie the store to its ledger's key and to the months' keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0002"
down_revision = "v0001"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "points_mark",
        sa.Column("name", sa.String(length=6), nullable=False),
        sa.Column("ledger", sa.String(length=32), nullable=False),
        sa.Column("key_print", sa.String(length=64), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "period_keys",
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("key_print", sa.String(length=64), nullable=True),
        sa.Column("destroyed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("period"),
    )
