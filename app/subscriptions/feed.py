"""A feed: what a subscription gets of one partition, and how far it is.

A feed follows the log while it can: each event of the stream is handed to it as it comes. Where its
endpoint is slower, or it begins earlier, it reads by itself until it has caught up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from app.domain.subscriptions.backlog import Backlog, Entry, Lane, Place
from app.domain.subscriptions.interest import Interest
from app.subscriptions.event_window import EventWindow, Source
from app.subscriptions.source_events import SourceEvent, is_for

log = structlog.get_logger()

#: Seconds after which Kafka is asked again.
_PAUSE: Final = 1.0


class Feed:
    """A subscription's events of a partition.

    `offer` is called with a lane that has an event for the endpoint, `changed` when more is done,
    `failed` with a task that has ended, perhaps by an error.
    """

    def __init__(
        self,
        subscription: str,
        interest: Interest,
        source: Source,
        window: EventWindow,
        place: Place,
        offer: Callable[[Feed, Lane], None],
        changed: Callable[[Feed], None],
        failed: Callable[[asyncio.Task[None]], None],
    ) -> None:
        self.subscription = subscription
        self.source = source
        self.backlog = Backlog(place)
        #: Whether every event of the stream is handed to this feed.
        self.live = False
        self.stored = place
        self._interest = interest
        self._window = window
        self._next = place.first_offset
        self._offer = offer
        self._changed = changed
        self._failed = failed
        self._space = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of the events that it gets."""
        return self._interest.kinds

    @property
    def rooms(self) -> frozenset[str] | None:
        """The rooms of the events that it gets, where each is named; `None`: any."""
        return self._interest.rooms

    def start(self) -> None:
        """Read until the end, and follow the stream from there on."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._catch_up())
            self._reading.add_done_callback(self._failed)

    def stop(self) -> None:
        """Take no more events."""
        self.live = False
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def hear(self, event: SourceEvent) -> None:
        """Take an event of the stream, while the feed is live."""
        if self.backlog.is_full():
            self.fall_behind(event.offset)
        else:
            self._take(event)

    def fall_behind(self, offset: int) -> None:
        """Read by itself again, from this offset on."""
        self.live = False
        self._next = offset
        self.start()

    def place(self, moves: int) -> Place:
        """What is done now, to be stored."""
        if self.live and (last := self._window.last(self.source)) is not None:
            self.backlog.pass_over(last.position, last.offset, last.at_ms)
        return self.backlog.place(moves, self.stored.writes + 1)

    def oldest_ms(self) -> int:
        """The time of the oldest event that is not done, or from which it reads; 0: none waits."""
        if (oldest := self.backlog.oldest_ms()) or self.live:
            return oldest
        return self.backlog.place(0, 0).at_ms

    def behind(self) -> int:
        """How many records of the partition are not done, or not known to be."""
        if self.live:
            return len(self.backlog)
        return self._window.end(self.source) - self._next + len(self.backlog)

    async def load(self, lane: Lane) -> SourceEvent | None:
        """The first event of a lane; `None` where its topic no longer has it."""
        entry = lane.entries[0]
        if entry.event is None:
            entry = entry._replace(event=await self._read_again(entry))
            lane.entries[0] = entry
        event: SourceEvent | None = entry.event
        return event

    async def _read_again(self, entry: Entry) -> SourceEvent | None:
        while True:
            try:
                return await self._window.at(self.source, entry.offset)
            except (KafkaError, OSError) as error:
                log.warning("events can't be read, trying again", why=repr(error))
                await asyncio.sleep(_PAUSE)

    def finish(self, lane: Lane) -> None:
        """Note that the first event of a lane is done."""
        self.backlog.finish(lane)
        if not self.backlog.is_full():
            self._space.set()
        self._changed(self)

    def fail(self, lane: Lane, now_ms: int, why: str) -> None:
        """Note a failed attempt for the first event of a lane."""
        self.backlog.fail(lane, now_ms, why)
        if not self.backlog.is_full():
            self._space.set()
        self._changed(self)

    def _take(self, event: SourceEvent) -> None:
        if not is_for(event, self.subscription, self._interest):
            self.backlog.pass_over(event.position, event.offset, event.at_ms)
            return
        entry = Entry(event.position, event.offset, event.at_ms, event)
        lane = self.backlog.take(event.lane, entry)
        if lane is not None and not lane.busy:
            self._offer(self, lane)

    async def _catch_up(self) -> None:
        while True:
            if self.backlog.is_full():
                self._space.clear()
                await self._space.wait()
                continue
            end = self._window.end(self.source)
            try:
                events = await self._window.read(self.source, self._next)
            except (KafkaError, OSError) as error:
                log.warning("events can't be read, trying again", why=repr(error))
                await asyncio.sleep(_PAUSE)
                continue
            for event in events:
                if self.backlog.is_full():
                    break
                self._take(event)
                self._next = event.offset + 1
            if not events:
                self._next = max(self._next, end)
            if self._next >= self._window.end(self.source) and not self.backlog.is_full():
                break
            await asyncio.sleep(0)
        self._reading = None
        self.live = True
        self._changed(self)
