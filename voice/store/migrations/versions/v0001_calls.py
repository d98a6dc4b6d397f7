"""The first tables: calls, turns, notes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

AnyJson = sa.JSON().with_variant(JSONB(), "postgresql")
Moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "calls",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("door", sa.Text, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("caller", sa.Text),
        sa.Column("began_on", Moment, nullable=False),
        sa.Column("ended_on", Moment),
        sa.Column("ended_reason", sa.Text),
        sa.Column("greeting", sa.Text, nullable=False),
    )
    op.create_index("calls_newest", "calls", ["began_on", "call_id"])
    op.create_index("calls_of_a_caller", "calls", ["caller", "began_on"])
    op.create_table(
        "turns",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("began_on", Moment, nullable=False),
        sa.Column("sent", sa.Text, nullable=False),
        sa.Column("spoken", sa.Text, nullable=False),
        sa.Column("heard", sa.Text),
        sa.Column("filler", sa.Text, nullable=False),
        sa.Column("route", sa.Text),
        sa.Column("ending", sa.Text),
        sa.Column("timing", AnyJson, nullable=False),
        sa.Column("usage", AnyJson, nullable=False),
        sa.Column("tools", AnyJson, nullable=False),
    )
    op.create_table(
        "notes",
        sa.Column("call_id", sa.Text, primary_key=True),
        sa.Column("came", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payload", AnyJson, nullable=False),
        sa.Column("noted_on", Moment, nullable=False),
    )


def downgrade() -> None:
    """Remove everything."""
    for table in ("notes", "turns", "calls"):
        op.drop_table(table)
