"""Rooms: opening, changing, listing."""

from __future__ import annotations

import base64
import hmac
from typing import Any, Literal

import msgspec
from aiohttp import web

from app.delivery.read_marks import Unread
from app.delivery.view import RoomHead
from app.domain import names, wellformed
from app.domain.roles import ROLES
from app.events import ChangeRoom, CreateRoom, RoomSettings
from web.api.callers import authenticate, count, count_rooms
from web.api.command import CommandRequest, command_request
from web.api.quotas import require_rooms_left
from web.api.room_access import required_head
from web.api.services import READ_MARKS, SETTINGS, VIEW
from web.http.json_response import json
from web.http.problem import Problem
from web.http.request_body import checked, read_body
from web.http.request_params import integer, room_id, word
from web.limits.kinds import Kind

_LIMIT = 50
_LARGEST = 200


class NewRoom(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /v1/rooms`."""

    room: str | None = None
    name: str = ""
    topic: str = ""
    type: Literal["group", "public", "direct"] = "group"
    user: str = ""
    client_id: str | None = None


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """`settings` of a room."""

    slow_mode: int = 0
    post: str = ROLES[0]
    receipts: bool = True
    retention_days: int = 0


class RoomPatch(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `PATCH /v1/rooms/{room}`: omitted fields stay as they are."""

    name: str | None = None
    topic: str | None = None
    settings: Settings | None = None
    archived: bool | None = None
    client_id: str | None = None


async def create(request: web.Request) -> web.Response:
    """`POST /v1/rooms`: open a room, with oneself as its owner.

    Two users have one direct room: a second request for it gets the same room.
    """
    identity = await authenticate(request)
    asked = CommandRequest(request, identity)
    body = await read_body(request, NewRoom)
    secret = request.app[SETTINGS].secret
    fields = asked.fields(body.client_id)
    if body.type == "direct":
        if body.room is not None:
            raise Problem("field_value", "a direct room gets its id", field="room")
        fields["room"] = direct_room(secret, identity.user, checked("user", names.user, body.user))
    elif body.user:
        raise Problem("field_value", "only a direct room is with a user", field="user")
    else:
        fields["room"] = body.room or _room_of(secret, identity.user, fields["client_id"])
    command = CreateRoom(
        **fields | {"room": checked("room", names.room, fields["room"])},
        type=body.type,
        name=checked("name", names.room_name, body.name),
        topic=checked("topic", wellformed.topic, body.topic),
        user=body.user,
    )
    if body.type == "direct":
        count(request, identity, Kind.DIRECT, identity.user, 1)
    await require_rooms_left(request, command.room, identity.user, body.user)
    location = f"/v1/rooms/{command.room}"
    try:
        return await asked.submit(command, location=location)
    except Problem as problem:
        if body.type != "direct" or problem.code != "room_exists":
            raise
        return json({"room": command.room, "repeated": True}, headers={"Location": location})


def direct_room(secret: str, one: str, other: str) -> str:
    """The id of the direct room of two users; keyed, so that no other user can take it."""
    pair = "/".join(sorted((one, other)))
    digest = hmac.digest(secret.encode(), f"direct/{pair}".encode(), "sha256")
    return "dm-" + base64.b32encode(digest[:15]).decode().lower()


def _room_of(secret: str, user: str, client_id: str) -> str:
    """The id of a room without a chosen one: the same in every attempt under a client id.

    Keyed, so that no other user can derive it from the client id and take the room first.
    """
    digest = hmac.digest(secret.encode(), f"{user}/{client_id}".encode(), "sha256")
    return base64.b32encode(digest[:15]).decode().lower()


async def change(request: web.Request) -> web.Response:
    """`PATCH /v1/rooms/{room}`: change name, topic, settings; archive, or open again."""
    asked = await command_request(request)
    body = await read_body(request, RoomPatch)
    settings = None
    if body.settings is not None:
        settings = RoomSettings(**msgspec.structs.asdict(body.settings))
        if (wrong := wellformed.settings(settings)) is not None:
            raise Problem("field_value", wrong, field="settings")
    command = ChangeRoom(
        **asked.fields(body.client_id),
        name=None if body.name is None else checked("name", names.room_name, body.name),
        topic=None if body.topic is None else checked("topic", wellformed.topic, body.topic),
        settings=settings,
        archived=body.archived,
    )
    return await asked.submit(command)


async def mine(request: web.Request) -> web.Response:
    """`GET /v1/rooms`: the caller's rooms with unread counts, newest activity first.

    `limit` and `after`, the last room of the page before, page through them.
    """
    identity = await authenticate(request)
    limit = integer(request, "limit", 1, _LARGEST) or _LIMIT
    after = word(request, "after")
    view = request.app[VIEW]
    joined = await view.rooms_of(identity.user)
    count_rooms(request, identity, Kind.READ, len(joined))
    heads = await view.rooms(sorted(joined))
    newest = sorted(heads.values(), key=lambda head: (-head.at_ms, head.room))
    start = next((i + 1 for i, head in enumerate(newest) if head.room == after), 0)
    page = newest[start : start + limit]
    unread = await request.app[READ_MARKS].unread(identity.user, [head.room for head in page])
    rooms = [shown(head, unread[head.room]) | {"joined_n": joined[head.room]} for head in page]
    return json({"rooms": rooms, "has_more": start + limit < len(newest)})


async def one(request: web.Request) -> web.Response:
    """`GET /v1/rooms/{room}`: a room of the caller's, with the first of its members."""
    identity = await authenticate(request)
    room = room_id(request)
    head = await required_head(request, room, identity.user)
    unread = await request.app[READ_MARKS].unread(identity.user, [room])
    members = await request.app[VIEW].members(room)
    listed = [{"user": user, "role": role} for user, role in sorted(members.items())[:_LARGEST]]
    return json(shown(head, unread[room]) | {"members": listed, "member_count": len(members)})


def shown(head: RoomHead, unread: Unread) -> dict[str, Any]:
    """A room as it is shown to its members."""
    found: dict[str, Any] = {
        "room": head.room,
        "type": head.type,
        "name": head.name,
        "topic": head.topic,
        "n": head.n,
        "seq": head.seq,
        "at_ms": head.at_ms,
        "settings": msgspec.structs.asdict(head.settings),
        "archived": head.archived,
        "read": unread.read,
        "unread": unread.unread,
        "mentions": unread.mentions,
    }
    if head.users:
        found["users"] = list(head.users)
    if head.seq:
        found["last"] = {"seq": head.seq, "by": head.last_by, "text": head.last_text}
    return found


def add_routes(app: web.Application) -> None:
    """Add the routes of this resource."""
    app.router.add_post("/v1/rooms", create)
    app.router.add_get("/v1/rooms", mine)
    app.router.add_get("/v1/rooms/{room}", one)
    app.router.add_patch("/v1/rooms/{room}", change)
