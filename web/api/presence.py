"""Presence: online, away or offline."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec
from aiohttp import web

from app.domain.presence import may_see, status
from app.runtime.clock import now_ms
from web.api.callers import authenticate, count
from web.api.services import CONNECTION_EVENTS, PRESENCES, SETTINGS, VIEW
from web.description.operation import Operation, described
from web.http.json_response import json
from web.http.query_parameters import Words
from web.http.request_body import read_body
from web.limits.kinds import Kind

_USERS: Final = Words("user", "Users whose presence is asked for.", 100)

#: Users who count as one request.
_AS_ONE = 20


class OwnPresence(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `PUT /v1/presence`."""

    status: Literal["online", "away"]


class PresenceShown(msgspec.Struct):
    """Presence of a user; `last_seen_ms` is 0 where nothing is known."""

    status: Literal["online", "away", "offline"]
    last_seen_ms: int


class PresencesShown(msgspec.Struct):
    """Presence by user, of those whose presence the caller may see."""

    presence: dict[str, PresenceShown]


@described(Operation({204: None}, body=OwnPresence, example={"status": "away"}))
async def say(request: web.Request) -> web.Response:
    """`PUT /v1/presence`: set oneself away, or back; 204."""
    identity = await authenticate(request)
    own = await read_body(request, OwnPresence)
    is_away = own.status == "away"
    await request.app[PRESENCES].set_away(identity.user, is_away)
    if request.app[SETTINGS].region:
        request.app[CONNECTION_EVENTS].away(identity.user, is_away=is_away)
    return web.Response(status=204)


@described(Operation({200: PresencesShown}, query=(_USERS,)))
async def ask(request: web.Request) -> web.Response:
    """`GET /v1/presence?user=…&user=…`: the presence of users, and when each was last seen.

    Users whose presence the caller may not see by `PARLEY_PRESENCE` are left out.
    """
    identity = await authenticate(request)
    users = _USERS.of(request.query)
    count(request, identity, Kind.SEARCH, identity.user, (len(users) - 1) / _AS_ONE)
    seen = await _visible(request, identity.user, users)
    return json({"presence": await _presence(request, seen)})


async def _visible(request: web.Request, me: str, users: list[str]) -> list[str]:
    rule, view = request.app[SETTINGS].presence, request.app[VIEW]
    if rule == "everyone":
        return users
    mine = await view.rooms_of(me)
    theirs = await view.common_rooms(mine, users)
    shown = zip(users, theirs, strict=True)
    return [user for user, rooms in shown if user == me or may_see(rule, mine, rooms)]


async def _presence(request: web.Request, users: list[str]) -> dict[str, Any]:
    presences = request.app[PRESENCES]
    found = await presences.of(users)
    alive = await presences.alive(
        edge for presence, _ in found.values() for edge in presence.open.values()
    )
    at_ms = now_ms()
    return {
        user: {"status": status(presence, alive, away, at_ms), "last_seen_ms": presence.last_ms}
        for user, (presence, away) in found.items()
    }


def add_routes(app: web.Application) -> None:
    """Add the routes of this resource."""
    app.router.add_get("/v1/presence", ask)
    app.router.add_put("/v1/presence", say)
