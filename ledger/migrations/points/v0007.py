"""What is counted of people is sealed under the key of its period; keys of days beside those of months."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0007"
down_revision = "v0006"


def upgrade() -> None:
    """Make the table, and room for the names of days."""
    op.create_table(
        "counters",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("finder", sa.String(length=32), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "finder"),
        sqlite_with_rowid=False,
    )
    op.create_index("counters_by_period", "counters", ["municipality", "period"])
    with op.batch_alter_table("period_keys") as changed:
        changed.alter_column("period", existing_type=sa.String(length=7), type_=sa.String(length=10))
