"""Retention costs as much as the window holds, however long the room has been there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as changed
from redis import asyncio as aioredis

from app.delivery import keys
from app.delivery.erasures import ViewErasures
from app.delivery.publisher import Publisher
from app.delivery.valkey import connect
from app.delivery.view import View
from app.embedded.valkey import Valkey
from app.events import encode
from app.history.entry import Entry
from app.history.store import History
from app.privacy.retention import sweep
from app.topics import partition_of
from tests.delivery.conftest import message, noted, opened

ROOM = "old"
PLACE = partition_of(ROOM, 8)

#: A room's last number after some years.
NEWEST = 5_000_000
DAY_MS = 24 * 60 * 60 * 1000


@pytest.fixture
async def redis(apart: Valkey) -> AsyncIterator[aioredis.Redis]:
    """A view with one room of very many events, of which the window has three."""
    client = connect(apart.url)
    await client.flushdb()
    publisher = Publisher(client, 1000)
    for partition in range(8):
        assert await noted(publisher, partition, 0)
    head: dict[str, Any] = {"n": NEWEST, "offset": NEWEST, "seq": NEWEST - 1, "last_by": "ann"}
    head |= {"type": "group", "name": ROOM, "settings": '{"retention_days":1}'}
    await client.hset(
        keys.room(PLACE, ROOM), items=[part for pair in head.items() for part in pair]
    )
    await client.hset(keys.rooms_of("ann"), ROOM, 1)
    for n, at_ms in ((NEWEST - 2, 1), (NEWEST - 1, 1), (NEWEST, 10 * DAY_MS)):
        event = encode(changed(message(ROOM, n, n - 1), at_ms=at_ms))
        await client.hset(keys.log(PLACE, ROOM), str(n), b"%d %b" % (n, event))
    yield client
    await client.aclose()


@asynccontextmanager
async def unblocked() -> AsyncIterator[None]:
    """Meanwhile the event loop never stands still for long: millions of keys take seconds."""
    longest = 0.0

    async def look() -> None:
        nonlocal longest
        while True:
            due = time.monotonic() + 0.01
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - due)

    looking = asyncio.create_task(look())
    yield
    looking.cancel()
    assert longest < 1.0


async def numbers(redis: aioredis.Redis) -> list[int]:
    view = View(redis, 8)
    return [one.n for one in await view.window(ROOM)]


async def test_the_window_of_an_old_room_is_read_by_what_it_holds(redis: aioredis.Redis) -> None:
    async with unblocked():
        assert await numbers(redis) == [NEWEST - 2, NEWEST - 1, NEWEST]


async def test_retention_of_an_old_room_blocks_nothing(
    redis: aioredis.Redis, tmp_path: Path
) -> None:
    history = History(f"sqlite:///{tmp_path}/history.db")
    await history.open()
    await history.append([Entry.of(opened(ROOM), encode(opened(ROOM)))])
    async with unblocked():
        await sweep(history, View(redis, 8), ViewErasures(redis), {PLACE}, 10 * DAY_MS)
    assert await numbers(redis) == [NEWEST]
    await history.close()
