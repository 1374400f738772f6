"""The backlog of a subscription in a partition: what was read and is not done.

Events are done in any order over rooms, and in order within a room. So what is done is said by two
things: the offset up to which everything is done, and the rooms held behind it, each with the
offset of its first event that is not done. A room is held from the first failed attempt on, so
that one event that an endpoint does not take holds up its room and nothing else.

Offsets order the records of a topic as long as it lives, whatever strangers write between them. The
positions beside them find the place again in another topic.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final, NamedTuple

from msgspec import Struct

from app.events import Position

#: Events that wait for their first attempt, at most: then nothing more is read.
WAITING: Final = 500

#: Rooms that are held, at most, and the events in them.
HELD_ROOMS: Final = 100
HELD_EVENTS: Final = 10_000

#: Before the first position.
NOTHING: Final = Position(0, -1)


class Held(Struct, frozen=True, array_like=True):
    """A room of which an event is tried again: its first one that is not done.

    `since_ms` is the time of its first attempt, and `tries` counts the failed ones.
    """

    epoch: int
    pos: int
    offset: int
    since_ms: int = 0
    tries: int = 0
    why: str = ""


class Place(Struct, frozen=True, array_like=True):
    """What of a partition is done: all up to a position, but for rooms that are held.

    `offset` is that of the next record in this cluster, `at_ms` the time of the last record before
    it, `moves` the count of the subscription's moves, and `writes` that of the writes of this.
    """

    epoch: int
    pos: int
    offset: int
    at_ms: int = 0
    held: dict[str, Held] = {}
    moves: int = 0
    writes: int = 0

    @property
    def first_offset(self) -> int:
        """The offset of the first record that may not be done."""
        return min([self.offset, *(held.offset for held in self.held.values())])


class Entry(NamedTuple):
    """An event that is not done; `event` is `None` where it has to be read again."""

    position: Position
    offset: int
    at_ms: int
    event: Any | None


class Lane:
    """The events of a room that are not done, in order."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.entries: deque[Entry] = deque()
        self.held = False
        #: Of the first entry: the time of its first attempt, failed attempts, and the last reason.
        self.since_ms = 0
        self.tries = 0
        self.why = ""
        #: Whether a request with the first entry is under way, or waits for its turn.
        self.busy = False


class Backlog:
    """The events of one partition that a subscription has not got."""

    def __init__(self, place: Place) -> None:
        self.lanes: dict[str, Lane] = {}
        #: Records before this offset are done, but for those of held rooms.
        self._done = place.offset
        self._known = dict(place.held)
        self._last = (Position(place.epoch, place.pos), place.offset, place.at_ms)
        #: The offset behind what was read; before `_done` while held rooms are read again.
        self._read = 0
        #: Of each event that waits in order: its offset, and what stands before it.
        self._waiting: deque[tuple[int, tuple[Position, int, int]]] = deque()
        self._finished: set[int] = set()
        self._held_lanes = 0
        self._held_entries = 0

    def __len__(self) -> int:
        return len(self._waiting) - len(self._finished) + self._held_entries

    def oldest_ms(self) -> int:
        """The time of the oldest event that is not done; 0 where there is none."""
        return min((lane.entries[0].at_ms for lane in self.lanes.values()), default=0)

    def is_full(self) -> bool:
        """Whether nothing more is to be read for now."""
        return (
            len(self._waiting) >= WAITING
            or self._held_lanes >= HELD_ROOMS
            or self._held_entries >= HELD_EVENTS
        )

    def pass_over(self, position: Position, offset: int, at_ms: int) -> None:
        """Note a record that the subscription does not get; a stray one has no position."""
        self._read = max(self._read, offset + 1)
        if offset >= self._last[1]:
            known = self._last[0] if position == NOTHING else position
            self._last = (known, offset + 1, at_ms)
        if self._known and self._read >= self._done:
            self._known = {name: held for name, held in self._known.items() if name in self.lanes}

    def take(self, lane: str, entry: Entry) -> Lane | None:
        """Add the next event of a room; `None` where it was done before.

        Offsets grow, but for those of records that are read again.
        """
        offset = entry.offset
        if (known := self._known.get(lane)) is not None:
            if offset < known.offset:
                self._passed(entry)
                return None
        elif offset < self._done:
            self._passed(entry)
            return None
        found = self.lanes.get(lane)
        if found is None:
            found = self.lanes[lane] = Lane(lane)
            if known is not None:
                found.since_ms, found.tries, found.why = known.since_ms, known.tries, known.why
                found.held = True
                self._held_lanes += 1
        elif found.entries and found.entries[-1].offset >= offset:
            return None
        if found.held:
            self._held_entries += 1
            found.entries.append(entry._replace(event=None) if found.entries else entry)
        else:
            self._waiting.append((offset, self._last))
            found.entries.append(entry)
        self._passed(entry)
        return found

    def _passed(self, entry: Entry) -> None:
        self.pass_over(entry.position, entry.offset, entry.at_ms)

    def fail(self, lane: Lane, now_ms: int, why: str) -> None:
        """Note a failed attempt for the first event of a room, which is held from now on."""
        lane.since_ms = lane.since_ms or now_ms
        lane.tries += 1
        lane.why = why
        if lane.held:
            return
        lane.held = True
        self._held_lanes += 1
        self._held_entries += len(lane.entries)
        for entry in lane.entries:
            self._finish(entry.offset)
        first, *others = lane.entries
        lane.entries = deque([first, *(one._replace(event=None) for one in others)])

    def finish(self, lane: Lane) -> None:
        """Note that the first event of a room is done, or given up."""
        entry = lane.entries.popleft()
        lane.since_ms, lane.tries, lane.why = 0, 0, ""
        if lane.held:
            self._held_entries -= 1
        else:
            self._finish(entry.offset)
        if lane.entries:
            return
        del self.lanes[lane.name]
        if lane.held:
            self._held_lanes -= 1
        if self._read < self._done:
            # Later events of the room, before what is done, have not been read again yet.
            epoch, pos = entry.position
            self._known[lane.name] = Held(epoch, pos + 1, entry.offset + 1)
        else:
            self._known.pop(lane.name, None)

    def _finish(self, offset: int) -> None:
        self._finished.add(offset)
        while self._waiting and self._waiting[0][0] in self._finished:
            self._finished.discard(self._waiting.popleft()[0])

    def place(self, moves: int, writes: int) -> Place:
        """What is done now."""
        done, offset, at_ms = self._waiting[0][1] if self._waiting else self._last
        held = {
            lane.name: Held(
                *lane.entries[0].position,
                lane.entries[0].offset,
                lane.since_ms,
                lane.tries,
                lane.why,
            )
            for lane in self.lanes.values()
            if lane.held and lane.entries
        }
        for name, known in self._known.items():
            if name not in self.lanes:  # its event has not been read again yet
                held[name] = known
        return Place(*done, offset, at_ms, held, moves, writes)
