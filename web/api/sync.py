"""Sync: a snapshot of all the caller's rooms, and the events that a client misses.

The cursor of a snapshot is taken before the snapshot is read. A stream that begins there brings
every later event, and perhaps one that the snapshot has already: its `n` shows that.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any, Literal

import msgspec
from aiohttp import web

from app.delivery.view import RoomHead
from app.domain.answer_budget import fitting
from app.domain.shadow import shown_to
from app.events import AnyLogEvent
from web.api.callers import authenticate, count_rooms
from web.api.rooms import ListedRoom, shown
from web.api.services import HUB, LIMITS, READ_MARKS, SETTINGS, VIEW
from web.description.operation import Operation, described
from web.http.json_response import json
from web.http.problem import Problem
from web.http.request_body import read_body
from web.limits.kinds import Kind

#: Events of one room in an answer, and rooms in a question.
_PAGE = 100
_ROOMS = 1000
#: The bytes of so many rooms: an id of 64 characters, a number, and what JSON needs between them.
_BYTES = 1024 + _ROOMS * 96


class KnownRooms(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /v1/sync`: the newest `n` that the client has of each room."""

    rooms: dict[str, int]


class SyncedRoom(ListedRoom, kw_only=True):
    """A room of a snapshot; `members_n` is the last event that has changed its members."""

    members_n: int


class Snapshot(msgspec.Struct):
    """All rooms of the user, and the cursor from which on a stream continues them."""

    user: str
    cursor: str
    unread: int
    mentions: int
    rooms: list[SyncedRoom]


class MissedEvents(msgspec.Struct):
    """What a client lacks of a room; `limited`: there is more than these events."""

    n: int
    seq: int
    limited: bool
    events: list[AnyLogEvent]


class Missed(msgspec.Struct):
    """What a client lacks of each room, and the rooms of which the caller is no member."""

    rooms: dict[str, MissedEvents]
    gone: list[str]
    full: Literal[True] | msgspec.UnsetType = msgspec.UNSET


@described(Operation({200: Snapshot}))
async def snapshot(request: web.Request) -> web.Response:
    """`GET /v1/sync`: all of the caller's rooms with unread counts, and a cursor for the stream."""
    identity = await authenticate(request)
    cursor, joined = await _cursor(request, identity.user)
    count_rooms(request, identity, Kind.SEARCH, len(joined))
    heads = await request.app[VIEW].rooms(sorted(joined))
    unread = await request.app[READ_MARKS].unread(identity.user, heads)
    rooms = [
        shown(head, unread[name]) | {"joined_n": joined[name], "members_n": head.members_n}
        for name, head in heads.items()
    ]
    return json(
        {
            "user": identity.user,
            "cursor": cursor,
            "unread": sum(left.unread for left in unread.values()),
            "mentions": sum(left.mentions for left in unread.values()),
            "rooms": rooms,
        }
    )


async def _cursor(request: web.Request, user: str) -> tuple[str, dict[str, int]]:
    """The cursor from which on a stream continues the snapshot without a gap, and the rooms."""
    hub, view = request.app[HUB], request.app[VIEW]
    await hub.markers.sync((), {view.partition(room) for room in await view.rooms_of(user)})
    cursor = hub.state.cursor()
    return cursor, await view.rooms_of(user)


@described(Operation({200: Missed}, body=KnownRooms, example={"rooms": {"tea": 0}}))
async def missing(request: web.Request) -> web.Response:
    """`POST /v1/sync`: the events of each room after the `n` that the client has.

    `limited` says that there are more than these, or that they are no longer at hand: then the
    room's history is read by `after_seq`, or the client asks again. Rooms of which one is no member
    are in `gone`. The answer has `PARLEY_ANSWER_BYTES` of events; where it is `full`, rooms are
    `limited` without events, and the client asks again for them.
    """
    identity = await authenticate(request)
    known = await read_body(request, KnownRooms, least=_BYTES)
    if len(known.rooms) > _ROOMS:
        raise Problem("field_value", f"at most {_ROOMS} rooms at once", field="rooms")
    count_rooms(request, identity, Kind.SEARCH, len(known.rooms))
    async with request.app[LIMITS].turn(identity.user):
        return await _lacking(request, identity.user, known)


async def _lacking(request: web.Request, user: str, known: KnownRooms) -> web.Response:
    view = request.app[VIEW]
    joined = await view.rooms_of(user)
    heads = await view.rooms([room for room in known.rooms if room in joined])
    found: dict[str, Any] = {}
    left = request.app[SETTINGS].answer_bytes
    for room, head in heads.items():
        n = max(known.rooms[room], 0)
        if head.n > n:
            events = await _events(request, user, head, n) if left > 0 else []
            fit = fitting(events, left)
            left -= sum(map(len, fit))
            found[room] = _missing(head, n, fit)
    gone = sorted(known.rooms.keys() - heads.keys())
    return json({"rooms": found, "gone": gone} | ({"full": True} if left <= 0 else {}))


async def _events(request: web.Request, user: str, head: RoomHead, n: int) -> list[bytes]:
    """The room's events from `n + 1` on without a gap, as far as the window has them."""
    logged = await request.app[VIEW].since(head.room, n, min(_PAGE, head.n - n))
    unbroken = takewhile(lambda one: one[0] == one[1].n, enumerate(logged, n + 1))
    return [shown_to(user, one.event) for _, one in unbroken]


def _missing(head: RoomHead, n: int, events: Sequence[bytes]) -> dict[str, Any]:
    limited = n + len(events) < head.n
    raw = [msgspec.Raw(event) for event in events]
    return {"n": head.n, "seq": head.seq, "limited": limited, "events": raw}


def add_routes(app: web.Application) -> None:
    """Add the routes of this resource."""
    app.router.add_get("/v1/sync", snapshot)
    app.router.add_post("/v1/sync", missing)
