"""Admitting a reader: from where it was to the live stream, with nothing missing or doubled.

Subscribe first, then read what was missed, then wait for a mark. When the mark has arrived, all
that was read has come over the subscription, too; so what was read and what waits, put together,
is everything, and whatever comes after it is new.
"""

from __future__ import annotations

import asyncio
from typing import Any

from app.delivery import keys
from app.delivery.view import Logged, RoomHead
from app.errors import Malformed, Unreachable
from app.events import MemberAdded, RoomCreated, decode_log
from app.patience import AWAY
from app.rules.cursor import Cursor
from app.rules.joining import Item
from web.hub import Hub
from web.reader import Reader

#: Seconds that a reader waits to be let in while Valkey is away.
PATIENCE = 5.0

#: Events read at once while looking for where a reader was.
_PAGE = 100

#: Events that one reader is given again at most, over all its rooms. Beyond, history is cheaper.
MOST_REPLAYED = 5_000


class Admission:
    """Brings readers into the hub, and into the rooms that they join later."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._joining: set[asyncio.Task[None]] = set()
        hub.on_joined = self._on_joined

    async def admit(self, reader: Reader, cursor: Cursor | None) -> None:
        """Begin the reader at its cursor, or at the present; then it is live.

        Raises `Unreachable`, or what Valkey raises, while it is away.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                await self._admit(reader, cursor)
        except TimeoutError:
            raise Unreachable("Valkey does not answer") from None

    async def _admit(self, reader: Reader, cursor: Cursor | None) -> None:
        hub = self._hub
        hub.people.setdefault(reader.user, set()).add(reader)
        await hub.listen(keys.user(reader.user), self._listener(reader.user))
        rooms = await hub.view.rooms_of(reader.user)
        reader.rooms |= rooms
        await hub.enter(reader, rooms)
        usable = self._usable(cursor)
        lost = await self._replay(reader, usable) if usable else self._all(reader, cursor)
        await hub.marks.mark((hub.view.partition(room), room) for room in rooms)
        if usable is None:
            reader.waiting.clear()
        reader.stands = tuple(hub.frontier) if usable is None else usable.nexts
        reader.begin(hub.cursor(reader.stands), lost)
        hub.release(reader)

    def _usable(self, cursor: Cursor | None) -> Cursor | None:
        """The cursor, where it is of this log."""
        hub = self._hub
        if cursor is None or cursor.epoch != hub.epoch:
            return None
        return cursor if len(cursor.nexts) == len(hub.frontier) else None

    def _all(self, reader: Reader, cursor: Cursor | None) -> list[str]:
        """Every room is lost to a cursor of another log, none to who begins."""
        return [] if cursor is None else sorted(reader.rooms)

    async def _replay(self, reader: Reader, cursor: Cursor) -> list[str]:
        """Put what lies beyond the cursor before the reader; the rooms where that can't be done."""
        view = self._hub.view
        heads = await view.rooms(list(reader.rooms))
        budget = MOST_REPLAYED
        lost = []
        for name, head in sorted(heads.items(), key=lambda entry: -entry[1].offset):
            start = cursor.nexts[head.partition]
            if head.offset < start:
                continue
            found = await self._since(head, start, reader.rooms[name], budget)
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

    def _listener(self, user: str) -> Any:
        async def listen(data: bytes) -> None:
            try:
                event = decode_log(data)
            except Malformed:  # a state of one's own, such as unread
                self._hub.tell(self._hub.people.get(user, ()), data)
                return
            if isinstance(event, MemberAdded | RoomCreated):
                self._on_joined(user, event.room, event.n)

        return listen

    def _on_joined(self, user: str, room: str, n: int) -> None:
        for reader in tuple(self._hub.people.get(user, ())):
            if room not in reader.rooms:
                reader.rooms[room] = n
                self._hub.hold(reader)
                task = asyncio.create_task(self._join(reader, room, n))
                self._joining.add(task)
                task.add_done_callback(self._joining.discard)

    async def _join(self, reader: Reader, room: str, n: int) -> None:
        hub = self._hub
        try:
            await hub.enter(reader, [room])
            head = await hub.view.room(room)
            if head is not None:
                missed = await hub.view.since(room, n - 1, head.n - n + 1)
                reader.waiting += [_item(head, logged) for logged in missed]
            await hub.marks.mark([(hub.view.partition(room), room)])
        except AWAY:
            reader.end("unavailable", "The live state is away for a moment.")
            return
        hub.release(reader)


def _item(head: RoomHead, logged: Logged) -> Item:
    return Item(head.room, logged.n, head.partition, logged.offset, logged.event)
