"""presence: `chat.connections` → the presence of users, in Valkey."""

from __future__ import annotations

from collections import defaultdict
from functools import cache, partial
from itertools import islice
from typing import Any, NamedTuple

from faust.types import TP
from msgspec.structs import replace

from app.delivery.applied import AppliedPositions, KnownPositions
from app.delivery.presence import Presences, position_keys
from app.delivery.refill_progress import CHUNK, Progress
from app.delivery.valkey import connect
from app.domain.presence import Presence, after, next_version
from app.errors import Malformed
from app.events import BY_EDGE, BY_USER, HOME, Connection, decode_connection
from app.kafka.log_positions import header_of
from app.kafka.record import Record
from app.runtime.retry import health_probe, retry_while_away
from app.stream.batch import Batch
from app.stream.batch_loop import batches
from app.stream.consumer_groups import bounds_of, group, is_settled, raw_topic
from app.stream.groups import PRESENCE
from app.topics import CONNECTIONS, wrong_partition
from tables.presence import presence as known

#: By partition: users whose presence a batch changes.
Changed = defaultdict[int, dict[str, Presence]]


class Said(NamedTuple):
    """What records of a batch say beside connections: edges that are alive, and who is away."""

    alive: set[str]
    away: dict[str, bool]


app = group(PRESENCE)
settings = app.context.settings


@cache
def presences() -> Presences:
    """Presence in Valkey; connects with the first command."""
    return Presences(connect(settings.redis), settings.partitions)


@cache
def applied() -> AppliedPositions:
    """The positions of `chat.connections` in Valkey."""
    return AppliedPositions(connect(settings.redis), position_keys)


positions = KnownPositions(bounds_of(app, CONNECTIONS))


@app.agent(raw_topic(app, CONNECTIONS))
async def presence(stream: Any) -> None:
    """Follow the streams of each user; only the last state of a batch goes to Valkey."""
    async for batch in batches(stream, (known,)):
        changed: Changed = defaultdict(dict)
        said = Said(set(), {})
        batch.each(decode_connection, partial(_follow, changed, said))
        await retry_while_away("Valkey", _apply, batch, changed, said)


def _follow(changed: Changed, said: Said, record: Record, event: Connection) -> None:
    if wrong := wrong_partition(event.user, record.partition, settings.partitions):
        raise Malformed(wrong)
    if event.transport == BY_EDGE and header_of(record, HOME) is not None:
        said.alive.add(event.edge)  # this region's own edges write that themselves
    elif event.transport == BY_USER:
        said.away[event.user] = event.what == "away"
    if event.transport != "sse":
        return  # a poll opens and closes with every response
    before = known.read(record.partition, event.user)
    consumer: Any = app.consumer
    end = consumer.end_at_fetch(TP(CONNECTIONS, record.partition))
    version = next_version(before, record.offset, end)
    if before is not None and version <= before.version:
        # The record came again, and Valkey may have lost the state.
        changed[record.partition][event.user] = before
        return
    now = after(before, event.what, event.connection, event.edge, event.at_ms)
    now = replace(now, version=version)
    known.write(record.partition, event.user, now, version)
    changed[record.partition][event.user] = now


async def _apply(batch: Batch, changed: Changed, said: Said) -> None:
    await presences().hear(said.alive, said.away)
    async with positions.lock:
        positions.begin(batch.generation)
        for place, upto in batch.last_offsets(CONNECTIONS).items():
            span = await positions.span(place, upto)
            await presences().apply(place, changed[place], span, upto)
            positions.note(place, upto)


@app.timer(interval=2.0)  # type: ignore[untyped-decorator]
async def watch() -> None:
    """Restore presence where Valkey has lost some."""
    with health_probe("Valkey", app.conf.id, "presence"):
        for place in app.consumer.assignment():
            if place.topic == CONNECTIONS and is_settled(app, app.consumer_generation_id):
                await _fill_if_lost(place.partition)


async def _fill_if_lost(partition: int) -> None:
    generation = app.consumer_generation_id
    async with positions.lock:
        positions.begin(generation)
        span = await positions.span(partition)
        standing = await applied().look(partition, span)
        if standing.complete:
            positions.note(partition, standing.position)
            return
        token = await applied().begin_filling(partition, span.low)
        positions.note(partition, span.low)
    # A Valkey that is ahead has versions that will be given out once more.
    if not await _fill(partition, generation, force=standing.position > span.high):
        return
    async with positions.lock:
        if is_settled(app, generation):
            await applied().note_filled(partition, await positions.span(partition), token)


async def _fill(partition: int, generation: int, *, force: bool) -> bool:
    """Whether all was restored: not while partitions move and the table is recovered."""
    progress = Progress("presence", partition)
    kept = known.stored(partition)
    while chunk := dict(islice(kept, CHUNK)):
        await presences().restore(partition, chunk, force=force)
        progress(len(chunk))
        if not is_settled(app, generation):
            return False
    progress.end()
    return True
