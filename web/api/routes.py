"""Every path that aiohttp serves; web/server/connection.py keeps streams and polls."""

from __future__ import annotations

from aiohttp import web

from web.api import attachments as uploads
from web.api import (
    elsewhere,
    health,
    members,
    message,
    messages,
    presence,
    reports,
    rooms,
    sanctions,
    search,
    sync,
)
from web.api import moderation_rules as rules
from web.api import read_receipts as reads
from web.api import review_queue as queue
from web.api import static_files as pages
from web.api import stream_tickets as tickets
from web.api import typing_indicator as typing


def add_routes(app: web.Application) -> None:
    """Serve them all."""
    for part in (
        *(health, tickets, rooms, members, messages, message, search),
        *(reports, queue, rules, sanctions),
        *(reads, sync, typing, presence, uploads, elsewhere, pages),
    ):
        part.add_routes(app)
