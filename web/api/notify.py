"""Levels: which messages the caller wants to be notified of, of all rooms and of one."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

import msgspec
from aiohttp import web
from aiokafka.errors import KafkaError

from app.domain.push.levels import Levels
from app.events import AnyNotify, Level, NotifyRoom, NotifyUser, Quiet, notify_key
from app.push import notify_directory
from app.push.local_time import is_zone
from app.runtime.clock import now_ms
from web.api.callers import authenticate
from web.api.room_access import required_head
from web.api.services import NOTIFY, PRODUCER, SETTINGS
from web.description.fields import Milliseconds
from web.description.operation import Operation, described
from web.http.json_response import json
from web.http.problem import Problem
from web.http.request_body import read_body
from web.http.request_params import room_id

#: Seconds in which this edge hears of a record that it has written.
_HEARS: Final = 5.0

_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)

#: The latest time that is taken: the year 10,000 or so, in milliseconds.
_LAST_MS: Final = 253_402_300_800_000


class QuietHours(msgspec.Struct, forbid_unknown_fields=True):
    """Hours of each day in which the user is not called: `22:00` to `07:00` in `Europe/Vienna`."""

    begins: str
    ends: str
    zone: str


class NewLevels(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `PUT /v1/me/notify`; what is left out is as if nothing had ever been said."""

    level: Level = "mentions"
    quiet: QuietHours | None = None
    mute_until_ms: Milliseconds = 0


