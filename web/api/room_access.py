"""Access to a room: members read it, moderators see its review queue and its sanctions."""

from __future__ import annotations

from aiohttp import web

from app.delivery.view import RoomHead
from app.domain.roles import may
from web.api.services import VIEW
from web.auth.token_cache import Identity
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


async def moderated(request: web.Request, identity: Identity, room: str = "") -> list[str] | None:
    """The rooms that the caller moderates, or `room` alone; `None`: every room.

    Raises `Problem` 403 `not_allowed` where the caller does not moderate `room`.
    """
    if identity.admin:
        return [room] if room else None
    view = request.app[VIEW]
    rooms = [room] if room else list(await view.rooms_of(identity.user))
    roles = await view.roles(identity.user, rooms)
    found = [name for name, role in roles.items() if may(role, "message.approve")]
    if room and not found:
        raise Problem("not_allowed", "only a moderator of the room sees this")
    return found
