"""An event that can't be published becomes a dead letter, and every refill of the view skips it."""

from __future__ import annotations

import asyncio
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.publisher import Publisher
from app.delivery.refill import Place, entry_of, refill
from app.delivery.refill_progress import CHUNK
from app.delivery.valkey import connect
from app.delivery.view import View
from app.embedded.valkey import Valkey
from app.errors import Unreachable
from app.events import EDGE, AnyLogEvent, encode
from app.kafka.partition_reader import PartitionReader
from app.kafka.record import Record
from app.settings import Settings
from app.topics import LOG, partition_of
from tests.delivery.conftest import added, message, opened
from tests.support.agents import Buried, groups, running
from tests.support.chat import until

GROUP = "parley-fan_out"


class Log:
    """`chat.log` with somebody who writes to it, and brings it to the agent."""

    def __init__(self, bench: Settings, room: str) -> None:
        self.partition = partition_of(room, bench.partitions)
        self.room = room
        self.view = View(connect(bench.redis), bench.partitions, partial=True)
        self.publisher = Publisher(connect(bench.redis), bench.window)
        self._bench = bench

    async def write(self, *events: AnyLogEvent) -> list[tuple[int, bytes]]:
        written = []
        for event in events:
            value, key = encode(event), self.room.encode()
            sending = await groups()["fan_out"].producer.send(
                LOG, key, value, self.partition, None, None
            )
            written.append(((await sending).offset, value))
        return written

    async def bring(self, put: Any, *events: AnyLogEvent) -> list[int]:
        """Write events and give them to the agent; their offsets."""
        written = await self.write(*events)
        for offset, value in written:
            await put(self.room.encode(), value, self.partition, offset)
        return [offset for offset, _ in written]

    async def stands(self, n: int, offset: int) -> bool:
        head = await self.view.room(self.room)
        at = await self.publisher.position(self.partition)
        return head is not None and (head.n, at) == (n, offset)

    async def exists(self, n: int) -> bool:
        head = await self.view.room(self.room)
        return head is not None and head.n == n

    async def refill(self, start: int = 0, publisher: Publisher | None = None) -> Any:
        place = Place(self.partition, self._bench.partitions)
        async with PartitionReader(self._bench) as reader:
            return await refill(reader, publisher or self.publisher, place, start, erased={})


async def test_an_event_beyond_the_next_is_buried_and_what_follows_goes_on(
    bench: Settings, buried: Buried
) -> None:
    from agents.fan_out import fan_out

    log = Log(bench, "beyond")
    async with running(fan_out) as put:
        events = [opened("beyond"), message("beyond", 2, 1)]
        poison = [message("beyond", 9, 8), message("never-opened-beside", 4, 3)]
        offsets = await log.bring(put, *events, *poison, message("beyond", 3, 2))
        await until(lambda: log.stands(3, offsets[-1]), within=20)
        more = await log.bring(put, message("beyond", 9, 8), message("beyond", 4, 3))
        await until(lambda: log.stands(4, more[-1]), within=20)
        first, second = ((LOG, log.partition, offset) for offset in (offsets[2], more[0]))
        dead = await buried(GROUP, first, second)
    assert dead[first] == "room 'beyond' has event 9 right after 2"
    assert dead[second] == "room 'beyond' has event 9 right after 3"
    assert (LOG, log.partition, offsets[4]) not in dead


async def test_a_view_that_is_filled_again_steps_over_the_same(bench: Settings) -> None:
    log = Log(bench, "again")
    events = [opened("again"), message("again", 7, 6), message("again", 2, 1)]
    offsets = [offset for offset, _ in await log.write(*events)]
    await log.publisher.drop(log.partition)
    assert (log.partition, offsets[1]) in await log.refill()
    assert await log.stands(2, offsets[-1])
    assert await log.publisher.whole(log.partition)


async def test_a_view_that_lacks_its_end_alone_steps_over_the_same(bench: Settings) -> None:
    log = Log(bench, "end-alone")
    events = [opened(log.room), message(log.room, 7, 6), message(log.room, 2, 1)]
    offsets = [offset for offset, _ in await log.write(*events)]
    await log.refill()
    redis: aioredis.Redis = connect(bench.redis)
    await redis.delete(*(of(log.partition, log.room) for of in (keys.room, keys.log)))
    await redis.set(keys.position(log.partition), offsets[0] - 1)
    assert (log.partition, offsets[1]) in await log.refill(offsets[0])
    assert await log.stands(2, offsets[-1])


