"""The form that a terminal's journal has reached, and what the ledger noticed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0006"
down_revision = "v0005"


def upgrade() -> None:
    """Add the column, of form 1 where release 0.1.0 enrolled, and make the table."""
    op.add_column("terminals", sa.Column("form", sa.Integer(), nullable=False, server_default="1"))
    op.create_table(
        "events",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("about", sa.String(length=14), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "day", "kind", "about"),
    )
