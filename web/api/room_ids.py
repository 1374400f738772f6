"""The ids that edges give to rooms: those of direct rooms, and of rooms without a chosen one.

An id is a keyed digest, so that two edges make the same one, and nobody else can tell it. While the
secret changes, and while the form of the digest does, edges may make two: a room that is there
already keeps its id, whichever secret and form that came from.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Final

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


class Homes:
    """This region, and the region of a room by its id, as it is now."""

    def __init__(self, settings: Settings, deployment: Callable[[], Deployment]) -> None:
        self.region = settings.region
        self._partitions = settings.partitions
        self._deployment = deployment

    @property
    def regions(self) -> int:
        """How many regions have rooms; at least one."""
        if not self._deployment().homes:
            return 1
        places = range(self._partitions)
        return len({self._deployment().home(place, self.region) for place in places})

    @property
    def earlier_regions(self) -> int:
        """How many regions had rooms in the beginning; at least one."""
        return len(set(self._deployment().homes)) or 1

    def earlier(self, room: str) -> str:
        """The region that a room's partition was at home in in the beginning."""
        homes = self._deployment().homes
        return homes[partition_of(room, self._partitions)] if homes else ""

    def of(self, room: str) -> str:
        """The region that a room is at home in; empty in a deployment of one region."""
        return self._deployment().home(partition_of(room, self._partitions), self.region)


#: The homes in a deployment of one region.
ONE_HOME: Final = Homes(Settings(), Deployment)


def direct_ids(ring: KeyRing, one: str, other: str) -> list[str]:
    """The ids that the direct room of two users may have, first the one of a new room."""
    pair = sorted((one, other))
    digests = ring.digests(Purpose.DIRECT_ROOM, pair, f"direct/{pair[0]}/{pair[1]}")
    return [f"{DIRECT}{_id(digest)}" for digest in digests]


def new_ids(ring: KeyRing, user: str, client_id: str, homes: Homes = ONE_HOME) -> list[str]:
    """The ids that a room without a chosen one may have, the same in every attempt.

    First those at home in this region, then those that an attempt in another one may have got, or
    one from before homes were moved.
    """
    found: dict[str, list[str]] = {}
    earlier: dict[str, list[str]] = {}
    regions, earlier_regions = homes.regions, homes.earlier_regions
    for turn in range(_TURNS):
        parts = (user, client_id, str(turn)) if turn else (user, client_id)
        first = "" if user in _AMBIGUOUS else "/".join(parts)
        ids = [_id(digest) for digest in ring.digests(Purpose.NEW_ROOM, parts, first)]
        found.setdefault(homes.of(ids[0]), ids)
        earlier.setdefault(homes.earlier(ids[0]), ids)
        if len(found) >= regions and len(earlier) >= earlier_regions:
            break
    own = found.pop(homes.region, [])
    others = (one for ids in (*found.values(), *earlier.values()) for one in ids)
    return list(dict.fromkeys((*own, *others)))


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
