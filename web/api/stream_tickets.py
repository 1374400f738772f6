"""Stream tickets: EventSource can't send a header, so it sends a ticket in its URL.

A ticket only reads, only opens streams and long-polls, and only for a short while, because URLs
end up in logs and histories. It can be used again and again while it lasts: a browser reconnects
with the URL it has.
"""

from __future__ import annotations

import time

import jwt
from aiohttp import web

from app.settings import Settings
from web.api.callers import authenticate
from web.api.services import SETTINGS
from web.auth.jwt_rules import STREAM
from web.auth.token_cache import Identity
from web.http.json_response import json
from web.http.problem import Problem


def ticket(settings: Settings, identity: Identity, now: float) -> tuple[str, float]:
    """A ticket for a caller, and the Unix time at which it ends, never after their token.

    `until`, the end of the token, is how long a stream opened with it may last.
    """
    ends = min(now + settings.ticket_life, identity.expires_at)
    claims = {
        "aud": STREAM,
        "sub": identity.user,
        "iat": int(now),
        "exp": int(ends),
        "until": identity.expires_at,
    }
    return jwt.encode(claims, settings.secret, algorithm="HS256"), float(int(ends))


async def create(request: web.Request) -> web.Response:
    """`POST /v1/stream-tickets`: 201 with `ticket` and `expires_in`, in seconds."""
    identity = await authenticate(request)
    settings = request.app[SETTINGS]
    if not settings.secret:
        raise Problem("tickets_off", "this edge has no PARLEY_SECRET to sign tickets with")
    now = time.time()
    made, ends = ticket(settings, identity, now)
    body = {"ticket": made, "expires_in": max(0, int(ends - now))}
    return json(body, 201, {"Cache-Control": "no-store"})


def add_routes(app: web.Application) -> None:
    """Add the routes of this resource."""
    app.router.add_post("/v1/stream-tickets", create)
