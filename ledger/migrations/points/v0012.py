"""Points set aside at a terminal, whose they are, and the packs that its terminal has."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0012"
down_revision = "v0011"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "reserved",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("terminal", sa.String(length=14), nullable=False),
        sa.Column("handle", sa.String(length=32), nullable=False),
        sa.Column("programme", sa.String(length=24), nullable=False),
        sa.Column("charge", sa.String(length=4), nullable=False),
        sa.Column("expires_on", sa.String(length=10), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "terminal", "handle", "programme", "charge", "expires_on"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "reservation_links",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("terminal", sa.String(length=14), nullable=False),
        sa.Column("handle", sa.String(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "terminal", "handle"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "packs",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("terminal", sa.String(length=14), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("sealed_salt", sa.LargeBinary(), nullable=False),
        sa.Column("programmes", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "terminal"),
    )
    op.create_table(
        "pack_slots",
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("terminal", sa.String(length=14), nullable=False),
        sa.Column("place", sa.String(length=32), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changed_in", sa.BigInteger(), nullable=False),
        sa.Column("content_print", sa.String(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("municipality", "terminal", "place"),
        sqlite_with_rowid=False,
    )
