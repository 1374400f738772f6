"""The ids that edges give to rooms: those of direct rooms, and of rooms without a chosen one.

An id is a keyed digest, so that two edges make the same one, and nobody else can tell it. While the
secret changes, and while the form of the digest does, edges may make two: a room that is there
already keeps its id, whichever secret and form that came from.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Final, NamedTuple

from app.delivery.direct_claims import DirectClaims
from app.delivery.view import RoomHead, View
from app.domain.deployment import Deployment
from app.domain.names import DIRECT
from app.runtime.derived_keys import KeyRing, Purpose
from app.runtime.retry import AWAY
from app.settings import Settings
from app.topics import partition_of
from web.http.problem import Problem

#: Digests among which each region has one, unless it is the home of hardly any partition.
_TURNS: Final = 200

#: Users in whose names a text of the first form would be that of another purpose.
_AMBIGUOUS: Final = frozenset({"direct", "upload"})

#: Seconds by which the view may be behind the pipeline.
_VIEW_SECONDS: Final = 3.0


class Homes(NamedTuple):
    """This region, the number of regions with rooms, and the region of a room by its id."""

    region: str
    regions: int
    of: Callable[[str], str]


#: The homes in a deployment of one region.
ONE_HOME: Final = Homes("", 1, lambda _: "")


def homes_of(settings: Settings, deployment: Deployment) -> Homes:
    """The homes of rooms, by those of their partitions."""
    if not deployment.homes:
        return ONE_HOME
    return Homes(
        settings.region,
        len(set(deployment.homes)),
        lambda room: deployment.home(partition_of(room, settings.partitions)),
    )


def direct_ids(ring: KeyRing, one: str, other: str) -> list[str]:
    """The ids that the direct room of two users may have, first the one of a new room."""
    pair = sorted((one, other))
    digests = ring.digests(Purpose.DIRECT_ROOM, pair, f"direct/{pair[0]}/{pair[1]}")
    return [f"{DIRECT}{_id(digest)}" for digest in digests]


def new_ids(ring: KeyRing, user: str, client_id: str, homes: Homes = ONE_HOME) -> list[str]:
    """The ids that a room without a chosen one may have, the same in every attempt.

    First those at home in this region, then those that an attempt in another one may have got.
    """
    found: dict[str, list[str]] = {}
    for turn in range(_TURNS):
        parts = (user, client_id, str(turn)) if turn else (user, client_id)
        first = "" if user in _AMBIGUOUS else "/".join(parts)
        ids = [_id(digest) for digest in ring.digests(Purpose.NEW_ROOM, parts, first)]
        found.setdefault(homes.of(ids[0]), ids)
        if len(found) >= homes.regions:
            break
    own = found.pop(homes.region, [])
    return [*own, *(one for ids in found.values() for one in ids)]


def _id(digest: bytes) -> str:
    return base64.b32encode(digest[:15]).decode().lower()


async def direct_room(
    ring: KeyRing, view: View, claims: DirectClaims, user: str, other: str
) -> str:
    """The id of the direct room of two users: of the one that is there, or of a new one.

    A room is theirs by its type and both of its members, never by its id alone. Raises `Problem`
    409 `room_exists` where every id that the room may have is that of another room, and
    `Unreachable` where the view can't be read.
    """
    ids = direct_ids(ring, user, other)
    joined = [room for room in await view.rooms_of(user) if room.startswith(DIRECT)]
    heads = await view.rooms(list(dict.fromkeys([*ids, *joined])))
    found = [room for room, head in heads.items() if is_theirs(head, user, other)]
    if found:
        # The order of `ids` is not the same at all edges: of two rooms all have to take one.
        return min(found)
    free = [room for room in ids if room not in heads]
    if not free:
        raise Problem("room_exists", "the id of this direct room is taken by another room")
    return await claims.claim(user, other, free[0])


def is_theirs(head: RoomHead, one: str, other: str) -> bool:
    """Whether this is the direct room of these two."""
    return head.type == "direct" and set(head.users) == {one, other}


async def opened_direct_room(view: View, room: str, one: str, other: str) -> bool:
    """Whether a room that was opened before is the direct room of these two.

    The pipeline has said that it is there; the view may be a moment behind.
    """
    loop = asyncio.get_running_loop()
    latest = loop.time() + _VIEW_SECONDS
    while (head := await view.room(room)) is None and loop.time() < latest:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    return head is not None and is_theirs(head, one, other)


async def new_room(ring: KeyRing, view: View, user: str, client_id: str, homes: Homes) -> str:
    """The id of a room without a chosen one: that of an earlier attempt, where it got one."""
    ids = new_ids(ring, user, client_id, homes)
    try:
        joined = await view.rooms_of(user)
    except AWAY:
        return ids[0]
    return next((room for room in ids if room in joined), ids[0])
