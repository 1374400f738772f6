"""The history store in SQLite or PostgreSQL."""
