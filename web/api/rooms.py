"""Rooms: opening, changing, listing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec
from aiohttp import web

from app.delivery.read_marks import Unread
from app.delivery.view import RoomHead, View
from app.domain import names, wellformed
from app.domain.confusables import flagged
from app.domain.roles import ROLES
from app.domain.room_pages import Place, begun_at
from app.domain.room_pages import page as page_of
from app.events import (
    ChangeRoom,
    CreateRoom,
    MessageCreated,
    RoomCreated,
    RoomSettings,
    decode_log,
)
from web.api.callers import authenticate, count, count_rooms
from web.api.command import (
    JUDGED,
    CommandRequest,
    Numbered,
    Pending,
    command_request,
    describes_command,
)
from web.api.members import ListedMember, listed
from web.api.quotas import require_rooms_left
from web.api.room_access import required_head
from web.api.room_ids import direct_room, new_room, opened_direct_room
from web.api.services import AUTHENTICATOR, DIRECT_CLAIMS, HOMES, READ_MARKS, VIEW
from web.description.fields import ClientId, RoomId, RoomName, Topic, UserId
from web.description.operation import Operation, described
from web.http.json_response import json
from web.http.problem import Problem
from web.http.query_parameters import PagePosition, page_size
from web.http.request_body import checked, read_body
from web.http.request_params import room_id
from web.limits.kinds import Kind

_LARGEST: Final = 200
#: The events of a room that are looked through for the time of its last message but one.
_LOOKED_BACK = 200
_PLACE: Final = re.compile(r"(\d{1,18})\.(\d{1,18})\.([A-Za-z0-9._~-]{1,64})", re.ASCII)
_LIMIT: Final = page_size(50, _LARGEST)
_AFTER: Final = PagePosition("after", "The rooms behind the page that has said so.", _PLACE)


class NewRoom(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /v1/rooms`."""

    room: RoomId | None = None
    name: RoomName = ""
    topic: Topic = ""
    type: Literal["group", "public", "direct"] = "group"
    user: str = ""
    client_id: ClientId | None = None


class NewRoomSettings(msgspec.Struct, forbid_unknown_fields=True):
    """`settings` of a room."""

    slow_mode: int = 0
    post: str = ROLES[0]
    receipts: bool = True
    retention_days: int = 0


