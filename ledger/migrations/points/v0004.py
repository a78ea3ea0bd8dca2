"""The day and close of a shop's terminals, and what an operation keeps of its day, arrival, nonce and return."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0004"
down_revision = "v0003"


def upgrade() -> None:
    """Add the columns; what was there before keeps nothing in them."""
    op.add_column("shops", sa.Column("day_starts_at", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("terminals", sa.Column("closed_seq", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("terminals", sa.Column("closed_day", sa.String(length=10)))
    op.add_column("terminals", sa.Column("closed_number", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("operations", sa.Column("reported_on", sa.String(length=10)))
    op.add_column("operations", sa.Column("late", sa.Boolean()))
    op.add_column("operations", sa.Column("arrived_at", sa.BigInteger()))
    op.add_column("operations", sa.Column("nonce", sa.String(length=64)))
    op.add_column("operations", sa.Column("returned_bill", sa.BigInteger()))
    spent = sa.text("nonce IS NOT NULL")
    op.create_index(
        "operations_by_nonce", "operations", ["municipality", "nonce"], sqlite_where=spent, postgresql_where=spent
    )
