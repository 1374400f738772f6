"""One message over HTTP: editing, deleting, reacting."""

from __future__ import annotations

import msgspec
from aiohttp import web

from app.domain import names
from app.events import AddReaction, DeleteMessage, EditMessage, RemoveReaction
from web.api.command import wish
from web.api.submit import submit
from web.auth.authenticator import authenticate
from web.http.request_body import checked, read_body
from web.http.request_params import message_seq, room_id


class NewText(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `PATCH /v1/rooms/{room}/messages/{seq}`."""

    text: str
    client_id: str | None = None


async def edit(request: web.Request) -> web.Response:
    """`PATCH /v1/rooms/{room}/messages/{seq}`: give a message another text."""
    await authenticate(request)
    room, seq = room_id(request), message_seq(request)
    body = await read_body(request, NewText)
    fields = await wish(request, room, body.client_id)
    return await submit(request, EditMessage(**fields, seq=seq, text=body.text))


async def delete(request: web.Request) -> web.Response:
    """`DELETE /v1/rooms/{room}/messages/{seq}`: take a message away."""
    fields = await wish(request, room_id(request))
    return await submit(request, DeleteMessage(**fields, seq=message_seq(request)))


async def react(request: web.Request) -> web.Response:
    """`PUT /v1/rooms/{room}/messages/{seq}/reactions/{emoji}`: put an emoji under a message."""
    fields = await wish(request, room_id(request))
    seq, emoji = message_seq(request), _emoji(request)
    return await submit(request, AddReaction(**fields, seq=seq, emoji=emoji))


async def unreact(request: web.Request) -> web.Response:
    """`DELETE /v1/rooms/{room}/messages/{seq}/reactions/{emoji}`: take one's emoji back."""
    fields = await wish(request, room_id(request))
    seq, emoji = message_seq(request), _emoji(request)
    return await submit(request, RemoveReaction(**fields, seq=seq, emoji=emoji))


def _emoji(request: web.Request) -> str:
    return checked("emoji", names.emoji, request.match_info["emoji"])


def add_routes(app: web.Application) -> None:
    """The paths of this file."""
    one = "/v1/rooms/{room}/messages/{seq}"
    app.router.add_patch(one, edit)
    app.router.add_delete(one, delete)
    app.router.add_put(one + "/reactions/{emoji}", react)
    app.router.add_delete(one + "/reactions/{emoji}", unreact)
