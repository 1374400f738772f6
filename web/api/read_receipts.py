"""Read receipts, and the marks of the members."""

from __future__ import annotations

import asyncio
from typing import Final, Literal

import msgspec
from aiohttp import web

from app.delivery.view import RoomHead
from app.errors import Unreachable
from app.events import Receipt
from web.api.callers import authenticate
from web.api.room_access import required_head
from web.api.services import COMMANDS, HOMES, READ_MARKS, SETTINGS, VIEW
from web.api.unread import Standing, standing_of
from web.description.operation import Operation, described
from web.http.json_response import json
from web.http.problem import Problem
from web.http.query_parameters import WholeNumber
from web.http.request_body import read_body
from web.http.request_params import room_id, wait

#: Users that an answer names; it counts all of them.
_NAMED = 200

#: Seconds for a message to come from the region that a room is at home in, and between two looks.
_COMING_SECONDS: Final = 3.0
_PAUSE: Final = 0.1

_SEQ: Final = WholeNumber("seq", "The readers of this message, instead of all read marks.", 1)


class ReadMark(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `PUT /v1/rooms/{room}/read`."""

    seq: int


class Marked(Standing, kw_only=True):
    """The caller's read mark in this room, after a receipt."""

    room: str


class MarkPending(msgspec.Struct):
    """A receipt that is in Kafka, and not counted yet."""

    room: str
    status: Literal["accepted"]


class ReadMarksShown(msgspec.Struct):
    """The read marks of all members; `seq` is the room's last message."""

    room: str
    seq: int
    read: dict[str, int]


class ReadersShown(msgspec.Struct):
    """The number of readers of a message, and the first of them."""

    room: str
    seq: int
    count: int
    by: list[str]


@described(
    Operation(
        {200: Marked, 202: MarkPending},
        body=ReadMark,
        example={"seq": 1},
        codes=("read_beyond_head",),
        waits=True,
    )
)
async def read(request: web.Request) -> web.Response:
    """`PUT /v1/rooms/{room}/read`: mark messages as read up to `seq`; a receipt never goes back."""
    identity = await authenticate(request)
    room = room_id(request)
    mark = await read_body(request, ReadMark)
    head = await required_head(request, room, identity.user)
    if mark.seq > head.seq and request.app[HOMES].of(room) != request.app[SETTINGS].region:
        head = await _when_known(request, room, identity.user, mark.seq)
    if not 0 <= mark.seq <= head.seq:
        detail = f"the room's last message is {head.seq}; nobody has read {mark.seq}"
        raise Problem("read_beyond_head", detail, seq=head.seq)
    commands = request.app[COMMANDS]
    seconds, headers = wait(request, request.app[SETTINGS].wait)
    receipt = Receipt(
        room=room,
        by=identity.user,
        seq=mark.seq,
        id=commands.new_id(),
        edge=commands.edge,
        epoch=head.epoch,
    )
    if await commands.send(receipt, seconds) is None:
        return json({"room": room, "status": "accepted"}, 202, headers)
    unread = (await request.app[READ_MARKS].unread(identity.user, [room]))[room]
    return json({"room": room, **standing_of(unread)}, headers=headers)


async def _when_known(request: web.Request, room: str, user: str, seq: int) -> RoomHead:
    """The room once it has this message, which a reader may know from the room's home region.

    Raises `Unreachable` where it does not come.
    """
    loop = asyncio.get_running_loop()
    latest = loop.time() + _COMING_SECONDS
    while True:
        head = await required_head(request, room, user)
        if head.seq >= seq:
            return head
        if loop.time() > latest:
            raise Unreachable(f"message {seq} of this room has not come to this region yet")
        await asyncio.sleep(_PAUSE)


@described(Operation({200: (ReadMarksShown, ReadersShown)}, query=(_SEQ,), codes=("receipts_off",)))
async def receipts(request: web.Request) -> web.Response:
    """`GET /v1/rooms/{room}/receipts`: the receipts of the members, or of one message."""
    identity = await authenticate(request)
    room = room_id(request)
    seq = _SEQ.of(request.query)
    head = await required_head(request, room, identity.user)
    if not head.settings.receipts:
        raise Problem("receipts_off", "this room does not show who has read")
    members = await request.app[VIEW].members(room)
    marks = await request.app[READ_MARKS].marks(room)
    known = {user: marks.get(user, 0) for user in sorted(members)}
    if seq is None:
        return json({"room": room, "seq": head.seq, "read": known})
    by = [user for user, mark in known.items() if mark >= seq]
    return json({"room": room, "seq": seq, "count": len(by), "by": by[:_NAMED]})


def add_routes(app: web.Application) -> None:
    """Add the routes of this resource."""
    app.router.add_put("/v1/rooms/{room}/read", read)
    app.router.add_get("/v1/rooms/{room}/receipts", receipts)
