"""The hub: one subscription to Valkey, and from it each event to the readers of its room.

An event is encoded once, and the same bytes go to every reader. The hub keeps each room's newest
`n`, so that it sees a gap, and the frontier: the next offset of each partition. Everything below
the frontier has been delivered here; a cursor is the frontier in writing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from hashlib import blake2b
from typing import Any

from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.lookups import Lookups
from app.delivery.subscription import Subscription
from app.delivery.view import Logged, View
from app.domain import cursor as cursors
from app.domain.event_merge import merge
from app.domain.leaving import leaver
from app.domain.shadow import shown_to
from web.hub import sse as frames
from web.hub.broadcast import dispatch
from web.hub.event import Live, Run
from web.hub.gap_repair import Repair
from web.hub.herd import Give, write_to_all
from web.hub.recent_events import Recent
from web.hub.reconnect import Recovery
from web.hub.registry import Roster
from web.hub.room import Room
from web.hub.subscriber import Reader
from web.hub.sync_markers import Marks
from web.hub.user import Person

#: How the channels of persons begin.
_PERSONAL = keys.user("").encode()

Handler = Callable[[bytes], Awaitable[None] | None]


class Hub:
    """Delivers rooms' events to readers, in order, without gap, each once."""

    def __init__(
        self,
        redis: aioredis.Redis,
        view: View,
        *,
        partitions: int,
        edge: str,
        log_id: str,
        secret: str,
        give: Give = write_to_all,
    ) -> None:
        self.view = view
        self.lookups = Lookups(redis)
        self.marks = Marks(self.lookups, edge)
        self._repair = Repair(self)
        self.subscription = Subscription(redis, self._on_message, Recovery(self).on_back)
        self.epoch = cursors.epoch_of(log_id)
        self.secret = blake2b(secret.encode(), digest_size=32, person=b"cursor").digest()
        self.frontier = [0] * partitions
        self.roster = Roster(view)
        self.recent = Recent()
        #: Called with user, room and `n` where somebody may have joined a room.
        self.on_joined: Callable[[str, str, int], None] = lambda *_: None
        #: Called before events are taken in, where none is on its way to readers.
        self.before_events: Callable[[], None] = lambda: None
        #: Called with what comes on the channel of a person.
        self.on_personal: Callable[[Person, bytes], None] = lambda *_: None
        self._handlers: dict[bytes, Handler] = {}
        self._edge = edge
        self._tasks: set[asyncio.Task[None]] = set()
        self._cursor: str | None = None
        self._batch: list[Live] = []
        self._give = give

    async def start(self) -> None:
        """Connect; returns when messages arrive."""
        for partition in range(len(self.frontier)):
            channel = keys.marks(partition, self._edge)
            self._handlers[channel.encode()] = self._repair.on_mark
        self.spawn(self.subscription.run())
        await self.subscription.add(self._handlers)

    async def stop(self) -> None:
        """End the subscription."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.lookups.close()

    def reconnect(self) -> None:
        """Give up the connections to Valkey, which do not answer, and make others."""
        self.lookups.close()
        self.subscription.reconnect()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside, until the hub stops at the latest."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def listen(self, channel: str, handler: Handler) -> None:
        """Have `handler` called for each message on the channel, in order with everything else.

        What it returns, if anything, is awaited before the next message.
        """
        self._handlers[channel.encode()] = handler
        await self.subscription.add([channel.encode()])

    def cursor(self) -> str:
        """The cursor of the frontier; call `flush` before, so that all below it is delivered."""
        if self._cursor is None:
            self._cursor = cursors.encode(self.epoch, self.frontier, self.secret)
            self.recent.issue(self._cursor)
        return self._cursor

    def cursor_of(self, nexts: Iterable[int]) -> str:
        """The cursor of another position."""
        return cursors.encode(self.epoch, nexts, self.secret)

    # ── people, and their readers ────────────────────────────────────────────────────────────

    def dismiss(self, user: str, code: str, reason: str) -> None:
        """End all streams and polls of somebody, with a goodbye that says why."""
        self.flush()
        person = self.roster.people.get(user)
        for reader in tuple(person.readers) if person is not None else ():
            reader.end(code, reason)

    def give_up(self, people: Iterable[Person]) -> None:
        """Unsubscribe what only these followed, who have no readers."""
        self.subscription.drop(self.roster.give_up(people))

    def part(self, person: Person, room: Room) -> None:
        """Somebody hears a room no longer; nor does the edge, if they were the last."""
        self.flush()
        self.subscription.drop(self.roster.part(person, room))

    def hold(self, reader: Reader) -> None:
        """Let events wait for the reader from here on; it stands where the hub stands."""
        self.flush()
        if not reader.held:
            reader.stands = tuple(self.frontier)
        reader.hold()

    def release(self, reader: Reader) -> None:
        """End a hold; with the last one, deliver what waits in one order, each event once."""
        self.flush()
        if not reader.release():
            return
        waiting, reader.waiting = reader.waiting, []
        user, rooms = reader.person.name, self.roster.rooms
        lives = [
            Live(
                # It may be one that was left meanwhile, and that nobody here hears any more.
                rooms.get(item.room) or Room(item.room, item.partition),
                *(item.n, item.offset, shown_to(user, item.event), self.cursor_of(stands)),
            )
            for item, stands in merge(reader.stands, waiting)
        ]
        if lives:
            # Behind the last of them it has all that the edge has.
            last = lives[-1]
            lives[-1] = Live(last.room, last.n, last.offset, last.event, self.cursor())
            reader.take(Run(lives))
        reader.settle()

    # ── events ───────────────────────────────────────────────────────────────────────────────

    def _on_message(self, channel: bytes, data: bytes) -> Awaitable[None] | None:
        room = self.roster.heard.get(channel)
        if room is not None:
            return self._on_room(room, data)
        if channel.startswith(_PERSONAL):
            person = self.roster.people.get(channel[len(_PERSONAL) :].decode())
            if person is not None:
                self.on_personal(person, data)
            return None
        handler = self._handlers.get(channel)
        return None if handler is None else handler(data)

    def _on_room(self, room: Room, data: bytes) -> Awaitable[None] | None:
        if data.startswith(b"- "):
            self.tell(room.audience().everyone, data[2:])
            return None
        offset, n, event = data.split(b" ", 2)
        return self.receive(room, Logged(int(n), int(offset), event))

    def tell(self, readers: Iterable[Reader], state: bytes) -> None:
        """Pass on a state, such as typing: it has no number, and whoever misses it misses it."""
        self.flush()
        frame = frames.state(state)
        for reader in tuple(readers):
            if not reader.held:
                reader.tell(state, frame)

    def flush(self) -> None:
        """Give out what has come and not yet gone out."""
        if self._batch:
            batch, self._batch = self._batch, []
            dispatch(batch, self._give)

    def receive(self, room: Room, logged: Logged) -> Awaitable[None] | None:
        """Deliver the next event of a room; where one is missing, what to await for it."""
        if room.n is not None:
            if logged.n <= room.n:
                return None
            if logged.n > room.n + 1:
                return self._repair.before(room, logged)
        self.deliver(room, logged)
        return None

    def deliver(self, room: Room, logged: Logged) -> None:
        """Give a room's event, which is the one that follows, to those who hear it."""
        if not self._batch:
            self.before_events()
        room.n, room.offset = logged.n, logged.offset
        self.advance(room.partition, logged.offset + 1)
        if not room.people:
            return
        live = Live(room, logged.n, logged.offset, logged.event, self.cursor())
        self.recent.add(live)
        if live.shadowed:
            self._deliver_to_each(room, live)
        else:
            self._enqueue(live)
        if user := leaver(logged.event):
            self._remove(room, user, logged.n)

    def _enqueue(self, live: Live) -> None:
        self._batch.append(live)
        if len(self._batch) == 1:
            # What this turn of the loop still brings goes out with it.
            asyncio.get_running_loop().call_soon(self.flush)

    def _deliver_to_each(self, room: Room, live: Live) -> None:
        """What is in the shadow is another event to its author than to the others."""
        self.flush()
        for reader in room.audience().everyone:
            reader.take(Run([live.to(reader.person.name)]))

    def advance(self, partition: int, next_offset: int) -> None:
        """Everything of the partition below this offset has been delivered here."""
        if next_offset > self.frontier[partition]:
            self.frontier[partition] = next_offset
            self._cursor = None

    def _remove(self, room: Room, user: str, n: int) -> None:
        """Somebody is a member no longer: that was the last event that they got."""
        person = self.roster.people.get(user)
        # They may have joined again, of which the view tells before it comes to that event.
        if person is not None and person.rooms.get(room, n) < n:
            self.part(person, room)
