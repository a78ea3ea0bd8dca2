"""The mark that ties the store to its ledger's key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0002"
down_revision = "v0001"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "identity_mark",
        sa.Column("name", sa.String(length=6), nullable=False),
        sa.Column("ledger", sa.String(length=32), nullable=False),
        sa.Column("key_print", sa.String(length=64), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
