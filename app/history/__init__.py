"""The history store: every event of every room, in SQLite or PostgreSQL."""
