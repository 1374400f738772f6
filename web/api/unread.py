"""Unread counts, and with `explain=1` the messages and the marks behind them.

The figures, the deleted messages and the mentions come from Valkey by one script, so that they
always add up. The history store adds who wrote a message and when; where it is behind, that is left
out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec
from aiohttp import web

from app.delivery.read_marks import Explained, Unread
from app.domain.access import room_unknown
from app.domain.shadow import shown_to
from app.errors import Unreachable
from app.events import MessageCreated, decode_log
from web.api.callers import authenticate, count, count_rooms
from web.api.history import Reading, read_messages
from web.api.services import READ_MARKS, VIEW
from web.api.unarchived import unarchived
from web.auth.token_cache import Identity
from web.description.operation import Operation, described
from web.http.json_response import json
from web.http.problem import Problem, refused
from web.http.query_parameters import WholeNumber, Word, page_size
from web.limits.kinds import Kind

#: Rooms of an answer.
_ROOMS: Final = 10

_EXPLAIN: Final = WholeNumber("explain", "1: with the messages and marks behind the counts.", 0, 1)
_ROOM: Final = Word("room", "With `explain`: this room alone.")
_AFTER: Final = Word("after", "With `explain`: the rooms behind this one, by id.")
_AFTER_SEQ: Final = WholeNumber("after_seq", "With `explain`: messages above this `seq`.")
_LIMIT: Final = page_size(100, 200)


class Standing(msgspec.Struct):
    """The caller's read mark in a room, and the unread messages and mentions above it."""

    read: int
    unread: int
    mentions: int


class UnreadCounts(msgspec.Struct):
    """Unread messages and mentions in all rooms, and in each that has any."""

    unread: int
    mentions: int
    rooms: dict[str, Standing]


class MarkExplained(msgspec.Struct, omit_defaults=True):
    """The read mark: everything up to message `seq` counts as read.

    It is there by a message of one's own (`sent`), by joining (`joined`), by a receipt, or there is
    none yet. `n` and `at_ms` are of the message, or `n` of the joining. Without `by` the history
    does not say.
    """

    seq: int
    by: Literal["", "sent", "joined", "receipt", "none"] = ""
    n: int = 0
    at_ms: int = 0


class MessageExplained(msgspec.Struct, omit_defaults=True):
    """A message above the mark; `why` says why it does not count, and is empty where it counts.

    `n`, `id`, `by` and `at_ms` are missing where the history does not have the message: because it
    is behind, or has dropped the message by its age.
    """

    seq: int
    why: Literal["", "deleted", "hidden"] = ""
    mention: bool = False
    n: int = 0
    id: str = ""
    by: str = ""
    at_ms: int = 0


class RoomExplained(msgspec.Struct):
    """The counts of a room: `above` the mark less `deleted` is `unread`.

    `n` and `pos` are of the last event that the counts know of: its place in the room, and in its
    partition of the log. `seq` is the room's last message. `has_more`: there are more messages
    above the last of these; `after_seq` goes on there.
    """

    read: int
    unread: int
    mentions: int
    seq: int
    n: int
    pos: int
    above: int
    deleted: int
    mark: MarkExplained
    messages: list[MessageExplained]
    has_more: bool


class UnreadExplained(msgspec.Struct, omit_defaults=True):
    """The totals, and rooms with unread messages by id; `after` is for the next page."""

    unread: int
    mentions: int
    rooms: dict[str, RoomExplained]
    after: str | msgspec.UnsetType = msgspec.UNSET


@described(
    Operation(
        {200: (UnreadCounts, UnreadExplained)},
        query=(_EXPLAIN, _ROOM, _AFTER, _AFTER_SEQ, _LIMIT),
        codes=("room_unknown",),
    )
)
async def unread(request: web.Request) -> web.Response:
    """`GET /v1/unread`: the caller's unread counts by room, and in total.

    With `explain=1` each room has the read mark, the messages above it, and why some of them don't
    count: ten rooms with unread messages an answer, or `room` alone.
    """
    identity = await authenticate(request)
    rooms = await request.app[VIEW].rooms_of(identity.user)
    count_rooms(request, identity, Kind.READ, len(rooms))
    found = await request.app[READ_MARKS].unread(identity.user, rooms)
    if _EXPLAIN.of(request.query):
        return await _explained(request, identity, rooms, found)
    counted = {room: standing_of(left) for room, left in found.items() if left.unread}
    return json(
        {
            "unread": sum(left["unread"] for left in counted.values()),
            "mentions": sum(left["mentions"] for left in counted.values()),
            "rooms": counted,
        }
    )


