"""Tombstones of who left, so that leaving and coming back gains nothing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0004"
down_revision = "v0003"


def upgrade() -> None:
    """Add the table; who left before it is not known any more."""
    op.create_table(
        "departed",
        sa.Column("tombstone", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tombstone"),
        sqlite_with_rowid=False,
    )
