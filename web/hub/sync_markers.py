"""Markers: finding out how far this edge's subscription is.

Valkey itself publishes a marker, in one step with reading the position of a partition and the heads
of some rooms, on a channel of this edge alone. When it arrives, everything that was published
before it has arrived as well. So the edge stands exactly at that position, and has lost an event of
every room whose head is higher than the newest event that came.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from itertools import count
from typing import NamedTuple

from app.delivery.lookups import Lookups
from web.hub.room import Room


class MarkerRound:
    """The markers that are requested together, and everything that waits for them."""

    __slots__ = ("arrived", "left", "markers", "whole")

    def __init__(self) -> None:
        self.markers: dict[int, Marker] = {}
        self.left = 0
        #: Whether the view of each partition was whole, as far as the markers have arrived.
        self.whole = True
        self.arrived: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def marker(self, partition: int) -> Marker:
        """The round's marker for a partition."""
        marker = self.markers.get(partition)
        if marker is None:
            marker = self.markers[partition] = Marker(partition, self)
            self.left += 1
        return marker


class Marker:
    """A marker under way: for one partition, with the heads of some of its rooms."""

    __slots__ = ("_round", "partition", "rooms")

    def __init__(self, partition: int, round_: MarkerRound) -> None:
        self.partition = partition
        #: Each room once, however often it is asked for while Valkey is away.
        self.rooms: dict[Room, None] = {}
        self._round = round_

    def fail(self, error: Exception) -> None:
        """The marker failed: fail every waiter of this round."""
        arrived = self._round.arrived
        if not arrived.done():
            arrived.set_exception(error)
            arrived.exception()  # marks it as seen: perhaps no waiter is left

    def arrive(self, whole: bool) -> None:
        """The marker arrived; the last one of the round lets its waiters go on."""
        round_ = self._round
        round_.left -= 1
        round_.whole &= whole
        if round_.left == 0 and not round_.arrived.done():
            round_.arrived.set_result(round_.whole)


class ArrivedMarker(NamedTuple):
    """A marker that arrived: the position of the view, and each room's newest `n` and `pos`.

    `position` is -2 where the view was being refilled, and then says nothing about the log.
    """

    token: int
    marker: Marker
    position: int
    heads: list[int]
    positions: list[bytes]

    @property
    def whole(self) -> bool:
        """Whether the view of the partition was complete."""
        return self.position > -2

    def news(self) -> list[tuple[Room, int, int]]:
        """The rooms whose `n` differs from the edge's, with `n` and `pos`."""
        rooms = self.marker.rooms
        # Usually there are none, and thousands of rooms are compared every second.
        if [room.n for room in rooms] == self.heads:
            return []
        heads = zip(rooms, self.heads, self.positions, strict=True)
        return [(room, n, int(pos)) for room, n, pos in heads if room.n != n]


class SyncMarkers:
    """Requests markers.

    One round is under way at a time, and all requests that come meanwhile share the next: so each
    costs little where there are many.
    """

    def __init__(self, lookups: Lookups, edge: str) -> None:
        self._lookups = lookups
        self._edge = edge
        self._tokens = count(1)
        self._next: MarkerRound | None = None
        self._under_way: dict[int, Marker] = {}
        self._requesting: asyncio.Task[None] | None = None

    async def sync(self, rooms: Iterable[Room], partitions: Iterable[int] = ()) -> bool:
        """Return when a marker requested from now on has arrived for each of the partitions.

        The partitions of the rooms are among them, and the markers bring the heads of the rooms.
        The result says whether the view of each partition was whole. Where it was not, rooms that
        are new here are not known yet, and their next events may be as old as the rooms.
        """
        round_ = self._next or MarkerRound()
        for partition in partitions:
            round_.marker(partition)
        for room in rooms:
            round_.marker(room.partition).rooms[room] = None
        if not round_.markers:
            return True
        self._next = round_
        if self._requesting is None:
            self._requesting = asyncio.create_task(self._request_rounds())
        return await asyncio.shield(round_.arrived)

    def take(self, data: bytes) -> ArrivedMarker | None:
        """A marker that has arrived; `None` for an unknown one.

        It is under way until `settle`. Acting on it may need another request to Valkey; if that
        fails, the marker is requested once more.
        """
        token, position, *numbers = data.split()
        marker = self._under_way.get(int(token))
        if marker is None:
            return None
        count = len(marker.rooms)
        heads, positions = list(map(int, numbers[:count])), numbers[count:]
        return ArrivedMarker(int(token), marker, int(position), heads, positions)

    def settle(self, arrived: ArrivedMarker) -> None:
        """The edge stands where the marker says: let its waiters go on."""
        if self._under_way.pop(arrived.token, None) is not None:
            arrived.marker.arrive(arrived.whole)

    async def request_again(self) -> None:
        """Request the markers under way once more, after a lost connection."""
        lost, self._under_way = self._under_way, {}
        await self._send(list(lost.values()))

    async def _request_rounds(self) -> None:
        """Request round after round, as long as there is another."""
        while (round_ := self._next) is not None:
            await asyncio.sleep(0)
            self._next = None
            await self._send(round_.markers.values())
            await asyncio.wait((round_.arrived,))
        self._requesting = None

    async def _send(self, markers: Collection[Marker]) -> None:
        """Request the markers of one round; where that fails, none of them is under way."""
        try:
            await self._send_all(markers)
        except Exception as error:  # noqa: BLE001 - the waiters get every error
            self._under_way.clear()
            for marker in markers:
                marker.fail(error)

    async def _send_all(self, markers: Iterable[Marker]) -> None:
        requests = []
        for marker in markers:
            token = next(self._tokens)
            self._under_way[token] = marker
            names = [room.name for room in marker.rooms]
            requests.append(self._lookups.mark(marker.partition, names, self._edge, token))
        await asyncio.gather(*requests)
