"""The steps that make the tables, one after the other, as Alembic runs them."""
