"""What Alembic runs to migrate: on the connection, and in the transaction, that migration.py gives it."""

from alembic import context

from sent_graphql.sources.database.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
