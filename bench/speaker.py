"""Sends messages at a steady rate, whether or not the answers keep up."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import cycle

from app.settings import Settings
from bench.audience import OWNER, head
from bench.wire import Lane

#: Connections opened beforehand. Where all are busy, another is opened.
_LANES = 16


class Speaker:
    """Posts message after message, in turn to each of the rooms, and in turn by these people."""

    def __init__(self, settings: Settings, rooms: list[str], people: Sequence[str] = ()) -> None:
        #: Nanoseconds from POST to answer, of messages from index `measure_from` on.
        self.delays: list[int] = []
        self.measure_from = 0
        self.statuses: Counter[int] = Counter()
        #: Seconds by which the client itself was behind its schedule at worst.
        self.late = 0.0
        self._settings = settings
        self._heads = [
            head(settings, "POST", f"/v1/rooms/{room}/messages", person)
            + b"Content-Type: application/json\r\n"
            for person, room in zip(people or [OWNER] * len(rooms), cycle(rooms), strict=False)
        ]
        self._free: list[Lane] = []

    async def connect(self) -> None:
        """Open the connections."""
        await asyncio.gather(*(self._add_lane() for _ in range(_LANES)))

    async def speak(self, start: int, stop: int, rate: float) -> None:
        """Post the messages `start` up to, without, `stop`, `rate` of them each second."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for index in range(start, stop):
            due = began + (index - start) / rate
            await asyncio.sleep(max(0.0, due - loop.time()))
            lane = await self._lane()
            self.late = max(self.late, loop.time() - due)
            lane.send(self._heads[index % len(self._heads)], index, self._noting(index))

    async def answered(self, count: int, within: float) -> None:
        """Return when `count` answers are there, or time is over."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within
        while self.statuses.total() < count:
            if loop.time() > deadline:
                return
            await asyncio.sleep(0.05)

    def _noting(self, index: int) -> Callable[[int, int], None]:
        def note(status: int, delay: int) -> None:
            self.statuses[status] += 1
            if index >= self.measure_from:
                self.delays.append(delay)

        return note

    async def _lane(self) -> Lane:
        """One that is free; the edge may have closed some that lay idle."""
        while True:
            if not self._free:
                await self._add_lane()
            lane = self._free.pop()
            if lane.kept:
                return lane

    async def _add_lane(self) -> None:
        await asyncio.get_running_loop().create_connection(
            lambda: Lane(self._free.append), self._settings.host, self._settings.port
        )
