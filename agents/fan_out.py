"""fan_out: `chat.log` → Valkey, where the edges listen.

Publishing is in order, atomic and repeatable (app/delivery/publisher.py). Where Valkey stands
behind, because it was restarted or emptied, the log is read again from there: the view is nothing
but the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import structlog

from app.delivery.publisher import Entry, Outcome, Publisher
from app.delivery.valkey import connect
from app.errors import Malformed
from app.events import EDGE, decode_log
from app.groups import group, raw_topic
from app.log_reader import LogReader
from app.loop import Batch, batches
from app.patience import AWAY, patiently
from app.settings import Settings
from app.topics import LOG

app = group("fan_out", strict=True)
settings = Settings.read()
log = structlog.get_logger()
publisher = Publisher(connect(settings.redis), settings.window)
#: Partitions whose view was behind the log when `watch` looked last, and where it stood.
_behind: dict[int, int] = {}

#: Entries in one round trip to Valkey while the log is read again.
_CHUNK = 500


@app.agent(raw_topic(app, LOG))
async def fan_out(stream: Any) -> None:
    """Publishes the log, in its order, and fills what Valkey lacks."""
    async for batch in batches(stream):
        for entries in _by_partition(batch):
            await patiently("Valkey", publish_all, entries)


@app.timer(interval=2.0)  # type: ignore[untyped-decorator]
async def watch() -> None:
    """Fill Valkey where it was emptied while nobody wrote: no record would tell."""
    with suppress(*AWAY):
        mine = [place for place in app.consumer.assignment() if place.topic == LOG]
        ends = await app.consumer.highwaters(*mine) if mine else {}
        for place, end in ends.items():
            stands = await publisher.position(place.partition)
            if stands + 1 >= end:
                _behind.pop(place.partition, None)
            elif _behind.get(place.partition) == stands:
                await refill(place.partition, stands + 1)
            else:
                _behind[place.partition] = stands


async def publish_all(entries: Sequence[Entry]) -> None:
    """Publish a partition's entries, after what Valkey lacks before them."""
    outcomes = await publisher.publish(entries)
    if min(outcomes) >= Outcome.REPEATED:
        return
    partition = entries[0].partition
    start = 0 if Outcome.GAP in outcomes else 1 + await publisher.position(partition)
    await refill(partition, start, entries[-1].offset + 1)


async def refill(partition: int, start: int, end: int | None = None) -> None:
    """Publish a partition of the log again, from `start` up to, without, `end`."""
    log.warning("Valkey stands behind the log", partition=partition, start=start)
    await publisher.lost(partition)
    chunk: list[Entry] = []
    async with LogReader(settings) as reader:
        async for record in reader.read(LOG, partition, start, end):
            chunk.append(entry_of(record, dict(record.headers)))
            if len(chunk) == _CHUNK:
                await publisher.publish(chunk)
                chunk.clear()
    if chunk:
        await publisher.publish(chunk)


def entry_of(record: Any, headers: dict[str, bytes]) -> Entry:
    """A record of `chat.log` as an entry to publish."""
    edge = headers.get(EDGE, b"").decode()
    try:
        event = decode_log(record.value)
    except Malformed as error:
        log.warning("not a log event", offset=record.offset, reason=str(error))
        event = None
    return Entry(record.partition, record.offset, record.value, event, edge)


def _by_partition(batch: Batch) -> list[list[Entry]]:
    entries: dict[int, list[Entry]] = {}
    for record in batch.records:
        entries.setdefault(record.partition, []).append(entry_of(record, record.headers))
    return list(entries.values())
