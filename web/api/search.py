"""`GET /v1/search`: messages of the caller's rooms by a part of their text."""

from __future__ import annotations

import re
from typing import Final

import msgspec
from aiohttp import web

from app.history.search import Found, Place
from web.api.callers import authenticate
from web.api.room_access import required_head
from web.api.services import HISTORY, VIEW
from web.http.json_response import json
from web.http.problem import Problem
from web.http.request_params import integer, page_position, word

_LIMIT: Final = 20
_LARGEST: Final = 100
_LONGEST: Final = 200
_POSITION: Final = re.compile(r"(\d{1,18})\.(\d{1,18})\.([A-Za-z0-9._~-]{1,64})", re.ASCII)


async def search(request: web.Request) -> web.Response:
    """Find `q` in the caller's rooms, or in `room`; newest first, `before` pages on."""
    identity = await authenticate(request)
    query, room = word(request, "q"), word(request, "room")
    if not query.strip() or len(query) > _LONGEST:
        detail = f"q is what to look for, up to {_LONGEST} characters"
        raise Problem("parameter", detail, parameter="q")
    limit = integer(request, "limit", 1, _LARGEST) or _LIMIT
    before = _before(request)
    if room:
        await required_head(request, room, identity.user)
        rooms = [room]
    else:
        rooms = list(await request.app[VIEW].rooms_of(identity.user))
    found = await request.app[HISTORY].search(query, rooms, before=before, limit=limit + 1)
    page = found[:limit]
    body = {"results": [_shown(one) for one in page], "has_more": len(found) > limit}
    return json(body | {"before": _written(page[-1].place)} if page else body)


def _shown(found: Found) -> dict[str, object]:
    _, room, seq = found.place
    return {"room": room, "seq": seq, "message": msgspec.Raw(found.event)}


def _before(request: web.Request) -> Place | None:
    parts = page_position(request, "before", _POSITION)
    return None if parts is None else (int(parts[0]), parts[2], int(parts[1]))


def _written(place: Place) -> str:
    at_ms, room, seq = place
    return f"{at_ms}.{seq}.{room}"


def add_routes(app: web.Application) -> None:
    """Add the route of this resource."""
    app.router.add_get("/v1/search", search)
