"""Who moderates which rooms."""

from __future__ import annotations

from aiohttp import web

from app.domain.roles import may
from web.api.services import VIEW
from web.auth.token_cache import Identity
from web.http.problem import Problem


async def moderated(request: web.Request, identity: Identity, room: str = "") -> list[str] | None:
    """The rooms that somebody moderates, or `room` alone if they do; `None`: all that there are.

    Raises `Problem` 403 `not_allowed` where `room` is none of theirs.
    """
    if identity.admin:
        return [room] if room else None
    view = request.app[VIEW]
    rooms = [room] if room else list(await view.rooms_of(identity.user))
    roles = await view.roles(identity.user, rooms)
    found = [name for name, role in roles.items() if may(role, "message.approve")]
    if room and not found:
        raise Problem(403, "not_allowed", "only who moderates the room sees that")
    return found
