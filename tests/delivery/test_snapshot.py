"""An incomplete view is not read: a reader waits, and then gets an error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis import asyncio as aioredis

from app.delivery import keys, snapshot
from app.delivery.applied import AppliedPositions, Span
from app.delivery.lookups import Lookups
from app.delivery.publisher import Publisher
from app.delivery.read_marks import ReadMarks, position_keys
from app.delivery.view import View
from app.errors import Unreachable
from app.topics import partition_of
from tests.delivery.conftest import PARTITIONS, added, entry, message, noted, opened

ROOM = "r"
PLACE = partition_of(ROOM, PARTITIONS)
#: The position before the first record.
NOWHERE = Span(-1, -1)
LOG = [
    entry(PLACE, 0, opened(ROOM)),
    entry(PLACE, 1, added(ROOM, 2, "ben")),
    entry(PLACE, 2, message(ROOM, 3, 1)),
]


@pytest.fixture
async def publisher(redis: aioredis.Redis) -> Publisher:
    """Every partition but one is empty, as it should be."""
    publisher = Publisher(redis, 100)
    for partition in set(range(PARTITIONS)) - {PLACE}:
        assert await noted(publisher, partition, 0)
    return publisher


@pytest.fixture
async def lookups(redis: aioredis.Redis) -> AsyncIterator[Lookups]:
    asking = Lookups(redis)
    yield asking
    asking.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "_WAIT_SECONDS", 0.1)


async def test_a_view_that_stands_before_the_log_is_not_whole(publisher: Publisher) -> None:
    await publisher.publish(LOG[:2])
    assert not await noted(publisher, PLACE, 3)
    assert not await publisher.whole(PLACE)
    await publisher.publish(LOG[2:])
    assert await noted(publisher, PLACE, 3)
    assert await publisher.whole(PLACE)


@pytest.mark.usefixtures("impatient")
async def test_nothing_is_read_from_a_view_that_lacks_something(
    redis: aioredis.Redis, publisher: Publisher
) -> None:
    view, reads = View(redis, PARTITIONS), ReadMarks(redis, PARTITIONS)
    await publisher.publish(LOG[:2])
    for reading in (
        view.room(ROOM),
        view.joined(ROOM, "ben"),
        view.rooms_of("ben"),
        view.members(ROOM),
        view.since(ROOM, 0, 9),
        reads.unread("ben", [ROOM]),
        reads.marks(ROOM),
    ):
        with pytest.raises(Unreachable, match="being filled"):
            await reading


async def test_who_reads_while_it_is_filled_gets_all_of_it(
    redis: aioredis.Redis, publisher: Publisher
) -> None:
    reading = asyncio.create_task(View(redis, PARTITIONS).room(ROOM))
    for one in LOG:
        await publisher.publish([one])
    await noted(publisher, PLACE, len(LOG))
    head = await reading
    assert head is not None
    assert head.n == len(LOG)


@pytest.mark.usefixtures("impatient")
async def test_unread_is_not_told_before_the_marks_are_back(
    redis: aioredis.Redis, publisher: Publisher
) -> None:
    await publisher.publish(LOG)
    await noted(publisher, PLACE, len(LOG))
    reads = ReadMarks(redis, PARTITIONS)
    with pytest.raises(Unreachable):
        await reads.unread("ben", [ROOM])
    applied = AppliedPositions(redis, position_keys)
    token = await applied.begin_filling(PLACE, -1)
    await reads.advance({ROOM: {"ben": 1}})
    assert await applied.note_filled(PLACE, NOWHERE, token)
    assert (await reads.unread("ben", [ROOM]))[ROOM].unread == 0


async def test_an_end_from_before_the_view_was_emptied_does_not_make_it_whole(
    redis: aioredis.Redis, publisher: Publisher
) -> None:
    """What came between was published, and seen."""
    sign, end = await publisher.filling(PLACE), 2
    await publisher.publish(LOG)
    await redis.flushall()
    await publisher.filling(PLACE)
    await publisher.publish(LOG[:2])
    assert not await publisher.note_whole(PLACE, end, sign)
    assert not await publisher.whole(PLACE)


async def test_marks_lost_while_they_are_set_again_do_not_count_as_back(
    redis: aioredis.Redis,
) -> None:
    applied = AppliedPositions(redis, position_keys)
    token = await applied.begin_filling(PLACE, -1)
    await redis.flushall()
    assert not await applied.note_filled(PLACE, NOWHERE, token)
    assert not (await applied.look(PLACE, NOWHERE)).complete


async def test_devices_are_not_told_what_is_unread_in_a_view_that_lacks_something(
    redis: aioredis.Redis, publisher: Publisher
) -> None:
    pubsub = redis.pubsub(ignore_subscribe_messages=True)
    await pubsub.subscribe(keys.user("ben"), "end")
    await pubsub.get_message(timeout=1)
    await ReadMarks(redis, PARTITIONS).advance({ROOM: {"ben": 1}})
    await redis.publish("end", b"")
    told = None
    while told is None:
        told = await pubsub.get_message(timeout=1)
    assert told["channel"] == b"end"
    await pubsub.aclose()


async def test_a_view_that_lacks_something_stands_nowhere(
    publisher: Publisher, lookups: Lookups
) -> None:
    await publisher.publish(LOG)
    assert (await lookups.positions(PARTITIONS))[PLACE] == -2
    await noted(publisher, PLACE, len(LOG))
    found = await lookups.positions(PARTITIONS)
    assert found[PLACE] == len(LOG) - 1
    assert set(found[:PLACE] + found[PLACE + 1 :]) == {-1}