def standing_of(counts: Unread) -> dict[str, int]:
    """A count as answers have it."""
    return {"read": counts.read, "unread": counts.unread, "mentions": counts.mentions}


async def _explained(
    request: web.Request, identity: Identity, joined: Mapping[str, int], known: Mapping[str, Unread]
) -> web.Response:
    """The answer; `joined` has the caller's rooms and the `n` of joining, `known` their counts."""
    query, user = request.query, identity.user
    after_seq, limit = _AFTER_SEQ.of(query), _LIMIT.of(query)
    names = _chosen(_ROOM.of(query), _AFTER.of(query), joined, known)
    count(request, identity, Kind.READ, user, len(names[:_ROOMS]))
    marks = request.app[READ_MARKS]
    found = await marks.explained(user, names[:_ROOMS], after_seq, limit)
    explained = await asyncio.gather(
        *(_room(request, user, room, joined[room], one, limit) for room, one in found.items())
    )
    counts = {**known, **{room: one.counts for room, one in found.items()}}
    answer = {
        "unread": sum(one.unread for one in counts.values()),
        "mentions": sum(one.mentions for one in counts.values()),
        "rooms": dict(zip(found, explained, strict=True)),
    }
    return json(answer | ({"after": names[_ROOMS - 1]} if len(names) > _ROOMS else {}))


def _chosen(
    room: str, after: str, joined: Mapping[str, int], known: Mapping[str, Unread]
) -> list[str]:
    """The rooms to explain, and perhaps one more. Raises `Problem` 404 `room_unknown`."""
    if room:
        if room not in joined:
            raise refused(room_unknown(room))
        return [room]
    return sorted(name for name, one in known.items() if one.unread and name > after)[: _ROOMS + 1]


async def _room(
    request: web.Request, user: str, room: str, joined: int, one: Explained, limit: int
) -> RoomExplained:
    seq, read, unread, mentions = one.counts
    above = max(seq - read, unread)
    span = range(one.after + 1, min(seq, one.after + limit) + 1)
    messages = await _messages(request, user, room, (range(read, read + 2), span))
    return RoomExplained(
        read=read,
        unread=unread,
        mentions=mentions,
        seq=seq,
        n=one.n,
        pos=one.pos,
        above=above,
        deleted=above - unread,
        mark=_mark(user, read, joined, messages),
        messages=[_message(number, one, messages.get(number)) for number in span],
        has_more=bool(span) and span[-1] < seq,
    )


async def _messages(
    request: web.Request, user: str, room: str, spans: tuple[range, ...]
) -> dict[int, MessageCreated]:
    """What the history has of these messages, as the user sees them."""
    try:
        head = await request.app[VIEW].room(room)
        if head is None:
            return {}
        late = await unarchived(request, head)
        reading = Reading(head, user, late)
        found: dict[int, bytes] = {}
        for span in spans:
            there = range(max(span.start, late.floor, 1), min(span.stop, head.seq + 1))
            found |= await read_messages(request, reading, there, upward=True)
    except (Problem, Unreachable):
        return {}
    decoded = {seq: decode_log(shown_to(user, raw)) for seq, raw in found.items()}
    return {seq: one for seq, one in decoded.items() if isinstance(one, MessageCreated)}


def _mark(
    user: str, read: int, joined: int, messages: Mapping[int, MessageCreated]
) -> MarkExplained:
    """Where a mark comes from, by the message that it stands at and the next one."""
    at, following = messages.get(read), messages.get(read + 1)
    if at is not None and at.by == user:
        return MarkExplained(read, "sent", at.n, at.at_ms)
    if read and at is None:
        return MarkExplained(read)
    begun = 0 if at is None else at.n
    if begun < joined and (following is None or joined < following.n):
        return MarkExplained(read, "joined", joined)
    return MarkExplained(read, "receipt" if read else "none")


def _message(seq: int, one: Explained, message: MessageCreated | None) -> MessageExplained:
    fields: dict[str, Any] = {}
    if message is not None:
        fields = {"n": message.n, "id": message.id, "by": message.by, "at_ms": message.at_ms}
    if seq not in one.gone:
        return MessageExplained(seq, mention=seq in one.named, **fields)
    hidden = message is not None and message.hidden
    return MessageExplained(seq, "hidden" if hidden else "deleted", **fields)


def add_routes(app: web.Application) -> None:
    """Add the route of this resource."""
    app.router.add_get("/v1/unread", unread)
