"""The hub: one subscription to Valkey, and from it each event to the readers of its room.

An event is encoded once, and the same bytes go to every reader. The hub keeps each room's newest
`n`, so that it sees a gap, and the frontier: the next offset of each partition. Everything below
the frontier has been delivered here; a cursor is the frontier in writing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from hashlib import blake2b
from typing import Any

import structlog
from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.subscription import Subscription
from app.delivery.view import Logged, View
from app.events import decode_log
from app.patience import AWAY
from app.rules import cursor as cursors
from app.rules.joining import Item, join
from app.rules.leaving import left
from app.rules.shadow import is_shadowed, shown_to
from web import frames
from web.marks import Marks
from web.reader import Live, Reader

log = structlog.get_logger()

#: Seconds a room stays subscribed after its last reader: polls and reconnects come back.
LINGER = 30.0

#: Seconds between looks for a lost tail, and the rooms of a partition looked at each time.
TAIL_INTERVAL = 2.0
TAIL_ROOMS = 200

#: How the JSON of the events begins that may change who gets the next ones.
_REMOVED = (b'{"kind":"member.removed"', b'{"kind":"sanction.set"')

Handler = Callable[[bytes], Awaitable[None]]


class Room:
    """A room that somebody reads here; `n` is `None` until the first event or mark."""

    __slots__ = ("channel", "n", "name", "partition", "readers")

    def __init__(self, name: str, partition: int) -> None:
        self.name = name
        self.partition = partition
        self.channel = keys.channel(partition, name)
        self.n: int | None = None
        self.readers: set[Reader] = set()


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
    ) -> None:
        self.view = view
        self.marks = Marks(redis, edge)
        self.subscription = Subscription(redis, self._on_message, self._on_back)
        self.epoch = cursors.epoch_of(log_id)
        self.secret = blake2b(secret.encode(), digest_size=32, person=b"cursor").digest()
        self.frontier = [0] * partitions
        self.rooms: dict[str, Room] = {}
        self.people: dict[str, set[Reader]] = {}
        #: Called with user, room and `n` where somebody may have joined a room.
        self.on_joined: Callable[[str, str, int], None] = lambda *_: None
        self._handlers: dict[bytes, Handler] = {}
        self._edge = edge
        self._tasks: set[asyncio.Task[None]] = set()
        self._tail_from = 0

    async def start(self) -> None:
        """Connect; returns when messages arrive."""
        for partition in range(len(self.frontier)):
            channel = keys.marks(partition, self._edge)
            self._handlers[channel.encode()] = self._on_mark
        self._spawn(self.subscription.run())
        self._spawn(self._watch_tails())
        await self.subscription.add(name.decode() for name in self._handlers)

    async def stop(self) -> None:
        """End the subscription."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def listen(self, channel: str, handler: Handler) -> None:
        """Have `handler` awaited for each message on the channel, in order with everything else."""
        self._handlers[channel.encode()] = handler
        await self.subscription.add([channel])

    async def unlisten(self, channel: str) -> None:
        """Take `listen` back."""
        self._handlers.pop(channel.encode(), None)
        await self.subscription.drop([channel])

    def cursor(self, nexts: Iterable[int] | None = None) -> str:
        """The cursor of a position, by default of the frontier."""
        return cursors.encode(self.epoch, self.frontier if nexts is None else nexts, self.secret)

    async def enter(self, reader: Reader, names: Iterable[str]) -> None:
        """Let the rooms' events go to the reader; returns when no new event can be missed."""
        rooms = [self.rooms.get(name) or self._new_room(name) for name in names]
        for room in rooms:
            room.readers.add(reader)
        await self.subscription.add(room.channel for room in rooms)

    def _new_room(self, name: str) -> Room:
        room = self.rooms[name] = Room(name, self.view.partition(name))
        self._handlers[room.channel.encode()] = partial(self._on_room, room)
        return room

    def hold(self, reader: Reader) -> None:
        """Let events wait for the reader from here on; it stands where the hub stands."""
        if not reader.held:
            reader.stands = tuple(self.frontier)
        reader.hold()

    def release(self, reader: Reader) -> None:
        """End a hold; with the last one, deliver what waits in one order, each event once."""
        if not reader.release():
            return
        waiting, reader.waiting = reader.waiting, []
        for item, stands in join(reader.stands, waiting):
            reader.deliver(_live(item, self.cursor(stands), reader))

    def leave(self, reader: Reader) -> None:
        """The reader is gone; its rooms stay subscribed for a while, should it come back."""
        self.people.get(reader.user, set()).discard(reader)
        for name in reader.rooms:
            if (room := self.rooms.get(name)) is not None:
                room.readers.discard(reader)
        asyncio.get_running_loop().call_later(LINGER, self._drop_unread, reader)

    def _drop_unread(self, reader: Reader) -> None:
        channels = []
        for name in reader.rooms:
            room = self.rooms.get(name)
            if room is not None and not room.readers:
                del self.rooms[name]
                channels.append(room.channel)
        if reader.user in self.people and not self.people[reader.user]:
            del self.people[reader.user]
            channels.append(keys.user(reader.user))
        for channel in channels:
            self._handlers.pop(channel.encode(), None)
        self._spawn(self.subscription.drop(channels))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _on_message(self, channel: bytes, data: bytes) -> None:
        if (handler := self._handlers.get(channel)) is not None:
            await handler(data)

    async def _on_room(self, room: Room, data: bytes) -> None:
        if data.startswith(b"- "):
            self.tell(room.readers, data[2:])
        else:
            offset, n, event = data.split(b" ", 2)
            await self._receive(room, Logged(int(n), int(offset), event))

    def tell(self, readers: Iterable[Reader], state: bytes) -> None:
        """Pass on a state, such as typing: it has no number, and whoever misses it misses it."""
        frame = frames.state(state)
        for reader in tuple(readers):
            if not reader.held:
                reader.tell(state, frame)

    async def _receive(self, room: Room, logged: Logged) -> None:
        if room.n is not None:
            if logged.n <= room.n:
                return
            if logged.n > room.n + 1:
                await self._fill(room, logged.n - 1)
        self._deliver(room, logged)

    def _deliver(self, room: Room, logged: Logged) -> None:
        room.n = logged.n
        partition = room.partition
        self.frontier[partition] = max(self.frontier[partition], logged.offset + 1)
        if room.readers:
            item = Item(room.name, logged.n, partition, logged.offset, logged.event)
            cursor = self.cursor()
            live = Live(item, cursor, frames.event(logged.event, cursor))
            differs = is_shadowed(logged.event)
            for reader in tuple(room.readers):
                reader.take(_live(item, cursor, reader) if differs else live)
            if logged.event.startswith(_REMOVED):
                self._remove(room, logged.event)

    def _remove(self, room: Room, event: bytes) -> None:
        """Somebody is a member no longer: that was the last event that they got."""
        if user := left(decode_log(event)):
            for reader in self.people.get(user, ()):
                reader.rooms.pop(room.name, None)
                room.readers.discard(reader)

    async def _fill(self, room: Room, upto: int) -> None:
        """Deliver what is missing up to, with, event `upto`; what the window lacks is reset."""
        if room.n is None or room.n >= upto:
            return
        for logged in await self.view.since(room.name, room.n, upto - room.n):
            if logged.n == room.n + 1:
                self._deliver(room, logged)
        if room.n < upto:
            log.warning("the window lacks events", room=room.name, after=room.n, upto=upto)
            for reader in tuple(room.readers):
                reader.reset([room.name])
            room.n = upto

    async def _on_mark(self, data: bytes) -> None:
        if (arrived := self.marks.take(data)) is None:
            return
        mark, position, heads = arrived
        for name, head in zip(mark.rooms, heads, strict=True):
            if (room := self.rooms.get(name)) is not None:
                if room.n is None:
                    room.n = head
                await self._fill(room, head)
        self.frontier[mark.partition] = max(self.frontier[mark.partition], position + 1)
        if not mark.arrived.done():
            mark.arrived.set_result(None)

    async def _on_back(self) -> None:
        """Look up what was missed while there was no connection, in the order of offsets."""
        known = [name for name, room in self.rooms.items() if room.n is not None]
        heads = await self.view.rooms(known) if known else {}
        missed: list[tuple[int, int, Room, Logged]] = []
        for name, head in heads.items():
            room = self.rooms[name]
            if room.n is not None and head.n > room.n:
                found = await self.view.since(name, room.n, head.n - room.n)
                missed += [(room.partition, logged.offset, room, logged) for logged in found]
        for _, _, room, logged in sorted(missed, key=lambda entry: entry[:2]):
            await self._receive(room, logged)
        for user in list(self.people):
            for name, n in (await self.view.rooms_of(user)).items():
                self.on_joined(user, name, n)
        self._spawn(self.marks.ask_again())

    async def _watch_tails(self) -> None:
        """See to it that a lost last event, which no later one would betray, is found."""
        while True:
            await asyncio.sleep(TAIL_INTERVAL)
            names = list(self.rooms)
            start = self._tail_from % max(1, len(names))
            some = names[start : start + TAIL_ROOMS]
            self._tail_from = start + len(some)
            try:
                async with asyncio.timeout(2 * TAIL_INTERVAL):
                    await self.marks.mark((self.rooms[name].partition, name) for name in some)
            except AWAY as error:
                log.warning("a mark did not come back, connecting again", error=str(error))
                await self.subscription.reconnect()


def _live(item: Item, cursor: str, reader: Reader) -> Live:
    """An event as this reader gets it."""
    item = item._replace(event=shown_to(reader.user, item.event))
    return Live(item, cursor, frames.event(item.event, cursor))
