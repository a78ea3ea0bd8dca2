"""The rows of awards that were given, what files gave on a day, and files that wait for approval."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0003"
down_revision = "v0002"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "award_rows",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("row_key", sa.String(length=32), nullable=False),
        sa.Column("paid_on", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "row_key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "award_days",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("programme", sa.String(length=24), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "programme", "day"),
    )
    op.create_table(
        "award_files",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("file", sa.String(length=16), nullable=False),
        sa.Column("at", sa.String(length=40), nullable=False),
        sa.Column("who", sa.String(length=40), nullable=False),
        sa.Column("occasion", sa.String(length=40), nullable=False),
        sa.Column("programme", sa.String(length=24), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "file"),
    )
    op.add_column(
        "office_token", sa.Column("scopes", sa.String(length=60), nullable=False, server_default="award operate read")
    )
