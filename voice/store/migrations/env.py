"""What Alembic executes for each command: the connection comes from `run.upgrade()`."""

from __future__ import annotations

from alembic import context

from voice.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a column only by making the table anew
)
with context.begin_transaction():
    context.run_migrations()
