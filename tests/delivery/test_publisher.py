"""The view equals the log, however often it is published and from whichever offset."""

from __future__ import annotations

import asyncio
import math
import random

import pytest
from msgspec.structs import replace
from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.erasures import ViewErasures
from app.delivery.publish_calls import Entry
from app.delivery.publisher import Outcome, Publisher
from app.delivery.refill import in_sequence
from app.delivery.view import View
from app.events import (
    MemberRemoved,
    MemberRole,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    decode_log,
)
from tests.delivery.conftest import PARTITIONS, added, entry, message, opened

ROOM = "r"
P = 3  # the partition; View looks for rooms where their names belong

LOG = [
    entry(P, 0, opened(ROOM)),
    entry(P, 1, added(ROOM, 2, "ben")),
    entry(P, 2, message(ROOM, 3, 1)),
    entry(P, 3, opened("other")),
    entry(P, 4, message(ROOM, 4, 2)),
]


async def state(redis: aioredis.Redis, of: str = "*") -> dict[bytes, object]:
    found: dict[bytes, object] = {}
    for key in sorted(await redis.keys(of)):
        kind = await redis.type(key)
        if kind == b"hash":
            found[key] = await redis.hgetall(key)
        elif kind == b"zset":
            found[key] = await redis.zrange(key, 0, -1)
        else:
            found[key] = await redis.get(key)
    return found


async def test_publishing_again_changes_nothing(redis: aioredis.Redis) -> None:
    publisher = Publisher(redis, 100)
    assert await publisher.publish(LOG) == [Outcome.PUBLISHED] * 5
    before = await state(redis)
    assert await publisher.publish(LOG[2:]) == [Outcome.REPEATED] * 3
    assert await state(redis) == before


async def test_an_entry_whose_predecessor_is_not_there_is_refused(redis: aioredis.Redis) -> None:
    publisher = Publisher(redis, 100)
    await publisher.publish(LOG[:2])
    before = await state(redis, "{p*")
    outcomes = await publisher.publish(LOG[3:])
    assert outcomes == [Outcome.BEHIND] * 2
    assert await state(redis, "{p*") == before
    assert await publisher.publish(LOG[2:]) == [Outcome.PUBLISHED] * 3


async def test_a_partition_that_is_behind_does_not_hold_up_another(redis: aioredis.Redis) -> None:
    publisher = Publisher(redis, 100)
    elsewhere = [entry(P + 1, 0, opened("else")), entry(P + 1, 1, message("else", 2, 1))]
    outcomes = await publisher.publish([LOG[2], *elsewhere])
    assert outcomes == [Outcome.BEHIND, Outcome.PUBLISHED, Outcome.PUBLISHED]
    assert [await publisher.position(partition) for partition in (P, P + 1)] == [-1, 1]


async def test_a_room_that_was_evicted_is_told_apart(redis: aioredis.Redis) -> None:
    publisher = Publisher(redis, 100)
    await publisher.publish(LOG[:3])
    await redis.delete(keys.room(P, ROOM), keys.log(P, ROOM))
    assert await publisher.publish(LOG[3:]) == [Outcome.PUBLISHED, Outcome.GAP]
    assert await publisher.position(P) == 3
    await publisher.publish(LOG)
    assert await publisher.position(P) == 4


async def test_the_view_steps_over_what_is_no_event(redis: aioredis.Redis) -> None:
    publisher = Publisher(redis, 100)
    odd = in_sequence([LOG[0], entry(P, 1, None), entry(P, 2, message(ROOM, 2, 1))])
    assert await publisher.publish(odd) == [Outcome.PUBLISHED, Outcome.REPEATED, Outcome.PUBLISHED]
    # It has no place among the events, so nothing is missing before it.
    assert await publisher.publish([entry(P, 9, None)]) == [Outcome.REPEATED]


@pytest.mark.parametrize("seed", range(10))
async def test_publishers_side_by_side_do_as_one(redis: aioredis.Redis, seed: int) -> None:
    """A worker that slept wakes up beside the one that took its place."""
    await Publisher(redis, 100).publish(LOG)
    alone = await state(redis)
    await redis.flushdb()
    pubsub = redis.pubsub(ignore_subscribe_messages=True)
    await pubsub.subscribe(keys.channel(P, ROOM))
    await pubsub.get_message(timeout=1)
    chance = random.Random(seed)

    async def publish(start: int) -> None:
        publisher = Publisher(redis, 100)
        while start < len(LOG):
            await asyncio.sleep(0)
            some: list[Entry] = LOG[start : start + chance.randint(1, 3)]
            if min(await publisher.publish(some)) >= 0:
                start += len(some)

    await asyncio.gather(publish(0), publish(0), publish(1))
    assert await state(redis) == alone
    heard = []
    while (told := await pubsub.get_message(timeout=0.1)) is not None:
        heard.append(int(told["data"].split()[1]))
    assert heard == [1, 2, 3, 4]
    await pubsub.aclose()


