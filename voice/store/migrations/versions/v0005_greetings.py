"""Calls keep which places of their greeting's spoken form are written otherwise."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"

AnyJson = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Add the column, which rewrites no row."""
    op.add_column("calls", sa.Column("greeting_readings", AnyJson))


def downgrade() -> None:
    """Remove what was added."""
    op.drop_column("calls", "greeting_readings")
