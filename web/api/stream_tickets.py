"""Stream tickets: EventSource can't send a header, so it sends a ticket in its URL.

A ticket only reads, only opens streams and long-polls, and only for a short while, because URLs
end up in logs and histories. It can be used again and again while it lasts: a browser reconnects
with the URL it has.
"""

from __future__ import annotations

import time

import msgspec
from aiohttp import web

from web.api.callers import authenticate
from web.api.services import AUTHENTICATOR, SETTINGS
from web.auth.tickets import sign_ticket
from web.description.operation import Operation, described
from web.http.json_response import json
from web.http.problem import Problem


class Ticket(msgspec.Struct):
    """A ticket for the URL of a stream or poll; it lasts `expires_in` seconds."""

    ticket: str
    expires_in: int


@described(Operation({201: Ticket}, codes=("tickets_off",)))
async def create(request: web.Request) -> web.Response:
    """`POST /v1/stream-tickets`: a ticket for the URL of a stream or poll; 201."""
    identity = await authenticate(request)
    ring, life = request.app[AUTHENTICATOR].ring, request.app[SETTINGS].ticket_life
    now = time.time()
    signed = sign_ticket(ring, identity, now, life)
    if signed is None:
        raise Problem("tickets_off", "this edge has no PARLEY_SECRET to sign tickets with")
    ticket, ends = signed
    body = {"ticket": ticket, "expires_in": max(0, int(ends - now))}
    return json(body, 201, {"Cache-Control": "no-store"})


def add_routes(app: web.Application) -> None:
    """Add the routes of this resource."""
    app.router.add_post("/v1/stream-tickets", create)
