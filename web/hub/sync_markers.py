"""Marks: finding out where an edge's subscription stands.

A mark is published by Valkey itself, in one step with reading a partition's position and some
rooms' heads, on a channel of this edge alone. When it arrives, everything that was published
before it has arrived, too: so the edge stands at that position, exactly, and a room whose head
is higher than what came has lost something.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from itertools import count
from typing import NamedTuple

from app.delivery.lookups import Lookups
from web.hub.room import Room


class Turn:
    """The marks that are asked for together, and all who wait for them."""

    __slots__ = ("arrived", "left", "marks", "whole")

    def __init__(self) -> None:
        self.marks: dict[int, Mark] = {}
        self.left = 0
        #: Whether each partition's view was, as far as the marks are here.
        self.whole = True
        self.arrived: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def mark(self, partition: int) -> Mark:
        """The turn's mark for a partition."""
        mark = self.marks.get(partition)
        if mark is None:
            mark = self.marks[partition] = Mark(partition, self)
            self.left += 1
        return mark


class Mark:
    """A mark under way: for one partition and those of its rooms whose heads it brings."""

    __slots__ = ("_turn", "partition", "rooms")

    def __init__(self, partition: int, turn: Turn) -> None:
        self.partition = partition
        #: Each once, however often it is asked for while Valkey is away.
        self.rooms: dict[Room, None] = {}
        self._turn = turn

    def fail(self, error: Exception) -> None:
        """It can't be had, and so nobody goes on who waits for its turn."""
        arrived = self._turn.arrived
        if not arrived.done():
            arrived.set_exception(error)
            arrived.exception()  # there may be nobody left who waits

    def arrive(self, whole: bool) -> None:
        """It is here; with the last of its turn, everybody may go on."""
        turn = self._turn
        turn.left -= 1
        turn.whole &= whole
        if turn.left == 0 and not turn.arrived.done():
            turn.arrived.set_result(turn.whole)


class Arrived(NamedTuple):
    """A mark, where the view stood, and of each of its rooms the newest `n` and its offset.

    `position` is -2 where the view was being filled again: it says nothing of what there is.
    """

    token: int
    mark: Mark
    position: int
    heads: list[int]
    offsets: list[bytes]

    @property
    def whole(self) -> bool:
        """Whether nothing was missing in the partition's view."""
        return self.position > -2

    def news(self) -> list[tuple[Room, int, int]]:
        """The rooms, with `n` and offset, that do not stand where the edge thinks."""
        rooms = self.mark.rooms
        # As a rule there are none, and thousands of rooms are looked at every second.
        if [room.n for room in rooms] == self.heads:
            return []
        heads = zip(rooms, self.heads, self.offsets, strict=True)
        return [(room, n, int(offset)) for room, n, offset in heads if room.n != n]


class Marks:
    """Asks for marks.

    One turn of them is under way at a time, and whoever comes meanwhile shares the next: so each
    costs little where many come.
    """

    def __init__(self, lookups: Lookups, edge: str) -> None:
        self._lookups = lookups
        self._edge = edge
        self._tokens = count(1)
        self._wanted: Turn | None = None
        self._under_way: dict[int, Mark] = {}
        self._asking: asyncio.Task[None] | None = None

    async def mark(self, rooms: Iterable[Room], partitions: Iterable[int] = ()) -> bool:
        """Return when a mark asked for from now on has arrived for each of the partitions.

        The rooms' own are among them, and the marks bring the heads of the rooms. Says whether the
        view of each was whole: else rooms that are new here are not known yet, and what comes of
        them may be as old as they are.
        """
        turn = self._wanted or Turn()
        for partition in partitions:
            turn.mark(partition)
        for room in rooms:
            turn.mark(room.partition).rooms[room] = None
        if not turn.marks:
            return True
        self._wanted = turn
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(turn.arrived)

    def take(self, data: bytes) -> Arrived | None:
        """A mark that has arrived; `None` for an unknown one.

        It is under way until `settle`: what it tells may take another look at Valkey, which may
        fail, and then the mark is asked for once more.
        """
        token, position, *numbers = data.split()
        mark = self._under_way.get(int(token))
        if mark is None:
            return None
        count = len(mark.rooms)
        heads, offsets = list(map(int, numbers[:count])), numbers[count:]
        return Arrived(int(token), mark, int(position), heads, offsets)

    def settle(self, arrived: Arrived) -> None:
        """The edge stands where the mark said: those who wait for it may go on."""
        if self._under_way.pop(arrived.token, None) is not None:
            arrived.mark.arrive(arrived.whole)

    async def ask_again(self) -> None:
        """Ask once more for the marks under way, which a lost connection has lost."""
        lost, self._under_way = self._under_way, {}
        await self._send(list(lost.values()))

    async def _ask(self) -> None:
        """Ask turn after turn, as long as somebody wants one."""
        while (turn := self._wanted) is not None:
            await asyncio.sleep(0)
            self._wanted = None
            await self._send(turn.marks.values())
            await asyncio.wait((turn.arrived,))
        self._asking = None

    async def _send(self, marks: Collection[Mark]) -> None:
        """Ask for the marks of one turn; where that fails, none of them is under way."""
        try:
            await self._send_all(marks)
        except Exception as error:  # noqa: BLE001 - those who wait are told, whatever it is
            self._under_way.clear()
            for mark in marks:
                mark.fail(error)

    async def _send_all(self, marks: Iterable[Mark]) -> None:
        asked = []
        for mark in marks:
            token = next(self._tokens)
            self._under_way[token] = mark
            asked.append(
                self._lookups.mark(
                    mark.partition, [room.name for room in mark.rooms], self._edge, token
                )
            )
        await asyncio.gather(*asked)
