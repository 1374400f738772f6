"""Only members read a room."""

from __future__ import annotations

from aiohttp import web

from app.delivery.view import RoomHead
from web.api.services import VIEW
from web.http.problem import Problem


async def required_head(request: web.Request, room: str, user: str) -> RoomHead:
    """The head of a room that `user` may read.

    Raises `Problem` 404 `room_unknown` or 403 `not_a_member`.
    """
    view = request.app[VIEW]
    head = await view.room(room)
    if head is None:
        raise Problem("room_unknown", "there is no such room")
    if await view.joined(room, user) is None:
        raise Problem("not_a_member", "only members read this room")
    return head
