"""Rooms and their members over HTTP."""

from __future__ import annotations

import base64
import hmac
from typing import Any, Literal

import msgspec
from aiohttp import web

from app.delivery.view import RoomHead
from app.events import AddMember, CreateRoom
from app.rules import names
from web.auth import authenticate
from web.bodies import checked, read_body
from web.keys import SENDS, SETTINGS, VIEW
from web.membership import required_head
from web.parameters import client_id, room_id
from web.submit import submit


class NewRoom(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /v1/rooms`."""

    room: str | None = None
    name: str = ""
    type: Literal["group", "public"] = "group"
    client_id: str | None = None


class NewMember(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /v1/rooms/{room}/members`."""

    user: str
    role: Literal["member"] = "member"
    client_id: str | None = None


async def create(request: web.Request) -> web.Response:
    """`POST /v1/rooms`: open a room, with oneself as its owner."""
    identity = await authenticate(request)
    body = await read_body(request, NewRoom)
    sends = request.app[SENDS]
    attempt = sends.new_id()
    wish = client_id(request, body.client_id) or attempt
    room = body.room
    if room is None:
        room = _room_of(request.app[SETTINGS].secret, identity.user, wish)
    command = CreateRoom(
        room=checked("room", names.room, room),
        by=identity.user,
        id=attempt,
        client_id=wish,
        edge=sends.edge,
        type=body.type,
        name=checked("name", names.room_name, body.name),
    )
    return await submit(request, command, location=f"/v1/rooms/{room}")


def _room_of(secret: str, user: str, wish: str) -> str:
    """The id of a room whose creator named none: the same in every attempt of one wish.

    Keyed, so that nobody can work it out from a client id and take the room first.
    """
    digest = hmac.digest(secret.encode(), f"{user}/{wish}".encode(), "sha256")
    return base64.b32encode(digest[:15]).decode().lower()


async def add_member(request: web.Request) -> web.Response:
    """`POST /v1/rooms/{room}/members`: make somebody a member."""
    identity = await authenticate(request)
    room = room_id(request)
    body = await read_body(request, NewMember)
    sends = request.app[SENDS]
    attempt = sends.new_id()
    command = AddMember(
        room=room,
        by=identity.user,
        id=attempt,
        client_id=client_id(request, body.client_id) or attempt,
        edge=sends.edge,
        user=checked("user", names.user, body.user),
        role=body.role,
    )
    return await submit(request, command, location=f"/v1/rooms/{room}")


async def mine(request: web.Request) -> web.Response:
    """`GET /v1/rooms`: the rooms one is a member of, by id."""
    identity = await authenticate(request)
    joined = await request.app[VIEW].rooms_of(identity.user)
    heads = await request.app[VIEW].rooms(sorted(joined))
    shown = [{**_shown(head), "joined_n": joined[room]} for room, head in heads.items()]
    return _json({"rooms": shown})


async def one(request: web.Request) -> web.Response:
    """`GET /v1/rooms/{room}`: a room of one's own, with its members."""
    identity = await authenticate(request)
    room = room_id(request)
    head = await required_head(request, room, identity.user)
    members = await request.app[VIEW].members(room)
    listed = [{"user": user, "role": role} for user, role in sorted(members.items())]
    return _json({**_shown(head), "members": listed})


def _shown(head: RoomHead) -> dict[str, Any]:
    return {"room": head.room, "type": head.type, "name": head.name, "n": head.n, "seq": head.seq}


def _json(body: dict[str, Any]) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), content_type="application/json")


def add_routes(app: web.Application) -> None:
    """The paths of this file."""
    app.router.add_post("/v1/rooms", create)
    app.router.add_get("/v1/rooms", mine)
    app.router.add_get("/v1/rooms/{room}", one)
    app.router.add_post("/v1/rooms/{room}/members", add_member)
