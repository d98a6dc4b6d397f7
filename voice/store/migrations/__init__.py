"""The versions of the tables, and how Alembic goes from one to the next."""
