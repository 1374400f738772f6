"""Words are erased from the view at once, and nothing else changes with them."""

from __future__ import annotations

from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.erasures import Notice, ViewErasures, decode_notice
from app.delivery.publisher import Publisher
from app.delivery.view import View
from tests.delivery.conftest import PARTITIONS, entry, message, opened


async def published(redis: aioredis.Redis) -> tuple[View, int]:
    view = View(redis, PARTITIONS, partial=True)
    place = view.partition("r")
    log = [entry(place, 0, opened("r"))]
    log += [entry(place, n - 1, message("r", n, n - 1)) for n in (2, 3)]
    await Publisher(redis, 100).publish(log)
    return view, place


async def test_an_event_that_was_trimmed_meanwhile_is_not_put_back(redis: aioredis.Redis) -> None:
    view, place = await published(redis)
    await redis.hdel(keys.log(place, "r"), "2")
    assert await ViewErasures(redis).replace(place, "r", {2: b"{}", 3: b"[]"}) == 1
    assert [(one.n, one.pos, one.event) for one in (await view.window("r"))[1:]] == [(3, 2, b"[]")]


async def test_events_are_dropped_with_the_last_message_of_the_list(redis: aioredis.Redis) -> None:
    view, place = await published(redis)
    head = await view.room("r")
    assert head is not None
    assert head.last_text == "3"
    await ViewErasures(redis).replace(place, "r", {2: b"", 3: b""}, head.seq)
    assert [one.n for one in await view.window("r")] == [1]
    head = await view.room("r")
    assert head is not None
    assert (head.n, head.seq, head.last_by, head.last_text) == (3, 2, "", "")


async def test_a_newer_last_message_keeps_its_words(redis: aioredis.Redis) -> None:
    view, place = await published(redis)
    await ViewErasures(redis).replace(place, "r", {}, last_seq=1)
    head = await view.room("r")
    assert head is not None
    assert (head.last_by, head.last_text) == ("ann", "3")


async def test_notices_are_counted_and_come_in_their_order(redis: aioredis.Redis) -> None:
    heard = redis.pubsub(ignore_subscribe_messages=True)
    await heard.subscribe(keys.erasures())
    await heard.get_message(timeout=5)
    erasures = ViewErasures(redis)
    for room in ("a", "b"):
        await erasures.tell_edges(Notice(room=room, before_ms=7))
    told = [await heard.get_message(timeout=5) for _ in range(2)]
    notices = [decode_notice(one["data"]) for one in told if one is not None]
    assert [(one.number, one.room) for one in notices] == [(1, "a"), (2, "b")]
    await heard.aclose()
