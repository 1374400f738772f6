"""Access to a room: members read it, moderators see its review queue and its sanctions."""

from __future__ import annotations

from aiohttp import web

from app.delivery.view import RoomHead, View
from app.domain.access import room_unknown
from app.domain.roles import ROLES, may, rank
from app.domain.sanctions import Sanction, refusal_of
from app.runtime.clock import now_ms
from web.api.services import ACTIVE_RULES, VIEW
from web.auth.token_cache import Identity
from web.http.problem import Problem, refused


async def required_head(request: web.Request, room: str, user: str) -> RoomHead:
    """The head of a room that `user` may read.

    Raises `Problem` 404 `room_unknown`: a room that exists looks to strangers like any other.
    """
    view = request.app[VIEW]
    joined = await view.joined(room, user)
    head = None if joined is None else await view.room(room)
    if head is None:
        raise refused(room_unknown(room))
    return head


async def required_writer(request: web.Request, room: str, user: str) -> None:
    """Raise `Problem` where `user` may not write in the room now.

    As `required_head`, and 409 `room_archived`, 403 `muted` or `not_allowed`.
    """
    head = await required_head(request, room, user)
    if head.archived:
        raise Problem("room_archived", "the room is archived")
    view, now = request.app[VIEW], now_ms()
    for sanction in (request.app[ACTIVE_RULES].sanction(user), await _sanction(view, room, user)):
        if (refusal := refusal_of(sanction, now, speaks=True)) is not None:
            raise Problem(refusal.code, refusal.reason)
    if (least := head.settings.post) != ROLES[0]:
        role = (await view.roles(user, [room])).get(room, ROLES[0])
        if rank(role) < rank(least):
            raise Problem("not_allowed", f"here only those from {least} up write")


async def _sanction(view: View, room: str, user: str) -> Sanction | None:
    found = await view.sanction(room, user)
    if found is None:
        return None
    return Sanction(found.n, found.sanction, found.until_ms, found.reason)


async def moderated(request: web.Request, identity: Identity, room: str = "") -> list[str] | None:
    """The rooms that the caller moderates, or `room` alone; `None`: every room.

    Raises `Problem` 404 `room_unknown` where the caller is no member of `room`, and 403
    `not_allowed` where the caller does not moderate it.
    """
    if identity.admin:
        return [room] if room else None
    view = request.app[VIEW]
    if room:
        await required_head(request, room, identity.user)
    rooms = [room] if room else list(await view.rooms_of(identity.user))
    roles = await view.roles(identity.user, rooms)
    found = [name for name, role in roles.items() if may(role, "message.approve")]
    if room and not found:
        raise Problem("not_allowed", "only a moderator of the room sees this")
    return found
