"""SQL for registrations and history, on SQLite or PostgreSQL. Knows no GraphQL."""
