"""Admitting a reader: from where it was to the live stream, with nothing missing or doubled.

Subscribe first, then read what was missed, then wait for a mark. When the mark has arrived, all
that was read has come over the subscription, too; so what was read and what waits, put together,
is everything, and whatever comes after it is new.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from app.delivery import keys
from app.delivery.view import Logged, RoomHead
from app.errors import Malformed, Unreachable
from app.events import MemberAdded, RoomCreated, decode_log
from app.patience import AWAY
from app.rules.cursor import Cursor
from app.rules.joining import Item
from web.hub import Hub
from web.live import Live, Run
from web.person import Person
from web.reader import Reader

#: Seconds that a reader waits to be let in while Valkey is away.
PATIENCE = 5.0

#: Readers that are let in at once with the help of Valkey; the others wait for their turn.
AT_ONCE = 128

#: Events of this edge behind which a reader may be to be given what it missed from memory.
MOST_RECENT = 1_000

#: Seconds between looks at a view that is being filled.
_LOOK_AGAIN = 0.1

#: Events read at once while looking for where a reader was.
_PAGE = 100

#: Events that one reader is given again at most, over all its rooms. Beyond, history is cheaper.
MOST_REPLAYED = 5_000


class Admission:
    """Brings readers into the hub, and into the rooms that they join later."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._joining: set[asyncio.Task[None]] = set()
        hub.on_joined = self._on_joined
        hub.on_personal = self._on_personal

    def place(self, person: Person, cursor: str) -> int | None:
        """Where a cursor that this edge gave out lately stands among its recent events.

        `None` where it is not known, or where not all of the person's rooms were here since.
        """
        hub = self._hub
        hub.flush()
        place, recent = hub.recent.place(cursor), hub.recent
        if place is None or place < person.since or recent.seq - place > MOST_RECENT:
            return None
        return place if person.settled and not person.joining else None

    def after(self, person: Person, place: int) -> list[Live]:
        """What came after a place, in the rooms of which the person is a member now."""
        recent, rooms = self._hub.recent, person.rooms
        if place == recent.seq:
            return []
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
        place = self.place(person, cursor)
        return None if place is None else self.after(person, place)

    def resume(self, reader: Reader, cursor: str, missed: list[Live]) -> None:
        """Begin a reader with what `missed` has said, without waiting for anything."""
        self._hub.attach(reader)
        # Where something was missed, the client still stands where it says until it has that.
        reader.begin(cursor if missed else self._hub.cursor(), [])
        reader.release()
        if missed:
            reader.deliver(Run(missed))
        reader.settle()

    async def admit(self, reader: Reader, cursor: Cursor | None) -> None:
        """Begin the reader at its cursor, or at the present; then it is live.

        Raises `Unreachable`, or what Valkey raises, while it is away.
        """
        if reader not in reader.person.readers:
            self._hub.attach(reader)
        # So many at a time: when thousands come back at once, sends go on between them.
        async with self._turns:
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._admit(reader, cursor)
            except TimeoutError:
                raise Unreachable("Valkey does not answer") from None

    async def _admit(self, reader: Reader, cursor: Cursor | None) -> None:
        hub, person = self._hub, reader.person
        usable = self._usable(cursor)
        while True:
            connection = hub.subscription.count
            # The frontier of now: the one of later is always a little ahead of the view.
            await self._view_has(usable.nexts if usable else tuple(hub.frontier))
            await self._enter(person)
            lost = await self._replay(reader, usable) if usable else self._all(person, cursor)
            await hub.marks.mark((room.partition, room.name) for room in person.rooms)
            if connection == hub.subscription.count:
                break
            # Lost meanwhile, and with it perhaps that somebody joined a room: look again.
            person.entering = None
        hub.flush()
        if not person.settled:
            person.settled, person.since, person.entering = True, hub.recent.seq + 1, None
        if usable is None:
            reader.waiting.clear()
            reader.stands = tuple(hub.frontier)
            reader.begin(hub.cursor(), lost)
        else:
            # This edge may be behind the one that gave the cursor.
            at = reader.stands = usable.nexts
            reader.waiting = [item for item in reader.waiting if item.offset >= at[item.partition]]
            reader.begin(hub.cursor_of(at), lost)
        hub.release(reader)

    async def _view_has(self, nexts: Sequence[int]) -> None:
        """Return when the view stands where the reader does.

        One that was emptied is filled from the log: who is let in meanwhile would be in no room,
        then join each, and get from its beginning what it has long had.
        """
        while True:
            positions = await self._hub.lookups.positions(len(nexts))
            if all(at + 1 >= due for at, due in zip(positions, nexts, strict=True)):
                return
            await asyncio.sleep(_LOOK_AGAIN)

    async def _enter(self, person: Person) -> None:
        """Have the person's rooms subscribed; readers who come together wait for the same."""
        if person.settled:
            return
        if person.entering is None or (person.entering.done() and person.entering.exception()):
            person.entering = asyncio.create_task(self._subscribe(person))
        await asyncio.shield(person.entering)

    async def _subscribe(self, person: Person) -> None:
        hub = self._hub
        await hub.subscription.add([keys.user(person.name).encode()])
        rooms = await hub.lookups.rooms_of(person.name)
        hub.follow(person, rooms)
        await hub.subscribed(rooms)

    def _usable(self, cursor: Cursor | None) -> Cursor | None:
        """The cursor, where it is of this log."""
        hub = self._hub
        if cursor is None or cursor.epoch != hub.epoch:
            return None
        return cursor if len(cursor.nexts) == len(hub.frontier) else None

    def _all(self, person: Person, cursor: Cursor | None) -> list[str]:
        """Every room is lost to a cursor of another log, none to who begins."""
        return [] if cursor is None else person.room_names()

    async def _replay(self, reader: Reader, cursor: Cursor) -> list[str]:
        """Put what lies beyond the cursor before the reader; the rooms where that can't be done."""
        view = self._hub.view
        joined = {room.name: n for room, n in reader.person.rooms.items()}
        heads = await view.rooms(list(joined))
        budget = MOST_REPLAYED
        lost = []
        for name, head in sorted(heads.items(), key=lambda entry: -entry[1].offset):
            start = cursor.nexts[head.partition]
            if head.offset < start:
                continue
            found = await self._since(head, start, joined[name], budget)
            if found is None:
                lost.append(name)
                continue
            budget -= len(found)
            reader.waiting += [_item(head, logged) for logged in found]
        return lost

    async def _since(
        self, head: RoomHead, start: int, joined: int, budget: int
    ) -> list[Logged] | None:
        """A room's events from offset `start` and event `joined` on; `None` where it can't say."""
        found: list[Logged] = []
        n = head.n
        while n >= joined:
            page = await self._hub.view.before(head.room, n, _PAGE)
            if not page or page[0].n != n or len(found) + len(page) > budget:
                return None
            for logged in page:
                if logged.n != n:
                    return None
                if logged.offset < start or logged.n < joined:
                    return found
                found.append(logged)
                n -= 1
        return found

    def _on_personal(self, person: Person, data: bytes) -> None:
        try:
            event = decode_log(data)
        except Malformed:  # a state of one's own, such as unread
            self._hub.tell(person.readers, data)
            return
        if isinstance(event, MemberAdded | RoomCreated):
            self._on_joined(person.name, event.room, event.n)

    def _on_joined(self, user: str, room: str, n: int) -> None:
        hub = self._hub
        person = hub.people.get(user)
        if person is None or hub.rooms.get(room) in person.rooms:
            return
        hub.flush()
        readers = tuple(person.readers)
        for reader in readers:
            hub.hold(reader)
        hub.follow(person, {room: n})
        person.joining += 1
        task = asyncio.create_task(self._join(person, readers, room, n))
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    async def _join(self, person: Person, readers: tuple[Reader, ...], room: str, n: int) -> None:
        hub = self._hub
        try:
            await hub.subscribed([room])
            head = await hub.view.room(room)
            if head is not None:
                missed = await hub.view.since(room, n - 1, head.n - n + 1)
                for reader in readers:
                    reader.waiting += [_item(head, logged) for logged in missed]
            await hub.marks.mark([(hub.view.partition(room), room)])
        except AWAY:
            # Nothing is known of the room: whoever comes back looks it up.
            person.settled = False
            for reader in readers:
                reader.end("unavailable", "The live state is away for a moment.")
            return
        finally:
            person.joining -= 1
            person.since = hub.recent.seq + 1
        for reader in readers:
            hub.release(reader)


def _item(head: RoomHead, logged: Logged) -> Item:
    return Item(head.room, logged.n, head.partition, logged.offset, logged.event)
