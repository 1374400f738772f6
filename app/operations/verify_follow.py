"""`parley verify --follow`: compares all the time, beside the chat, and tells what lasts.

A round of a second reads what the log and the receipts have got, visits a few rooms, reads on, and
so forth for half a second. A visit counts where Valkey and the history store had reached the room's
last event and its last receipt before, and nothing has come for the room meanwhile: otherwise a lag
could be taken for a difference. A difference is told when several such visits in a row have found
it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

import structlog
from aiokafka.errors import KafkaError
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector
from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.read_marks import ReadMarks
from app.delivery.valkey import connect
from app.delivery.view import View
from app.deployment.log_reader import LogReader
from app.history.store import History
from app.metrics import catalogue
from app.metrics.counts import Counts
from app.metrics.exposition import Exposition
from app.metrics.metrics_server import serve_metrics
from app.operations.recount import Recount, Touch
from app.operations.verify_rooms import Difference, RoomVisits
from app.runtime.retry import AWAY
from app.settings import Settings

log = structlog.get_logger()

#: Seconds between two rounds, and that the visits of a round may take.
_EVERY: Final = 1.0
_VISITING: Final = 0.5
#: Visits between two readings. A room that changes meanwhile has to be visited once more.
_AT_ONCE: Final = 8
#: Visits of a round at most, of which so many are for rooms whose turn it is, changed or not.
_VISITS: Final = 200
_IN_TURN: Final = 20
#: After so many rooms that have changed, one whose turn it is.
_EVERY_FOURTH: Final = 4
#: Visits in a row that have to find a difference before it is told.
_VISITS_TO_TELL: Final = 3

#: Is called with a difference, and with whether it has come or gone.
Tell = Callable[[Difference, bool], None]


class Follower(Collector):
    """Follows the log and compares; `tell` gets each difference that lasts, and when it is gone."""

    def __init__(self, settings: Settings, tell: Tell, only: str = "") -> None:
        self._settings = settings
        self._tell = tell
        self._only = only
        self._told = Counts(catalogue.VERIFY_DIFFERENCES)
        self._compared = Counts(catalogue.VERIFY_ROOMS)
        #: What several visits have found, by identity: the visits so far, and those told.
        self._doubts: dict[tuple[str, str, str], int] = {}
        self._open: dict[tuple[str, str, str], Difference] = {}
        #: Rooms that have changed since their last visit, and since when; the oldest first.
        self._changed: dict[str, float] = {}
        self._seen: dict[str, Touch] = {}
        #: All rooms, the one first whose last visit was the longest time ago.
        self._turns: dict[str, None] = {}

    def collect(self) -> Iterator[Family]:
        """The samples of this moment."""
        yield from self._told.collect()
        yield catalogue.VERIFY_OPEN.family({(): len(self._open)})
        yield catalogue.VERIFY_BEHIND.family({(): self.behind})
        yield from self._compared.collect()

    @property
    def behind(self) -> float:
        """Seconds since the oldest change that was not compared yet."""
        return time.monotonic() - min(self._changed.values()) if self._changed else 0.0

    @property
    def compared(self) -> int:
        """How many comparisons of a room counted so far."""
        return self._compared.value()

    async def run(self) -> None:
        """Follow until cancelled. While a part is away, wait for it."""
        redis, history = connect(self._settings.redis), History(self._settings.history_url)
        partitions = self._settings.partitions
        visits = RoomVisits(
            View(redis, partitions, partial=True),
            ReadMarks(redis, partitions, partial=True),
            history,
        )
        try:
            async with serve_metrics(self._settings, Exposition([self])):
                while True:
                    try:
                        async with LogReader(self._settings) as reader:
                            await history.open()
                            await self._follow(reader, redis, history, visits)
                    except (*AWAY, KafkaError, OSError) as error:
                        log.warning("a part is away, trying again", error=str(error))
                        await asyncio.sleep(_EVERY)
        finally:
            await history.close()
            await redis.aclose()

    async def _follow(
        self, reader: LogReader, redis: aioredis.Redis, history: History, visits: RoomVisits
    ) -> None:
        """Rounds, until the log begins an epoch: then all is counted anew."""
        counting = Recount(self._settings, reader, self._only)
        await counting.read_on()
        epochs = len(counting.deployment.epochs)
        log.info("following", rooms=len(counting.rooms), events=counting.events)
        self._seen, self._turns = {}, {}
        while len(counting.deployment.epochs) == epochs:
            began = time.monotonic()
            self._note_changes(counting)
            rooms = self._next_rooms()
            for start in range(0, len(rooms), _AT_ONCE):
                if time.monotonic() - began > _VISITING:
                    break
                stands = await reached(redis, history, self._settings)
                await self._visit(rooms[start : start + _AT_ONCE], counting, visits, stands)
            await asyncio.sleep(max(0.0, _EVERY - (time.monotonic() - began)))
            await counting.read_on()
        self._changed.clear()
        self._doubts.clear()

    def _note_changes(self, counting: Recount) -> None:
        now = time.monotonic()
        for room, touch in counting.touches.items():
            if self._seen.get(room) != touch:
                self._changed.setdefault(room, now)
                self._seen[room] = touch
                self._turns.setdefault(room)

    async def _visit(
        self, rooms: list[str], counting: Recount, visits: RoomVisits, stands: dict[int, Touch]
    ) -> None:
        visited: dict[str, Touch] = {}
        for room in rooms:
            self._turns.pop(room, None)
            self._turns[room] = None
            touch = counting.touches[room]
            stand = stands.get(touch.partition)
            if stand is None or stand.pos < touch.pos or stand.receipt < touch.receipt:
                self._put_back(room)  # it lags, or is being filled
                continue
            visited[room] = touch
        if not visited:
            return
        found = await asyncio.gather(*(visits.visit(counting.rooms[room]) for room in visited))
        await counting.read_on(epochs=False)
        self._note_changes(counting)
        for (room, touch), differences in zip(visited.items(), found, strict=True):
            if counting.touches[room] == touch:
                self._conclude(room, differences, visits)
            else:
                self._put_back(room)

    def _put_back(self, room: str) -> None:
        """Other rooms that have changed come first, now."""
        if (since := self._changed.pop(room, None)) is not None:
            self._changed[room] = since

    def _next_rooms(self) -> list[str]:
        """Rooms with doubts, then those that have changed, and between them some in turn."""
        chosen = [room for _, room, _ in (*self._doubts, *self._open)][: _VISITS // 2]
        in_turn = islice(self._turns, _IN_TURN)
        for place, room in enumerate(islice(self._changed, _VISITS), start=1):
            chosen.append(room)
            if place % _EVERY_FOURTH == 0:
                chosen += islice(in_turn, 1)
        chosen += in_turn
        return [room for room in dict.fromkeys(chosen) if room in self._seen][:_VISITS]

    def _conclude(self, room: str, found: list[Difference], visits: RoomVisits) -> None:
        self._changed.pop(room, None)
        self._compared.add()
        here = {one.identity: one for one in found}
        for identity in [one for one in self._doubts if one[1] == room and one not in here]:
            del self._doubts[identity]
        for identity in [one for one in self._open if one[1] == room and one not in here]:
            self._tell(self._open.pop(identity), False)
        for identity, one in here.items():
            if identity in self._open:
                continue
            times = self._doubts[identity] = self._doubts.get(identity, 0) + 1
            if times >= _VISITS_TO_TELL:
                del self._doubts[identity]
                self._open[identity] = one
                self._told.add(one.kind)
                self._tell(one, True)
        if not here:
            visits.go_on(room)


async def reached(redis: aioredis.Redis, history: History, settings: Settings) -> dict[int, Touch]:
    """By partition: what Valkey and the history store have reached, both of them.

    A partition whose view is being filled is not among them.
    """
    client: Any = redis
    stored = await history.archived()
    places = range(settings.partitions)
    signs = (keys.whole, keys.receipts, keys.position, keys.receipts_position)
    values = await client.mget([of(place) for place in places for of in signs])
    found: dict[int, Touch] = {}
    for place in places:
        whole, receipts, pos, receipt = values[len(signs) * place : len(signs) * (place + 1)]
        if whole is not None and receipts is not None:
            upto = min(int(pos or -1), stored.get(place, 0) - 1)
            found[place] = Touch(place, upto, int(receipt or -1))
    return found
