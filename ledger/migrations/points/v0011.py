"""What a return took back, sealed without the resident under the lasting key: it outlives the month's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0011"
down_revision = "v0010"


def upgrade() -> None:
    """Add the column; of earlier returns the points are known as long as the month's key is there."""
    op.add_column("operations", sa.Column("returned", sa.LargeBinary()))
