"""Quotas: the most rooms of a person and the most members of a room.

They are looked up in the view, which is behind the log by what is on its way. So requests of one
moment may exceed them by a few. A repeated request finds the membership there, and passes. While
the view is away or being filled, nothing is looked up: the room's log needs no Valkey.
"""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from app.runtime.retry import AWAY
from web.api.callers import count
from web.api.services import SETTINGS, VIEW
from web.auth.token_cache import Identity
from web.http.problem import Problem
from web.limits.kinds import Kind

#: Seconds for a look-up.
_TIMEOUT: Final = 1.0


async def require_rooms_left(request: web.Request, room: str, *users: str) -> None:
    """Raise `Problem` 409 `too_many_rooms` where one of the users can't be in this room as well."""
    most = request.app[SETTINGS].rooms
    named = [user for user in dict.fromkeys(users) if user]
    try:
        async with asyncio.timeout(_TIMEOUT):
            joined = await request.app[VIEW].rooms_of_all(named)
    except AWAY:
        return
    for user, rooms in zip(named, joined, strict=True):
        if len(rooms) >= most and room not in rooms:
            raise Problem("too_many_rooms", f"{user!r} is in {most} rooms, which are the most")


async def require_place(request: web.Request, room: str, identity: Identity, user: str) -> None:
    """Raise `Problem` 409 where the room can't have this member as well, or the user this room.

    Raises `RateLimited` where others have added the user to too many. Only for members, and for
    those who join: strangers are refused by the room itself, and learn nothing of it here.
    """
    view, most, by = request.app[VIEW], request.app[SETTINGS].members, identity.user
    try:
        async with asyncio.timeout(_TIMEOUT):
            head = await view.room(room)
            joined = await view.joined(room, by) is not None
            there = await view.joined(room, user) is not None
            members = await view.members_count(room)
    except AWAY:
        return
    if head is None or not (joined or (head.type == "public" and user == by)):
        return
    if user != by:
        count(request, identity, Kind.ADDED, user, 1)
    await require_rooms_left(request, room, user)
    if members >= most and not there:
        raise Problem("too_many_members", f"the room has {most} members, which are the most")
