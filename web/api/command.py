"""The fields that every command has, out of a request."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from web.api.services import SENDS
from web.auth.authenticator import Identity, authenticate
from web.http.request_params import client_id


async def wish(
    request: web.Request, room: str, given: str | None = None, identity: Identity | None = None
) -> dict[str, Any]:
    """`room`, `by`, `id`, `client_id` and `edge` of a command.

    `given` is the body's `client_id`; without it and without `Idempotency-Key` each request is a
    wish of its own. `identity` is who sends it, where that is known. Raises `Problem` 401, and 400
    as `client_id` does.
    """
    identity = identity or await authenticate(request)
    sends = request.app[SENDS]
    attempt = sends.new_id()
    return {
        "room": room,
        "by": identity.user,
        "id": attempt,
        "client_id": client_id(request, given) or attempt,
        "edge": sends.edge,
    }
