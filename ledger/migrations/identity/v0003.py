"""The end of each certificate, the town that registered its holder, contact numbers, and numbers by their issuer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0003"
down_revision = "v0002"


def upgrade() -> None:
    """Change the tables; a number's issuer is not known yet, and its municipality is therefore empty."""
    op.add_column("card", sa.Column("not_after", sa.BigInteger(), nullable=True))
    op.add_column("card", sa.Column("municipality", sa.String(length=6), nullable=False, server_default=""))
    op.add_column("card", sa.Column("contact_version", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("card", sa.Column("contact_key", sa.LargeBinary(length=32), nullable=True))
    op.create_index("card_by_contact", "card", ["contact_key"], unique=True)
    op.create_index("card_by_municipality", "card", ["municipality"], unique=False)
    op.create_table(
        "service_number",
        sa.Column("mykey", sa.String(length=10), nullable=False),
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("service", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["mykey"],
            ["card.mykey"],
        ),
        sa.PrimaryKeyConstraint("mykey", "municipality", "service"),
        sa.UniqueConstraint("municipality", "service", "number"),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO service_number SELECT mykey, '', service, number FROM service_id")
    op.drop_table("service_id")
    op.create_table(
        "superseded",
        sa.Column("card_key", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("card_key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "renewal_request",
        sa.Column("mykey", sa.String(length=10), nullable=False),
        sa.Column("municipality", sa.String(length=6), nullable=False),
        sa.Column("who", sa.String(length=40), nullable=False),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mykey"],
            ["card.mykey"],
        ),
        sa.PrimaryKeyConstraint("mykey", "municipality"),
        sqlite_with_rowid=False,
    )
