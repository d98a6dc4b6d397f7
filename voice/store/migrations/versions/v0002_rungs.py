"""Turns keep the routes they asked and how they part; what was learned and claimed is kept, too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"

AnyJson = sa.JSON().with_variant(JSONB(), "postgresql")
Moment = sa.DateTime(timezone=True)
TURNS = ("rungs", "effect", "handed")  # the columns that table `turns` gets


def upgrade() -> None:
    """Add the columns, which rewrites no row, and make the tables."""
    for column in TURNS:
        op.add_column("turns", sa.Column(column, AnyJson))
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
    for column in reversed(TURNS):
        op.drop_column("turns", column)