class NewRoomLevel(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `PUT /v1/rooms/{room}/notify`; without a level that of all rooms counts."""

    level: Level | None = None
    mute_until_ms: Milliseconds = 0


class OwnLevel(msgspec.Struct):
    """The settings of one room; without a level that of all rooms counts."""

    level: Level | None
    mute_until_ms: int


class LevelsShown(msgspec.Struct):
    """What the caller wants to be notified of, and the rooms with something of their own."""

    level: Level
    quiet: QuietHours | None
    mute_until_ms: int
    rooms: dict[str, OwnLevel]


class RoomLevelShown(msgspec.Struct):
    """The settings of one room; `counts` is the level that counts there."""

    room: str
    level: Level | None
    mute_until_ms: int
    counts: Level


@described(Operation({200: LevelsShown}))
async def show_all(request: web.Request) -> web.Response:
    """`GET /v1/me/notify`: what the caller wants, and the rooms with something of their own."""
    identity = await authenticate(request)
    return json(_all(request.app[NOTIFY].levels(identity.user)))


@described(
    Operation({200: LevelsShown}, body=NewLevels, example={"level": "mentions", "mute_until_ms": 0})
)
async def set_all(request: web.Request) -> web.Response:
    """`PUT /v1/me/notify`: set what the caller wants of rooms without a level of their own."""
    identity = await authenticate(request)
    wanted = await read_body(request, NewLevels)
    _check_mute(wanted.mute_until_ms)
    made = NotifyUser(
        user=identity.user,
        at_ms=now_ms(),
        level=wanted.level,
        quiet=None if wanted.quiet is None else _quiet(wanted.quiet),
        mute_until_ms=wanted.mute_until_ms,
    )
    await write(request, made)
    return json(_all(request.app[NOTIFY].levels(identity.user)))


@described(Operation({200: RoomLevelShown}))
async def show_room(request: web.Request) -> web.Response:
    """`GET /v1/rooms/{room}/notify`: what the caller wants of a room, and what counts there."""
    identity = await authenticate(request)
    room = room_id(request)
    await required_head(request, room, identity.user)
    return json(_room(request.app[NOTIFY].levels(identity.user), room))


@described(
    Operation(
        {200: RoomLevelShown},
        body=NewRoomLevel,
        example={"level": "all"},
        codes=("too_many_rooms",),
    )
)
async def set_room(request: web.Request) -> web.Response:
    """`PUT /v1/rooms/{room}/notify`: set what the caller wants of a room."""
    identity = await authenticate(request)
    room = room_id(request)
    wanted = await read_body(request, NewRoomLevel)
    _check_mute(wanted.mute_until_ms)
    await required_head(request, room, identity.user)
    levels = request.app[NOTIFY].levels(identity.user)
    made = NotifyRoom(
        user=identity.user,
        room=room,
        at_ms=now_ms(),
        level=wanted.level,
        mute_until_ms=wanted.mute_until_ms,
    )
    if wanted.level is None and not wanted.mute_until_ms:
        if room in levels.rooms:
            await remove(request, made)
    elif room not in levels.rooms and len(levels.rooms) >= request.app[SETTINGS].rooms:
        raise Problem("too_many_rooms", f"you have set levels of {len(levels.rooms)} rooms")
    else:
        await write(request, made)
    return json(_room(request.app[NOTIFY].levels(identity.user), room))


async def write(request: web.Request, made: AnyNotify) -> None:
    """Return when Kafka has it, and when this edge has heard of it."""
    try:
        producer, partitions = request.app[PRODUCER], request.app[SETTINGS].partitions
        await notify_directory.write(producer, partitions, made)
    except KafkaError as error:
        raise _away(error) from error
    await _heard(request, made, made)


async def remove(request: web.Request, known: AnyNotify) -> None:
    """Remove it; return as `write`."""
    try:
        producer, partitions = request.app[PRODUCER], request.app[SETTINGS].partitions
        await notify_directory.remove(producer, partitions, notify_key(known))
    except KafkaError as error:
        raise _away(error) from error
    await _heard(request, known, None)


async def _heard(request: web.Request, one: AnyNotify, wanted: AnyNotify | None) -> None:
    try:
        async with asyncio.timeout(_HEARS):
            await request.app[NOTIFY].heard(notify_key(one), wanted)
    except TimeoutError:
        return


def _away(error: Exception) -> Problem:
    return Problem("unreachable", f"Kafka does not answer: {error!r}")


def _all(levels: Levels) -> dict[str, Any]:
    of_all = levels.of_all
    quiet = of_all.quiet
    return {
        "level": of_all.level,
        "quiet": None
        if quiet is None
        else {"begins": _time(quiet.begins), "ends": _time(quiet.ends), "zone": quiet.zone},
        "mute_until_ms": of_all.mute_until_ms,
        "rooms": {
            room: {"level": own.level, "mute_until_ms": own.mute_until_ms}
            for room, own in sorted(levels.rooms.items())
        },
    }


def _room(levels: Levels, room: str) -> dict[str, Any]:
    own = levels.rooms.get(room)
    return {
        "room": room,
        "level": None if own is None else own.level,
        "mute_until_ms": 0 if own is None else own.mute_until_ms,
        "counts": levels.level(room),
    }


def _quiet(hours: QuietHours) -> Quiet:
    if not is_zone(hours.zone):
        detail = "a zone is a name of the time zone database, such as Europe/Vienna"
        raise Problem("field_value", detail, field="quiet")
    return Quiet(begins=_minute(hours.begins), ends=_minute(hours.ends), zone=hours.zone)


def _minute(text: str) -> int:
    found = _TIME.fullmatch(text)
    if found is None:
        raise Problem("field_value", "a time is from 00:00 to 23:59", field="quiet")
    return int(found[1]) * 60 + int(found[2])


def _time(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _check_mute(until_ms: int) -> None:
    if not 0 <= until_ms < _LAST_MS:
        detail = "a time in milliseconds since 1970; 0: not muted"
        raise Problem("field_value", detail, field="mute_until_ms")


def add_routes(app: web.Application) -> None:
    """Add the routes of this resource."""
    app.router.add_get("/v1/me/notify", show_all)
    app.router.add_put("/v1/me/notify", set_all)
    app.router.add_get("/v1/rooms/{room}/notify", show_room)
    app.router.add_put("/v1/rooms/{room}/notify", set_room)
