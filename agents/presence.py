"""presence: `chat.connections` → the presence of users, in Valkey."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from app.delivery.presence import Presences
from app.delivery.valkey import connect
from app.domain.presence import Presence, after
from app.errors import Malformed
from app.events import Connection, decode_connection
from app.kafka.record import Record
from app.runtime.retry import health_probe, retry_while_away
from app.stream.batch_loop import batches
from app.stream.consumer_groups import group, raw_topic
from app.stream.groups import PRESENCE
from app.topics import CONNECTIONS, wrong_partition
from tables.presence import presence as known

app = group(PRESENCE)
settings = app.context.settings


@cache
def presences() -> Presences:
    """Presence in Valkey; connects with the first command."""
    return Presences(connect(settings.redis))


@app.agent(raw_topic(app, CONNECTIONS))
async def presence(stream: Any) -> None:
    """Follow the streams of each user; only the last state of a batch goes to Valkey."""
    async for batch in batches(stream, (known,)):
        changed: dict[str, Presence] = {}
        batch.each(decode_connection, partial(_follow, changed))
        if changed:
            await retry_while_away("Valkey", presences().keep, changed)


def _follow(changed: dict[str, Presence], record: Record, event: Connection) -> None:
    if wrong := wrong_partition(event.user, record.partition, settings.partitions):
        raise Malformed(wrong)
    if event.transport != "sse":
        return  # a poll opens and closes with every response
    before = known.read(record.partition, event.user)
    now = after(before, event.what, event.connection, event.edge, event.at_ms)
    known.write(record.partition, event.user, now, record.offset)
    changed[event.user] = now


@app.timer(interval=2.0)  # type: ignore[untyped-decorator]
async def watch() -> None:
    """Restore presence where Valkey has lost it."""
    with health_probe("Valkey", app.conf.id, "presence"):
        for place in app.consumer.assignment():
            if place.topic == CONNECTIONS and not await presences().filled(place.partition):
                await _fill(place.partition)


async def _fill(partition: int) -> None:
    # While partitions move, the table may be partly recovered.
    if not app.in_recovery and app.flow_control.is_active():
        if kept := dict(known.stored(partition)):
            await presences().keep(kept)
        await presences().note_filled(partition)
