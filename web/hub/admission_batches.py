"""Arrivals: whoever comes to this edge is brought up to date, many in one turn.

What one of them would ask of Valkey is asked for all of a turn together, so that each costs little
when thousands come back at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence

import structlog

from app.delivery import keys
from app.errors import Unreachable
from web.hub.guest import BeyondLog, Guest, refuse
from web.hub.hub import Hub
from web.hub.room import Room
from web.hub.user import Person

log = structlog.get_logger()

#: Seconds that a turn takes at most, and that somebody waits for a view that is being filled.
PATIENCE = 5.0

#: Readers that come in one turn; the others wait for theirs, and sends go on between them.
AT_ONCE = 128

#: Seconds between looks at a view that is being filled.
_LOOK_AGAIN = 0.1


#: The end of each partition of the log itself, or an error.
Ends = Callable[[], Awaitable[Sequence[int]]]


class Arrivals:
    """Lets people in by turns, one turn at a time."""

    def __init__(self, hub: Hub, ends: Ends) -> None:
        self._hub = hub
        self._ends = ends
        self._asking: set[asyncio.Task[None]] = set()
        self._guests: deque[Guest] = deque()
        self._bringing: asyncio.Task[None] | None = None

    async def arrive(self, person: Person, nexts: tuple[int, ...]) -> None:
        """Return when all that was published before in the person's rooms has come to the edge.

        The view stands at `nexts` then, too: one that was emptied is filled from the log, and who
        is let in meanwhile would be in no room, then join each, and get from its beginning what it
        has long had. Raises `Unreachable` where Valkey, or that, takes too long, and `BeyondLog`
        where it will never stand there.
        """
        guest = Guest(person, nexts)
        self._guests.append(guest)
        self._begin()
        await guest.came

    def _begin(self) -> None:
        if self._bringing is None:
            self._bringing = asyncio.create_task(self._bring())

    async def _bring(self) -> None:
        """Turn after turn, as long as somebody waits."""
        while self._guests:
            await asyncio.sleep(0)  # whoever comes at the same moment comes along
            guests = [self._guests.popleft() for _ in range(min(AT_ONCE, len(self._guests)))]
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._let_in(guests)
            except Exception as error:  # noqa: BLE001 - those who wait are told, whatever it is
                waiting, self._guests = self._guests, deque()
                refuse([*guests, *waiting], error)
        self._bringing = None

    async def _let_in(self, guests: list[Guest]) -> None:
        hub = self._hub
        while True:
            connection = hub.subscription.count
            guests = await self._ready([guest for guest in guests if not guest.came.done()])
            people = {guest.person for guest in guests}
            fresh = [person for person in people if not person.settled]
            whole = await self._follow(fresh)
            whole &= await self._mark({room for person in people for room in person.rooms})
            if whole and connection == hub.subscription.count:
                break
            # Lost meanwhile, and with it perhaps that somebody joined a room; or emptied, and what
            # comes now may be as old as the rooms: look again.
        for person in fresh:
            person.settle(hub.recent.seq + 1)
        for guest in guests:
            if not guest.came.done():
                guest.came.set_result(None)

    async def _ready(self, guests: list[Guest]) -> list[Guest]:
        """Those for whom the view stands far enough; the others come again in a moment."""
        if not guests:
            return guests
        positions = await self._hub.lookups.positions(len(self._hub.frontier))
        ready: list[Guest] = []
        behind: list[Guest] = []
        known: dict[tuple[int, ...], bool] = {}  # who has no cursor begins where others do
        for guest in guests:
            there = known.get(guest.nexts)
            if there is None:
                there = all(at + 1 >= due for at, due in zip(positions, guest.nexts, strict=True))
                known[guest.nexts] = there
            (ready if there else behind).append(guest)
        if behind:
            self._put_off(behind, whole=min(positions) >= -1)
        return ready

    def _put_off(self, guests: list[Guest], whole: bool) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        again: list[Guest] = []
        late: list[Guest] = []
        for guest in guests:
            guest.until = guest.until or now + PATIENCE
            (late if guest.until < now else again).append(guest)
        loop.call_later(_LOOK_AGAIN, self._come_again, again)
        if late and whole:
            asking = asyncio.create_task(self._look_at_log(late))
            self._asking.add(asking)
            asking.add_done_callback(self._asking.discard)
        else:
            refuse(late, Unreachable("the view in Valkey is being filled"))

    async def _look_at_log(self, guests: list[Guest]) -> None:
        """Tell those apart for whom the view of now, of which nothing is missing, is too short."""
        try:
            async with asyncio.timeout(PATIENCE):
                ends = await self._ends()
        except Exception as error:  # noqa: BLE001 - those who wait are told, whatever it is
            log.warning("the log's end is not known", error=repr(error))
            refuse(guests, Unreachable("the view in Valkey is behind a cursor"))
            return
        for guest in guests:
            if any(due > end for due, end in zip(guest.nexts, ends, strict=True)):
                refuse([guest], BeyondLog("the log ends before this cursor"))
            else:
                refuse([guest], Unreachable("the view in Valkey is being filled"))

    def _come_again(self, guests: list[Guest]) -> None:
        self._guests += guests
        if guests:
            self._begin()

    async def _follow(self, people: list[Person]) -> bool:
        """Have the people's rooms subscribed: first what tells of rooms that they join.

        Says whether these are all rooms that they are in.
        """
        if not people:
            return True
        hub = self._hub
        names = [person.name for person in people]
        await hub.subscription.add([keys.user(name).encode() for name in names])
        before = [tuple(person.rooms) for person in people]
        found = await hub.lookups.rooms_of_all(names, len(hub.frontier))
        if found is None:
            return False
        channels: list[bytes] = []
        for person, known, rooms in zip(people, before, found, strict=True):
            self._enter(person, known, rooms)
            channels += [room.channel for room in person.rooms]
        await hub.subscription.add(channels)
        return True

    def _enter(self, person: Person, before: Iterable[Room], rooms: dict[str, int]) -> None:
        """Let the person hear these rooms, and of those that they heard before no others.

        What is heard on their own channel is newer than what was looked up.
        """
        for room in before:
            if room.name not in rooms:
                self._hub.part(person, room)
        if person.left:
            rooms = {name: n for name, n in rooms.items() if not person.has_left(name, n)}
        self._hub.roster.follow(person, rooms)

    async def _mark(self, rooms: set[Room]) -> bool:
        """Return when what was published before has come; of a new room, where it stands, too.

        Says whether the view was whole then.
        """
        partitions = {room.partition for room in rooms}
        return await self._hub.marks.mark([room for room in rooms if room.n is None], partitions)
