"""The floor: the same three stages as anybody would write them with Faust's manual open.

Typed records, `@app.agent`, a table for the rooms' numbers, a publish in Valkey for each message:
no batches, no care for loss, and no answers, roles, windows or history either.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import faust
from redis import asyncio as aioredis

broker, redis_url, folder, prefix = sys.argv[1:5]

app = faust.App(
    f"naive-{prefix}",
    broker=broker,
    store="rocksdb://",
    datadir=folder,
    web_enabled=False,
    topic_partitions=8,
    topic_disable_leader=True,
    stream_recovery_delay=0.0,
)


class Command(faust.Record, serializer="json"):
    """A message to be sent."""

    kind: str
    room: str
    by: str
    id: str
    client_id: str
    edge: str
    text: str


class Event(faust.Record, serializer="json"):
    """A message with its number."""

    room: str
    n: int
    by: str
    id: str
    text: str


raw = app.topic(f"{prefix}.raw", value_type=Command)
moderated = app.topic(f"{prefix}.moderated", value_type=Command)
logged = app.topic(f"{prefix}.log", value_type=Event)
heads = app.Table("heads", default=int)
redis: Any = aioredis.from_url(redis_url)


@app.agent(raw)
async def moderation(commands: Any) -> None:
    """Pass on messages that have a text."""
    async for command in commands:
        if command.text.strip():
            await moderated.send(key=command.room, value=command)


@app.agent(moderated)
async def rooms(commands: Any) -> None:
    """Gives each its number."""
    async for command in commands:
        heads[command.room] += 1
        event = Event(
            room=command.room,
            n=heads[command.room],
            by=command.by,
            id=command.id,
            text=command.text,
        )
        await logged.send(key=command.room, value=event)


@app.agent(logged)
async def fan_out(events: Any) -> None:
    """Publishes it."""
    async for event in events:
        await redis.publish(f"naive:{event.room}", event.dumps())


async def _main() -> None:
    await app.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(_main())
    finally:
        os._exit(0)