async def test_a_view_that_is_emptied_while_it_is_filled_is_not_whole_and_nothing_is_poison(
    bench: Settings,
) -> None:
    log = Log(bench, "emptied")
    events = [opened("emptied"), message("emptied", 2, 1), message("emptied", 3, 2)]
    offsets = [offset for offset, _ in await log.write(*events)]
    redis: aioredis.Redis = connect(bench.redis)

    class Emptied(Publisher):
        async def publish(self, entries: Any) -> Any:
            found = await super().publish(entries[:-1])
            await redis.flushdb()
            return found + await super().publish(entries[-1:])

    unfit = await log.refill(publisher=Emptied(redis, 100))
    assert not {(log.partition, offset) for offset in offsets} & unfit.keys()
    assert not await log.publisher.whole(log.partition)
    await log.refill()
    assert await log.stands(3, offsets[-1])


async def test_an_event_that_no_publisher_takes_is_buried(bench: Settings, buried: Buried) -> None:
    from agents.fan_out import fan_out

    log = Log(bench, "too-large-a-number")
    async with running(fan_out) as put:
        huge = message(log.room, 2, 10**30)
        offsets = await log.bring(put, opened(log.room), huge, message(log.room, 3, 1))
        await until(lambda: log.stands(3, offsets[-1]), within=20)
        place = (LOG, log.partition, offsets[1])
        assert "64-bit" in (await buried(GROUP, place))[place]
        await log.publisher.drop(log.partition)
        await log.refill()
        assert await log.stands(3, offsets[-1])
        more = await log.bring(put, message(log.room, 4, 2))
        await until(lambda: log.stands(4, more[-1]), within=20)


@pytest.mark.parametrize("edge", [b"\xff\xfe", None])
def test_nobody_waits_at_an_edge_whose_name_is_none(edge: Any) -> None:
    value, place = encode(opened("r")), partition_of("r", 8)
    entry = entry_of(Record(LOG, place, 0, b"r", value, [(EDGE, edge)]), 8)
    assert (entry.event, entry.edge) == (opened("r"), "")


def test_an_event_on_another_rooms_partition_is_none() -> None:
    value, place = encode(replace(opened("r"), by="eve")), partition_of("r", 8)
    assert entry_of(Record(LOG, (place + 1) % 8, 0, b"r", value, []), 8).event is None


async def test_memberships_are_restored_in_pieces_and_before_the_events(bench: Settings) -> None:
    log = Log(bench, "many-members")
    people = [f"person-{i}" for i in range(3 * CHUNK)]
    joined = [added(log.room, n, user) for n, user in enumerate(people, 2)]
    await log.write(opened(log.room), *joined)
    await log.publisher.drop(log.partition)
    redis: aioredis.Redis = connect(bench.redis)
    await redis.delete(*(keys.rooms_of(user) for user in people))
    pieces: list[int] = []

    class Watched(Publisher):
        async def belong(self, places: Any) -> None:
            pieces.append(len(places))
            assert not await redis.exists(keys.memberships(log.partition))
            await super().belong(places)

        async def publish(self, entries: Any) -> Any:
            assert await redis.exists(keys.memberships(log.partition))
            return await super().publish(entries)

    await log.refill(publisher=Watched(redis, 100))
    assert len(pieces) >= 3
    assert max(pieces) <= CHUNK
    assert await redis.hget(keys.rooms_of(people[-1]), log.room) == str(len(people) + 1).encode()
    assert await log.publisher.whole(log.partition)


async def test_memberships_that_were_lost_in_the_middle_do_not_count_as_back(
    bench: Settings,
) -> None:
    log = Log(bench, "lost-members")
    await log.write(opened(log.room), added(log.room, 2, "ben"))
    redis: aioredis.Redis = connect(bench.redis)

    class Emptied(Publisher):
        async def belong(self, places: Any) -> None:
            await super().belong(places)
            await redis.flushdb()

    await log.refill(publisher=Emptied(redis, 100))
    assert not await redis.exists(keys.memberships(log.partition))


async def test_memberships_of_which_a_restart_lost_some_do_not_count_as_back(
    bench: Settings, tmp_path: Path
) -> None:
    log = Log(bench, "rolled-back")
    await log.write(opened(log.room), added(log.room, 2, "ben"))
    async with Valkey(tmp_path / "valkey") as valkey:
        redis: aioredis.Redis = connect(valkey.url)

        class RolledBack(Publisher):
            async def belong(self, places: Any) -> None:
                await redis.save()
                await super().belong(places)
                valkey.kill()
                await valkey.start()

        with pytest.raises(Unreachable, match="started anew"):
            await log.refill(publisher=RolledBack(redis, 100))
        assert not await redis.exists(keys.memberships(log.partition))
        await log.refill(publisher=Publisher(redis, 100))
        assert await redis.exists(keys.memberships(log.partition))
        assert await redis.hget(keys.rooms_of("ben"), log.room) == b"2"


