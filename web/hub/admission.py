"""Admitting a reader: from where it was to the live stream, with nothing missing or doubled.

Subscribe first, then wait for a mark. When it has arrived, the edge stands at least where the view
stood, and what comes after it waits for the reader. So what lies between the reader's cursor and
the edge's own place is read from the windows, and with what waits that is everything.
"""

from __future__ import annotations

import asyncio

from app.domain import cursor as cursors
from app.domain.cursor import Cursor
from app.errors import Unreachable
from web.hub.admission_batches import AT_ONCE, PATIENCE, Arrivals, Ends
from web.hub.backfill import replay
from web.hub.event import Live, Run
from web.hub.guest import BeyondLog
from web.hub.hub import Hub
from web.hub.room_join import Joins
from web.hub.subscriber import Reader
from web.hub.user import Person

#: Events of this edge behind which a reader may be to be given what it missed from memory.
MOST_RECENT = 1_000


class Admission:
    """Brings readers into the hub, and into the rooms that they join later."""

    def __init__(self, hub: Hub, ends: Ends) -> None:
        self._hub = hub
        self._arrivals = Arrivals(hub, ends)
        self._joins = Joins(hub)
        #: Many may come at once, and each may have missed much.
        self._replays = asyncio.Semaphore(AT_ONCE)

    def missed_lately(self, person: Person, cursor: str) -> list[Live] | None:
        """What came after a cursor that this edge gave out lately, in the person's rooms of now.

        `None` where it is not known, or where not all of the person's rooms were here since.
        """
        hub = self._hub
        hub.flush()
        recent = hub.recent
        place = recent.places.get(cursor)
        if place is None or place < person.since or recent.seq - place > MOST_RECENT:
            return None
        if not person.settled or person.joining:
            return None
        if place == recent.seq:
            return []
        rooms = person.rooms
        return [
            live.to(person.name)
            for live in recent.after(place)
            if live.room in rooms and live.n >= rooms[live.room]
        ]

    def missed(self, person: Person, cursor: str) -> list[Live] | None:
        """What somebody has missed since their cursor, empty for no cursor.

        `None` where this edge can't say without asking Valkey: then `admit` does.
        """
        hub = self._hub
        hub.flush()
        if not person.complete():
            return None
        if not cursor or cursor == hub.cursor():
            return []
        return self.missed_lately(person, cursor)

    def resume(self, reader: Reader, cursor: str, missed: list[Live]) -> None:
        """Begin a reader with what `missed` has said, without waiting for anything."""
        if reader not in reader.person.readers:
            self._hub.roster.attach(reader)
        # Where something was missed, the client still stands where it says until it has that.
        reader.begin(cursor if missed else self._hub.cursor(), [])
        reader.release()
        if missed:
            reader.deliver(Run(missed))
        reader.settle()

    def decoded(self, cursor: str) -> Cursor | None:
        """A cursor as a client sends it, `None` for none. Raises where it can't be used."""
        return cursors.decode(cursor, self._hub.secret) if cursor else None

    async def admit(self, reader: Reader, cursor: Cursor | None) -> None:
        """Begin the reader at its cursor, or at the present; then it is live.

        Raises `Unreachable`, or what Valkey raises, while it is away.
        """
        hub, person = self._hub, reader.person
        if reader not in person.readers:
            hub.roster.attach(reader)
        usable = self._usable(cursor)
        try:
            # The frontier of now: the one of later is always a little ahead of the view.
            await self._arrivals.arrive(person, usable.nexts if usable else tuple(hub.frontier))
        except BeyondLog:
            usable = None
            await self._arrivals.arrive(person, (0,) * len(hub.frontier))
        if usable is None:
            self._begin(reader, [] if cursor is None else person.room_names())
        else:
            await self._resume_at(reader, usable)
        hub.release(reader)

    def _begin(self, reader: Reader, lost: list[str]) -> None:
        hub = self._hub
        hub.flush()
        reader.waiting.clear()
        reader.stands = tuple(hub.frontier)
        reader.begin(hub.cursor(), lost)

    async def _resume_at(self, reader: Reader, cursor: Cursor) -> None:
        hub, at = self._hub, cursor.nexts
        try:
            async with self._replays, asyncio.timeout(PATIENCE):
                missed, lost = await replay(hub.view, reader.person, cursor)
        except TimeoutError:
            raise Unreachable("Valkey does not answer") from None
        hub.flush()
        # This edge may be behind the one that gave the cursor.
        items = [*reader.waiting, *missed]
        reader.waiting = [item for item in items if item.offset >= at[item.partition]]
        reader.stands = at
        reader.begin(hub.cursor_of(at), lost)

    def _usable(self, cursor: Cursor | None) -> Cursor | None:
        """The cursor, where it is of this log."""
        hub = self._hub
        if cursor is None or cursor.epoch != hub.epoch:
            return None
        return cursor if len(cursor.nexts) == len(hub.frontier) else None
