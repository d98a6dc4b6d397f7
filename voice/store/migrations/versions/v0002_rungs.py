"""Turns keep the routes they asked; what was learned and which messages were claimed is kept, too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"

AnyJson = sa.JSON().with_variant(JSONB(), "postgresql")
Moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the column, which rewrites no row, and make the tables."""
    op.add_column("turns", sa.Column("rungs", AnyJson))
    op.create_table(
        "learned",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value", AnyJson, nullable=False),
        sa.Column("learned_on", Moment, nullable=False),
    )
    op.create_table(
        "claims",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("claimed_on", Moment, nullable=False),
        sa.Column("answer", AnyJson),
    )
    op.create_index("claims_oldest", "claims", ["claimed_on"])


def downgrade() -> None:
    """Remove what was added."""
    for table in ("claims", "learned"):
        op.drop_table(table)
    op.drop_column("turns", "rungs")