async def test_a_long_refill_of_one_partition_holds_up_no_other(
    bench: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = import_module("agents.fan_out")
    monkeypatch.setattr(agent, "_REFILL_SECONDS", 0.1)
    slow = Log(bench, "slow")
    names = (f"quick-{i}" for i in count())
    quick = Log(bench, next(n for n in names if Log(bench, n).partition != slow.partition))
    publisher, free = agent.publisher(), asyncio.Event()
    restore = publisher.belong

    async def slowly(places: Any) -> None:
        if any(room == slow.room for _, room in places):
            await free.wait()
        await restore(places)

    monkeypatch.setattr(publisher, "belong", slowly)
    free.set()
    async with running(agent.fan_out) as put:
        await slow.bring(put, opened(slow.room))
        await until(lambda: slow.exists(1), within=20)
        free.clear()
        await slow.publisher.drop(slow.partition)
        await slow.bring(put, message(slow.room, 2, 1))
        offsets = await quick.bring(put, opened(quick.room), message(quick.room, 2, 1))
        await until(lambda: quick.stands(2, offsets[-1]), within=20)
        assert not await slow.publisher.whole(slow.partition)
        last = await slow.bring(put, message(slow.room, 3, 2))
        free.set()
        await until(lambda: slow.stands(3, last[-1]), within=20)
        await until(lambda: slow.publisher.whole(slow.partition), within=20)


async def test_unfit_records_that_a_refill_finds_after_their_batch_are_buried(
    bench: Settings, buried: Buried, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = import_module("agents.fan_out")
    monkeypatch.setattr(agent, "_REFILL_SECONDS", 0.0)
    log = Log(bench, "late")
    async with running(agent.fan_out) as put:
        await log.bring(put, opened(log.room))
        await until(lambda: log.exists(1), within=20)
        unfit, fit = await log.bring(put, message(log.room, 9, 8), message(log.room, 2, 1))
        await until(lambda: log.stands(2, fit), within=20)
        # Any batch tells of them; in a worker there is one within a second.
        await log.bring(put, message(log.room, 3, 2))
        place = (LOG, log.partition, unfit)
        assert (await buried(GROUP, place))[place] == "room 'late' has event 9 right after 1"


async def test_an_event_that_comes_in_the_last_moment_of_a_refill_is_published_by_it(
    bench: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without waiting for a look at views that stand still, seconds later."""
    module: Any = import_module("agents.fan_out")
    log = Log(bench, "last-moment")
    await log.write(opened(log.room), message(log.room, 2, 1))
    real, late = module.fill, []

    async def fill(partition: int, start: int) -> int:
        end: int = await real(partition, start)
        if not late:
            late.extend(await log.write(message(log.room, 3, 2)))
            [(offset, value)] = late
            record = Record(LOG, partition, offset, log.room.encode(), value, ())
            assert await module.publish_all([entry_of(record, bench.partitions)]) == {}
        return end

    monkeypatch.setattr(module, "fill", fill)
    async with running(module.fan_out):
        await module.refills().begin(log.partition, 0)
        assert await log.stands(3, late[0][0])


async def test_a_refill_ends_though_events_keep_coming(
    bench: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise each event would wait for a pass of a refill that begins again and again."""
    module: Any = import_module("agents.fan_out")
    log = Log(bench, "keeps-coming")
    await log.write(opened(log.room))
    real, came, offsets = module.fill, [], []

    async def fill(partition: int, start: int) -> int:
        end: int = await real(partition, start)
        if len(came) < 10:
            n = 2 + len(came)
            [(offset, value)] = await log.write(message(log.room, n, n - 1))
            record = Record(LOG, partition, offset, log.room.encode(), value, ())
            entry = entry_of(record, bench.partitions)
            offsets.append(offset)
            came.append(asyncio.create_task(module.publish_all([entry])))
            await asyncio.sleep(0)  # it is left to the refill, or waits
        return end

    monkeypatch.setattr(module, "fill", fill)
    async with running(module.fan_out):
        await module.refills().begin(log.partition, 0)
        passes = len(came)
        assert await asyncio.gather(*came) == [{}] * passes
        assert passes <= 3
        assert await log.stands(1 + passes, offsets[-1])
