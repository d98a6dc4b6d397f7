"""Turns keep what the caller heard besides their reply, and who gave it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"

AnyJson = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Add the columns, which rewrites no row."""
    op.add_column("turns", sa.Column("asides", AnyJson))
    op.add_column("turns", sa.Column("agent", sa.Text))


def downgrade() -> None:
    """Remove what was added."""
    for column in ("agent", "asides"):
        op.drop_column("turns", column)