async def test_what_is_read_is_what_was_published(redis: aioredis.Redis) -> None:
    view = View(redis, PARTITIONS, partial=True)
    place = view.partition("room")
    log = [
        entry(place, 0, opened("room")),
        entry(place, 1, added("room", 2, "ben")),
        *(entry(place, offset, message("room", offset + 1, offset - 1)) for offset in range(2, 9)),
    ]
    await Publisher(redis, 100).publish(log)
    head = await view.room("room")
    assert head is not None
    assert (head.n, head.seq, head.pos, head.type) == (9, 7, 8, "group")
    assert await view.members("room") == {"ann": "owner", "ben": "member"}
    assert (await view.joined("room", "ben"), await view.joined("room", "eve")) == (2, None)
    assert await view.rooms_of("ben") == {"room": 2}
    assert [logged.n for logged in await view.since("room", 6, 2)] == [7, 8]
    assert [logged.n for logged in await view.before("room", 6, 2)] == [6, 5]
    assert await view.newest("room", 2) == [log[-2].value, log[-1].value]
    assert await view.room("unknown") is None


def edited(n: int, seq: int, of: int, prev: int, text: str) -> MessageEdited:
    return MessageEdited(**STAMP, n=n, seq=seq, of=of, prev=prev, text=text)


STAMP = {"room": ROOM, "by": "ann", "at_ms": 9, "id": "i", "client_id": "c"}


async def test_a_deleted_messages_text_is_nowhere_in_the_view(redis: aioredis.Redis) -> None:
    place = View(redis, PARTITIONS).partition(ROOM)
    said = MessageCreated(**STAMP, n=2, seq=1, text="secret one")
    log = [
        opened(ROOM),
        said,
        edited(3, 1, 2, 0, "secret two"),
        edited(4, 1, 2, 3, "secret three"),
        MessageDeleted(**STAMP, n=5, seq=1, of=2, prev=4),
    ]
    publisher, view = Publisher(redis, 100), View(redis, PARTITIONS, partial=True)
    for offset, event in enumerate(log):
        await publisher.publish([entry(place, offset, event)])
        texts = b" ".join(await view.newest(ROOM, 9))
        assert (b"two" in texts) == (offset == 2)
        assert (b"three" in texts) == (offset == 3)
    everything = str(await state(redis))
    assert "secret" not in everything
    shown = decode_log((await view.newest(ROOM, 9))[1])
    assert isinstance(shown, MessageCreated)
    assert (shown.deleted, shown.text) == (True, "")


async def test_publishing_edits_in_one_batch_is_as_one_by_one(redis: aioredis.Redis) -> None:
    log = [
        entry(P, offset, event)
        for offset, event in enumerate(
            [
                opened(ROOM),
                MessageCreated(**STAMP, n=2, seq=1, text="one"),
                edited(3, 1, 2, 0, "two"),
                MessageCreated(**STAMP, n=4, seq=2, text="three"),
                MessageDeleted(**STAMP, n=5, seq=2, of=4),
            ]
        )
    ]
    assert await Publisher(redis, 100).publish(log) == [Outcome.PUBLISHED] * 5
    together = await state(redis)
    await redis.flushdb()
    for one in log:
        await Publisher(redis, 100).publish([one])
    assert await state(redis) == together


async def test_who_was_removed_stays_removed_when_the_log_is_published_again(
    redis: aioredis.Redis,
) -> None:
    view = View(redis, PARTITIONS, partial=True)
    place = view.partition(ROOM)
    removed = MemberRemoved(**STAMP, n=3, user="ben")
    log = [
        entry(place, offset, event)
        for offset, event in enumerate([opened(ROOM), added(ROOM, 2, "ben"), removed])
    ]
    await Publisher(redis, 100).publish(log)
    await redis.delete(keys.room(place, ROOM), keys.position(place))
    for one in log:
        await Publisher(redis, 100).publish([one])
        assert await view.rooms_of("ben") == {}
    assert await view.members(ROOM) == {"ann": "owner"}


