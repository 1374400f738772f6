"""Every path that the edge serves, but for streams and polls, which web/front.py keeps."""

from __future__ import annotations

from aiohttp import web

from web import (
    elsewhere,
    health,
    members,
    message,
    messages,
    pages,
    presence,
    queue,
    reads,
    reports,
    rooms,
    rules,
    sanctions,
    search,
    sync,
    tickets,
    typing,
    uploads,
)


def add_routes(app: web.Application) -> None:
    """Serve them all."""
    for part in (
        *(health, tickets, rooms, members, messages, message, search),
        *(reports, queue, rules, sanctions),
        *(reads, sync, typing, presence, uploads, elsewhere, pages),
    ):
        part.add_routes(app)
