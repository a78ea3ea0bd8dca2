"""What terminals, shops and programmes issued and redeemed on a day, towards their ceilings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0009"
down_revision = "v0008"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "gauges",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("gauge", sa.String(length=80), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("total", sa.String(length=60), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "gauge"),
    )
    op.create_index("gauges_by_total", "gauges", ["municipality", "total"])
