"""The deployment that a history store belongs to, so that a store of another one is told apart."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, inspect, select

from app.history.schema import deployments


def deployment(connection: Connection) -> str:
    """The id of the store's deployment; empty where none has written it yet."""
    if not inspect(connection).has_table(deployments.name):
        return ""
    return connection.scalar(select(deployments.c.id)) or ""


def belong_to(connection: Connection, own: str) -> None:
    """Write the id of the deployment whose archive writes the store."""
    if connection.scalar(select(deployments.c.id)) != own:
        connection.execute(delete(deployments))
        connection.execute(insert(deployments).values(id=own))
