"""A reader of a pulled subscription: the events of the partitions that it has a lease of."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from app.domain.subscriptions.interest import Interest
from app.events import Subscription
from app.subscriptions.event_window import EventWindow, Source
from app.subscriptions.partition_leases import PartitionLeases
from app.subscriptions.pull_commits import PullCommits
from app.subscriptions.pull_cursor import PullCursor, cursor_of
from app.subscriptions.source_events import SourceEvent, is_for
from app.subscriptions.starting_place import starting_place

#: Seconds between two renewals of the leases, and between two looks for new events.
_RENEW: Final = 5.0
_LOOK: Final = 0.1

#: Seconds after which events that nobody acknowledges hold up no other reader.
_BUSY: Final = 30.0


class PulledEvent(NamedTuple):
    """An event with its cursor."""

    cursor: str
    event: SourceEvent

    def body(self) -> bytes:
        """The event as JSON, with its cursor."""
        return self.event.body[:-1] + b', "cursor": "' + self.cursor.encode() + b'"}'


class PullReader:
    """Reads for one client; other readers of the subscription have the other partitions."""

    def __init__(
        self,
        subscription: Subscription,
        window: EventWindow,
        leases: PartitionLeases,
        commits: PullCommits,
    ) -> None:
        self.subscription = subscription
        self.used = time.monotonic()
        self._interest = Interest(subscription.kinds, subscription.rooms)
        self._window = window
        self._leases = leases
        self._commits = commits
        self._mine: frozenset[int] = frozenset()
        self._renewed = 0.0
        self._turn = 0
        #: By partition: the offset to read next; up to which one was given out, and when.
        self._next: dict[Source, int] = {}
        self._given: dict[Source, tuple[int, float]] = {}

    async def begin_again(self) -> None:
        """Go on behind what is acknowledged, by whichever edge; raises `Unreachable`."""
        places = await self._commits.places()
        for source in [one for one in self._next if one in places]:
            place = places[source]
            if place.moves == self.subscription.moves:
                self._next[source] = max(self._next[source], place.offset)

    async def events(self, most: int, seconds: float) -> Sequence[PulledEvent]:
        """Up to so many events; none where none comes in time.

        Raises `Unreachable` and `KafkaError`.
        """
        self.used = time.monotonic()
        deadline = self.used + seconds
        while True:
            await self._keep()
            sources = self._sources()
            if sources:
                await self._window.look(sources)
                # No partition is always the first: one that is far behind would hold up all others.
                self._turn = (self._turn + 1) % len(sources)
                sources = sources[self._turn :] + sources[: self._turn]
            found: list[PulledEvent] = []
            for source in sources:
                found += await self._read(source, most - len(found))
                if len(found) >= most:
                    break
            self.used = time.monotonic()
            if found or self.used >= deadline:
                return found
            await asyncio.sleep(min(_LOOK, deadline - self.used))

    def acknowledged(self, cursors: Collection[PullCursor]) -> None:
        """Note what was acknowledged here."""
        for cursor in cursors:
            given = self._given.get(cursor.source)
            if given is not None and given[0] <= cursor.offset + 1:
                del self._given[cursor.source]

    async def stop(self) -> None:
        """Let the other readers have the partitions."""
        await self._leases.end()

    def _sources(self) -> list[Source]:
        topics = sorted(self._interest.topics)
        return [Source(topic, partition) for topic in topics for partition in sorted(self._mine)]

    async def _keep(self) -> None:
        """Renew the leases, and begin with partitions that are new."""
        now = time.monotonic()
        if now - self._renewed < _RENEW:
            return
        self._renewed = now
        busy = {source.partition for source, (_, at) in self._given.items() if now - at < _BUSY}
        mine = await self._leases.renew(busy)
        gone = self._mine - mine
        self._next = {one: at for one, at in self._next.items() if one.partition not in gone}
        self._given = {one: at for one, at in self._given.items() if one.partition not in gone}
        new, self._mine = mine - self._mine, mine
        if not new:
            return
        places = await self._commits.places()
        for source in self._sources():
            if source.partition in new:
                if not self._window.follows(source):
                    await self._window.begin(source)
                stored = places.get(source)
                place = await starting_place(self._window, source, self.subscription, stored)
                self._next[source] = place.offset

    async def _read(self, source: Source, most: int) -> list[PulledEvent]:
        found: list[PulledEvent] = []
        while len(found) < most:
            events = await self._window.read(source, self._next[source])
            for event in events:
                self._next[source] = event.offset + 1
                if not is_for(event, self.subscription.id, self._interest):
                    continue
                found.append(PulledEvent(cursor_of(source, event), event))
                if len(found) == most:
                    break
            if not events:
                break
        if found:
            self._given[source] = (self._next[source], time.monotonic())
        return found
