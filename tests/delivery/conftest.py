"""A small log to publish, and an empty Valkey to publish it into."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis import asyncio as aioredis

from app.delivery.publish_calls import NO_POSITION, Entry
from app.delivery.publisher import Publisher
from app.delivery.valkey import connect
from app.embedded.valkey import Valkey
from app.events import AnyLogEvent, MemberAdded, MessageCreated, Position, RoomCreated, encode

PARTITIONS = 8


@pytest.fixture
async def redis(apart: Valkey) -> AsyncIterator[aioredis.Redis]:
    """An empty Valkey."""
    client = connect(apart.url)
    await client.flushdb()
    yield client
    await client.aclose()


async def noted(publisher: Publisher, partition: int, end: int) -> bool:
    """Whether the partition's view is noted to be whole, where the log ends there."""
    return await publisher.note_whole(partition, end, await publisher.filling(partition))


def entry(partition: int, offset: int, event: AnyLogEvent | None) -> Entry:
    """A record of `chat.log` with the event."""
    position = Position(0, offset) if event else NO_POSITION
    value = encode(event) if event else b"?"
    return Entry(partition, offset, position, offset - 1, value, event, "")


def opened(room: str, by: str = "ann") -> RoomCreated:
    """A room's first event."""
    return RoomCreated(
        room=room, n=1, by=by, at_ms=1, id="i", client_id="c", type="group", name=room
    )


def added(room: str, n: int, user: str) -> MemberAdded:
    """Somebody joins."""
    return MemberAdded(
        room=room, n=n, by="ann", at_ms=1, id="i", client_id="c", user=user, role="member"
    )


def message(room: str, n: int, seq: int) -> MessageCreated:
    """Somebody says their number."""
    return MessageCreated(
        room=room, n=n, by="ann", at_ms=1, id="i", client_id="c", seq=seq, text=f"{n}"
    )
