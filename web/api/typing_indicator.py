"""`POST /v1/rooms/{room}/typing`: a state that goes from edge to edge through Valkey alone."""

from __future__ import annotations

import orjson
from aiohttp import web

from web.api.callers import authenticate
from web.api.room_access import required_writer
from web.api.services import VIEW
from web.description.operation import Operation, described
from web.http.request_params import room_id


@described(Operation({204: None}, codes=("not_allowed", "muted", "banned", "room_archived")))
async def typing(request: web.Request) -> web.Response:
    """Tell the room that the caller is typing: 204.

    It is good for 5 seconds: a client asks again every 3 while somebody types, and shows each
    for 5 after it came. Raises `Problem` 403 or 409 where the caller may not write.
    """
    identity = await authenticate(request)
    room = room_id(request)
    await required_writer(request, room, identity.user)
    state = orjson.dumps({"kind": "typing", "room": room, "user": identity.user})
    await request.app[VIEW].publish_to_room(room, state)
    return web.Response(status=204)


def add_routes(app: web.Application) -> None:
    """Add the route of this resource."""
    app.router.add_post("/v1/rooms/{room}/typing", typing)