async def test_a_new_role_keeps_the_place_of_joining(redis: aioredis.Redis) -> None:
    view = View(redis, PARTITIONS, partial=True)
    place = view.partition(ROOM)
    role = MemberRole(**STAMP, n=3, user="ben", role="owner")
    log = [opened(ROOM), added(ROOM, 2, "ben"), role]
    await Publisher(redis, 100).publish([entry(place, i, event) for i, event in enumerate(log)])
    assert await view.members(ROOM) == {"ann": "admin", "ben": "owner"}
    assert await view.joined(ROOM, "ben") == 2


async def window_of(redis: aioredis.Redis, room: str = ROOM) -> dict[int, int]:
    """The size of each event in the room's window."""
    found = await redis.hgetall(keys.log(P, room))
    return {int(n): len(value) for n, value in found.items()}


async def noted_window(redis: aioredis.Redis, room: str = ROOM) -> tuple[int, int] | None:
    """The lowest `n` of the window and its extra places, as the room's head has them."""
    low, extra = await redis.hmget(keys.room(P, room), "low", "extra")
    return None if low is None else (int(low), int(extra))


def weighed(window: dict[int, int], unit: float) -> tuple[int, int] | None:
    """The same as counted from the window."""
    extra = sum(max(0, math.ceil(size / unit) - 1) for size in window.values())
    return (min(window), extra) if extra else None


def large(n: int, size: int) -> Entry:
    said = message(ROOM, n, n - 1)
    return entry(P, n - 1, replace(said, text="x" * size))


async def test_a_window_has_no_more_bytes_than_its_budget(redis: aioredis.Redis) -> None:
    publisher = Publisher(redis, 100, 100_000)
    await publisher.publish([entry(P, 0, opened(ROOM))])
    for n in range(2, 400):
        sizes = (1, 10, 100, 2_000, 12_000, 120_000) if n < 150 else (1, 10)
        await publisher.publish([large(n, random.choice(sizes))])
        window = await window_of(redis)
        assert sum(window.values()) <= 100_000 or len(window) == 1
        assert len(window) <= 100
        # The newest events, without a gap, and what the room's head says of them.
        assert sorted(window) == list(range(min(window), n + 1))
        assert await noted_window(redis) == weighed(window, 1_000)
    assert len(window) == 100, "with small events alone the window is whole again"
    assert await noted_window(redis) is None


async def test_a_window_of_small_events_has_as_many_as_ever(redis: aioredis.Redis) -> None:
    publisher = Publisher(redis, 10, 100_000)
    await publisher.publish([entry(P, 0, opened(ROOM)), *(large(n, 500) for n in range(2, 60))])
    assert sorted(await window_of(redis)) == list(range(50, 60))
    assert await noted_window(redis) is None


async def test_edits_and_erasures_change_the_places_that_count(redis: aioredis.Redis) -> None:
    publisher = Publisher(redis, 100, 100_000)
    await publisher.publish([entry(P, 0, opened(ROOM)), *(large(n, 500) for n in range(2, 10))])
    edited = MessageEdited(
        room=ROOM, n=10, by="ann", at_ms=1, id="i", client_id="d", seq=3, of=4, text="y" * 9_000
    )
    await publisher.publish([entry(P, 9, edited)])
    noted = await noted_window(redis)
    assert noted == weighed(await window_of(redis), 1_000)
    assert noted is not None
    await ViewErasures(redis).replace(P, ROOM, {4: b"{}", 5: b"", 10: b"{}"})
    # With a later event it is noticed that there are no large ones any more.
    await publisher.publish([large(n, 5) for n in range(11, 101)])
    assert await noted_window(redis) is None


async def test_a_room_of_an_earlier_release_gets_a_budget_with_its_next_large_event(
    redis: aioredis.Redis,
) -> None:
    before = Publisher(redis, 1_000, 1_000_000_000)
    await before.publish([entry(P, 0, opened(ROOM)), *(large(n, 900) for n in range(2, 60))])
    # Of a room with a long past, too, whose window begins far from its first event.
    await redis.hdel(keys.log(P, ROOM), *range(1, 20))
    assert await noted_window(redis) is None
    await Publisher(redis, 1_000, 10_000).publish([large(60, 900)])
    window = await window_of(redis)
    assert max(window) == 60
    assert sum(window.values()) <= 10_000
    assert await noted_window(redis) == weighed(window, 10)
