"""Unread is the head minus the mark minus deleted messages, in every order of events."""

from __future__ import annotations

import pytest
from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.publisher import Publisher
from app.delivery.read_marks import ReadMarks, StaleEpoch
from app.delivery.view import View
from app.events import AnyLogEvent, MessageCreated, MessageDeleted
from tests.delivery.conftest import PARTITIONS, added, entry, noted, opened

ROOM = "r"
STAMP = {"room": ROOM, "at_ms": 9, "id": "i", "client_id": "c"}


def said(n: int, seq: int, by: str = "ann", names: str = "", everyone: bool = False) -> AnyLogEvent:
    named = tuple(names.split())
    return MessageCreated(**STAMP, n=n, by=by, seq=seq, text="x", mentions=named, everyone=everyone)


def deleted(n: int, seq: int, of: int) -> AnyLogEvent:
    return MessageDeleted(**STAMP, n=n, by="ann", seq=seq, of=of)


async def filled(redis: aioredis.Redis, *log: AnyLogEvent) -> ReadMarks:
    place = View(redis, PARTITIONS).partition(ROOM)
    entries = [entry(place, offset, event) for offset, event in enumerate(log)]
    publisher = Publisher(redis, 100)
    await publisher.publish(entries)
    assert await noted(publisher, place, len(entries))
    return ReadMarks(redis, PARTITIONS, partial=True)


async def unread(reads: ReadMarks, user: str) -> tuple[int, int]:
    found = (await reads.unread(user, [ROOM]))[ROOM]
    return found.unread, found.mentions


async def test_what_came_before_joining_and_what_one_said_is_read(redis: aioredis.Redis) -> None:
    reads = await filled(
        redis,
        opened(ROOM),
        said(2, 1),
        added(ROOM, 3, "ben"),
        said(4, 2),
        said(5, 3, names="ben"),
        said(6, 4, by="ben"),
        said(7, 5, names="ben"),
        said(8, 6, everyone=True),
    )
    assert await unread(reads, "ben") == (2, 2)
    assert await unread(reads, "ann") == (0, 0)


async def test_deleted_messages_do_not_count(redis: aioredis.Redis) -> None:
    reads = await filled(
        redis,
        opened(ROOM),
        added(ROOM, 2, "ben"),
        said(3, 1, names="ben"),
        said(4, 2, everyone=True),
        said(5, 3),
        deleted(6, 1, 3),
        deleted(7, 3, 5),
    )
    assert await unread(reads, "ben") == (1, 1)
    await reads.advance({ROOM: {"ben": 1}})
    assert await unread(reads, "ben") == (1, 1)


async def test_the_newest_200_mentions_are_counted(redis: aioredis.Redis) -> None:
    log = [said(seq + 2, seq, names="ben") for seq in range(1, 206)]
    reads = await filled(redis, opened(ROOM), added(ROOM, 2, "ben"), *log)
    assert await unread(reads, "ben") == (205, 200)
    await reads.advance({ROOM: {"ben": 100}})
    assert await unread(reads, "ben") == (105, 105)


async def test_a_mark_never_goes_back(redis: aioredis.Redis) -> None:
    reads = await filled(redis, opened(ROOM), added(ROOM, 2, "ben"), said(3, 1), said(4, 2))
    for seq in (2, 1):
        await reads.advance({ROOM: {"ben": seq}})
    assert await reads.marks(ROOM) == {"ann": 2, "ben": 2}


async def test_marks_that_are_back_before_the_log_stay(redis: aioredis.Redis) -> None:
    reads = ReadMarks(redis, PARTITIONS, partial=True)
    await reads.advance({ROOM: {"ann": 7, "ben": 5}})
    await filled(redis, opened(ROOM), added(ROOM, 2, "ben"), said(3, 1))
    assert await reads.marks(ROOM) == {"ann": 7, "ben": 5}


async def test_other_devices_hear_what_is_left(redis: aioredis.Redis) -> None:
    reads = await filled(redis, opened(ROOM), added(ROOM, 2, "ben"), said(3, 1), said(4, 2))
    pubsub = redis.pubsub(ignore_subscribe_messages=True)
    await pubsub.subscribe(keys.user("ben"))
    await pubsub.get_message(timeout=1)
    assert await reads.advance({ROOM: {"ben": 1}}) == [ROOM]
    told = await pubsub.get_message(timeout=1)
    assert told is not None
    assert b'"unread":1' in told["data"]
    await pubsub.aclose()


async def test_marks_of_an_earlier_epoch_do_not_come_back(redis: aioredis.Redis) -> None:
    reads = await filled(redis, opened(ROOM), said(2, 1), added(ROOM, 3, "ben"), said(4, 2))
    await reads.advance({ROOM: {"ben": 2}})
    place = View(redis, PARTITIONS).partition(ROOM)
    await Publisher(redis, 100).begin_epoch(place, 1, PARTITIONS)
    with pytest.raises(StaleEpoch):
        await reads.advance({ROOM: {"ben": 2}})
    assert await reads.marks(ROOM) == {}
    await reads.advance({ROOM: {"ben": 1}}, epochs={place: 1})
    assert await reads.marks(ROOM) == {"ben": 1}


async def test_a_view_goes_on_with_its_marks_in_an_epoch_that_begins_behind_it(
    redis: aioredis.Redis,
) -> None:
    reads = await filled(redis, opened(ROOM), said(2, 1), added(ROOM, 3, "ben"), said(4, 2))
    await reads.advance({ROOM: {"ben": 1}})
    place = View(redis, PARTITIONS).partition(ROOM)
    publisher = Publisher(redis, 100)
    stands = await publisher.position(place)
    # The log of this epoch lacks the last event that the view has.
    assert not await publisher.go_on(place, 1, stands)
    assert await publisher.epoch(place) == 0
    assert await publisher.go_on(place, 1, stands + 1)
    assert await publisher.go_on(place, 1, stands + 1)
    assert await publisher.epoch(place) == 1
    assert (await reads.marks(ROOM))["ben"] == 1
    with pytest.raises(StaleEpoch):
        await reads.advance({ROOM: {"ben": 2}})
    await reads.advance({ROOM: {"ben": 2}}, epochs={place: 1})
    assert (await reads.marks(ROOM))["ben"] == 2