class RoomPatch(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `PATCH /v1/rooms/{room}`: omitted fields stay as they are."""

    name: RoomName | None = None
    topic: Topic | None = None
    settings: NewRoomSettings | None = None
    archived: bool | None = None
    client_id: ClientId | None = None


class DirectRoom(msgspec.Struct):
    """The direct room of two users that is there already."""

    room: str
    repeated: Literal[True]


class LastMessage(msgspec.Struct):
    """The beginning of a room's last message."""

    seq: int
    by: str
    text: str


class SettingsShown(msgspec.Struct):
    """The settings of a room."""

    slow_mode: int
    post: str
    receipts: bool
    retention_days: int


class RoomShown(msgspec.Struct, kw_only=True):
    """A room as its members see it.

    `n` and `seq` are its last event and message, `at_ms` the time of that. `users` are the two of a
    direct room.
    """

    room: str
    type: Literal["group", "public", "direct"]
    name: str
    topic: str
    n: int
    seq: int
    at_ms: int
    settings: SettingsShown
    archived: bool
    read: int
    unread: int
    mentions: int
    users: list[UserId] | msgspec.UnsetType = msgspec.UNSET
    last: LastMessage | msgspec.UnsetType = msgspec.UNSET


class ListedRoom(RoomShown, kw_only=True):
    """A room of the caller's, who joined it with the event `joined_n`."""

    joined_n: int


class RoomsPage(msgspec.Struct):
    """Rooms by their newest activity; `after` is for the next page."""

    rooms: list[ListedRoom]
    has_more: bool
    after: str | msgspec.UnsetType = msgspec.UNSET


class RoomDetails(RoomShown, kw_only=True):
    """A room with the first of its members, and the number of all."""

    members: list[ListedMember]
    member_count: int


@described(
    Operation(
        {201: Numbered, 200: (Numbered, DirectRoom), 202: Pending},
        body=NewRoom,
        example={"room": "tea", "name": "Tea", "type": "public"},
        codes=(*JUDGED, "room_exists", "muted", "too_many_rooms"),
        command=True,
        open_codes=True,
    )
)
async def create(request: web.Request) -> web.Response:
    """`POST /v1/rooms`: open a room, with oneself as its owner.

    Two users have one direct room: a second request for it gets the same room.
    """
    identity = await authenticate(request)
    asked = CommandRequest(request, identity)
    body = await read_body(request, NewRoom)
    fields = asked.fields(body.client_id)
    details = {
        "name": checked("name", names.room_name, body.name),
        "topic": checked("topic", wellformed.topic, body.topic),
    }
    fields["room"] = await _id_of(request, identity.user, body, fields["client_id"])
    command = CreateRoom(**fields, **details, type=body.type, user=body.user)
    if body.type == "direct":
        count(request, identity, Kind.DIRECT, identity.user, 1)
    await require_rooms_left(request, command.room, identity.user, body.user)
    location = f"/v1/rooms/{command.room}"
    try:
        return await asked.submit(command, location=location)
    except Problem as problem:
        if body.type != "direct" or problem.code != "room_exists":
            raise
        view = request.app[VIEW]
        if not await opened_direct_room(view, command.room, identity.user, body.user):
            raise
        return json({"room": command.room, "repeated": True}, headers={"Location": location})


async def _id_of(request: web.Request, user: str, body: NewRoom, client_id: str) -> str:
    """The id of the room that is to be opened. Raises `Problem` 400 and 409."""
    ring, view = request.app[AUTHENTICATOR].ring, request.app[VIEW]
    if body.type == "direct":
        if body.room is not None:
            raise Problem("field_value", "a direct room gets its id", field="room")
        other = checked("user", names.user, body.user)
        return await direct_room(ring, view, request.app[DIRECT_CLAIMS], user, other)
    if body.user:
        raise Problem("field_value", "only a direct room is with a user", field="user")
    if body.room is not None:
        return checked("room", names.chosen_room, body.room)
    return await new_room(ring, view, user, client_id, request.app[HOMES])


@describes_command(
    *JUDGED,
    "not_allowed",
    "muted",
    "room_archived",
    body=RoomPatch,
    example={"topic": "What grows", "settings": {"slow_mode": 10}},
    open_codes=True,
)
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


@described(Operation({200: RoomsPage}, query=(_LIMIT, _AFTER)))
async def mine(request: web.Request) -> web.Response:
    """`GET /v1/rooms`: the caller's rooms with unread counts, newest activity first.

    `limit` and `after`, that of the answer before, page through them.
    """
    identity = await authenticate(request)
    limit = _LIMIT.of(request.query)
    view = request.app[VIEW]
    joined = await view.rooms_of(identity.user)
    count_rooms(request, identity, Kind.READ, len(joined))
    heads = await view.rooms(sorted(joined))
    after = _after(request, heads)
    begun = begun_at(head.at_ms for head in heads.values()) if after is None else after.begun
    times = {room: head.at_ms for room, head in heads.items()}
    moved = [head for head in heads.values() if head.at_ms > begun]
    then = await asyncio.gather(*(_time_at(view, head, begun) for head in moved))
    times |= {head.room: at_ms for head, at_ms in zip(moved, then, strict=True)}
    page, following = page_of(times, begun, after, limit)
    unread = await request.app[READ_MARKS].unread(identity.user, page)
    rooms = [shown(heads[room], unread[room]) | {"joined_n": joined[room]} for room in page]
    body: dict[str, Any] = {"rooms": rooms, "has_more": following is not None}
    if following is not None:
        body["after"] = f"{following.begun}.{following.at_ms}.{following.room}"
    return json(body)


def _after(request: web.Request, heads: Mapping[str, RoomHead]) -> Place | None:
    """The place behind which the page begins; a room, as earlier releases had it, is taken too."""
    given = request.query.get(_AFTER.name, "")
    if given in heads:
        head = heads[given]
        return Place(begun_at(head.at_ms for head in heads.values()), head.at_ms, given)
    found = _AFTER.of(request.query)
    return None if found is None else Place(int(found[0]), int(found[1]), found[2])


async def _time_at(view: View, head: RoomHead, begun: int) -> int:
    """The `at_ms` that the room had at a time; 0, so that it comes last, where that isn't known."""
    for logged in await view.before(head.room, head.n, _LOOKED_BACK):
        event = decode_log(logged.event)
        if isinstance(event, MessageCreated | RoomCreated) and event.at_ms <= begun:
            return event.at_ms
    return 0


@described(Operation({200: RoomDetails}))
async def one(request: web.Request) -> web.Response:
    """`GET /v1/rooms/{room}`: a room of the caller's, with the first of its members."""
    identity = await authenticate(request)
    room = room_id(request)
    head = await required_head(request, room, identity.user)
    unread = await request.app[READ_MARKS].unread(identity.user, [room])
    members = await request.app[VIEW].members(room)
    first = listed(sorted(members.items())[:_LARGEST], flagged(members))
    return json(shown(head, unread[room]) | {"members": first, "member_count": len(members)})


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
