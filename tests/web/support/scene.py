"""A hub with one reader over a real Valkey, and the log that it hears."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count

from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.publish_calls import Entry
from app.delivery.publisher import Publisher
from app.delivery.valkey import connect
from app.delivery.view import View
from app.delivery.view_changes import changes_of
from app.domain.deployment import Deployment
from app.events import AnyLogEvent, MemberRemoved
from app.metrics.edge_metrics import EdgeMetrics
from tests.delivery.conftest import PARTITIONS, entry, message, noted, opened
from tests.support.chat import until
from web.hub.admission import Admission
from web.hub.event import EventBatch
from web.hub.hub import Hub
from web.hub.room import Subscriber, User


class Recorder(Subscriber):
    """A subscriber that records what it gets."""

    def __init__(self, user: User) -> None:
        super().__init__(user)
        self.got: list[tuple[str, int]] = []
        self.resets: list[str] = []
        self.told: list[bytes] = []
        #: The rooms that could not be resumed.
        self.lost: list[str] = []

    def begin(self, cursor: str, lost: Sequence[str]) -> None:
        self.lost = list(lost)

    def deliver(self, batch: EventBatch) -> None:
        self.got += [(event.room, event.n) for event in batch.events]

    def tell(self, state: bytes, frame: bytes) -> None:
        self.told.append(state)

    def reset(self, rooms: Sequence[str]) -> None:
        self.resets += rooms

    def end(self, code: str, reason: str) -> None:
        raise AssertionError(code)


class Scene:
    """A hub with one reader in two rooms of one partition, and the log that they follow."""

    def __init__(self, redis: aioredis.Redis) -> None:
        self.redis = redis
        self.publisher = Publisher(redis, 100)
        view = View(redis, PARTITIONS, partial=True)
        self.hub = Hub(
            redis,
            view,
            partitions=PARTITIONS,
            edge="e",
            deployment=Deployment("log"),
            cursor_keys=[b"s" * 32],
            metrics=EdgeMetrics(),
        )
        #: What the log's end is in each partition, by Kafka's own word.
        self.ends = [0] * PARTITIONS
        self.admission = Admission(self.hub, self._ends)
        self.reader = Recorder(self.hub.registry.user("ann"))
        names = (f"room{i}" for i in count())
        self.a = next(names)
        self.partition = view.partition(self.a)
        self.b = next(name for name in names if view.partition(name) == self.partition)
        self.log: list[Entry] = []
        self._n = {self.a: count(1), self.b: count(1)}

    async def begin(self) -> None:
        """Of an empty log everything is there."""
        for partition in range(PARTITIONS):
            await noted(self.publisher, partition, 0)

    def other(self) -> str:
        """A third room of the partition, that is yet to be opened."""
        names = (f"other{i}" for i in count())
        room = next(name for name in names if self.hub.view.partition(name) == self.partition)
        self._n[room] = count(1)
        return room

    def next(self, room: str) -> int:
        """The number of the room's next event."""
        return next(self._n[room])

    def skip(self) -> int:
        """An offset of which nothing is left."""
        self.log.append(entry(self.partition, len(self.log), None))
        return len(self.log) - 1

    async def publish(self, event: AnyLogEvent) -> None:
        await self.publisher.publish([self._write(event)])

    async def say(self, room: str) -> None:
        n = self.next(room)
        await self.publish(opened(room) if n == 1 else message(room, n, n - 1))

    async def lose(self, room: str) -> None:
        """An event gets into the room's window and to nobody."""
        n = next(self._n[room])
        lost = self._write(message(room, n, n - 1))
        place = self.partition
        await self.redis.hset(keys.log(place, room), str(n), b"%d %b" % (lost.offset, lost.value))
        await self.redis.hset(keys.room(place, room), mapping={"n": n, "offset": lost.offset})
        await self.redis.set(keys.position(place), lost.offset)

    async def hear(self, room: str) -> None:
        """An event comes to whoever listens, and is not in the view."""
        n = next(self._n[room])
        heard = self._write(message(room, n, n - 1))
        channel = keys.channel(self.partition, room)
        await self.redis.publish(channel, b"%d %d %b" % (heard.offset, n, heard.value))

    async def remove(self, room: str, user: str) -> None:
        """Somebody is no member of the room any more."""
        event = MemberRemoved(
            room=room, n=self.next(room), by=user, at_ms=1, id="i", client_id="c", user=user
        )
        await self.publish(event)

    async def fill(self) -> None:
        """Fill the view again from the log, as `fan_out` does: first who belongs where."""
        events = [entry.event for entry in self.log if entry.event is not None]
        belong = {
            (user, event.room): n for event in events for user, n in changes_of(event, {}).belong
        }
        await self.publisher.belong(belong)
        await self.publisher.publish(self.log)
        for partition in range(PARTITIONS):
            end = len(self.log) if partition == self.partition else 0
            assert await noted(self.publisher, partition, end)

    async def _ends(self) -> list[int]:
        return self.ends

    def _write(self, event: AnyLogEvent) -> Entry:
        self.log.append(entry(self.partition, len(self.log), event))
        return self.log[-1]

    async def has(self, *got: tuple[str, int], within: float = 10) -> None:
        async def there() -> bool:
            return len(self.reader.got) >= len(got)

        await until(there, lambda: str(self.reader.got), within)
        assert self.reader.got == list(got)


@asynccontextmanager
async def scene_at(url: str) -> AsyncIterator[Scene]:
    """A scene in an emptied Valkey."""
    redis = connect(url)
    await redis.flushdb()
    scene = Scene(redis)
    await scene.begin()
    await scene.say(scene.a)
    await scene.say(scene.b)
    await scene.hub.start()
    await scene.admission.admit(scene.reader, None)
    yield scene
    await scene.hub.stop()
    await redis.aclose()
