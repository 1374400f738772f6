"""fan_out: `chat.log` → Valkey, where the edges listen.

Publishing is in order, atomic and repeatable (app/delivery/publisher.py). Where Valkey stands
behind, because it was restarted or emptied, the log is read again from there: the view is nothing
but the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import Any

import structlog
from faust.types import TP

from app.delivery.publish_calls import Entry
from app.delivery.publish_isolation import Unpublishable, fit, publish_isolating
from app.delivery.publisher import Outcome, Publisher
from app.delivery.refill import Place, entry_of, refill
from app.delivery.valkey import connect
from app.kafka.partition_reader import PartitionReader
from app.privacy.erasure_topic import read_erasures
from app.runtime.retry import health_probe, retry_while_away
from app.stream.batch_loop import batches
from app.stream.consumer_groups import group, raw_topic
from app.stream.groups import FAN_OUT
from app.topics import LOG

app = group(FAN_OUT)
settings = app.context.settings
log = structlog.get_logger()
_partition = attrgetter("partition")
#: Partitions whose view was behind the log when `watch` looked last, and where it stood.
_behind: dict[int, int] = {}
#: Records that are no steps of their rooms, as far as a reading has come upon them.
_no_steps: Unpublishable = {}
#: Of partitions whose view was not whole: the sign of its filling, and the log's end after that.
_due: dict[int, tuple[bytes, int]] = {}


@cache
def publisher() -> Publisher:
    """The view in Valkey, connected with the first command."""
    return Publisher(connect(settings.redis), settings.window)


@app.agent(raw_topic(app, LOG))
async def fan_out(stream: Any) -> None:
    """Publishes the log, in its order, and fills what Valkey lacks."""
    async for batch in batches(stream):
        # By partition; a sort leaves what is of one in its order.
        records = sorted(batch.records, key=_partition)
        entries = [entry_of(record, settings.partitions) for record in records]
        failed = await retry_while_away("Valkey", publish_all, entries)
        for record in records if failed or _no_steps else ():
            place = (record.partition, record.offset)
            if reason := _no_steps.get(place) or failed.get(place):
                batch.dead_letter(record, reason)


@app.timer(interval=1.0)  # type: ignore[untyped-decorator]
async def watch() -> None:
    """Fill Valkey where it was emptied while nobody wrote: no record would tell."""
    with health_probe("Valkey", app.conf.id, "fan_out"):
        mine = [place for place in app.consumer.assignment() if place.topic == LOG]
        ends = await app.consumer.highwaters(*mine) if mine else {}
        for place, end in ends.items():
            if not await publisher().whole(place.partition):
                await _note_whole(place)
            await _look_after(place.partition, end)


async def _note_whole(place: TP) -> None:
    """Have the view read again, if it stands where the log ended after it was last emptied.

    Where messages come all the time it is never at their end.
    """
    partition = place.partition
    sign = await publisher().filling(partition)
    if partition not in _due or _due[partition][0] != sign:
        _due[partition] = sign, (await app.consumer.highwaters(place))[place]
    await publisher().note_whole(partition, _due[partition][1], sign)


async def _look_after(partition: int, end: int) -> None:
    stands = await publisher().position(partition)
    if stands + 1 >= end:
        _behind.pop(partition, None)
    elif _behind.get(partition) == stands:
        await fill(partition, stands + 1)
    else:
        _behind[partition] = stands


async def publish_all(entries: Sequence[Entry]) -> Unpublishable:
    """Publish entries, and of each partition first what Valkey lacks before them.

    Returns what the publisher fails on; what is no step of its room is noted in `_no_steps`.
    """
    if _no_steps:
        entries = [fit(entry, _no_steps) for entry in entries]
    outcomes, failed = await publish_isolating(publisher(), entries)
    if min(outcomes) >= Outcome.REPEATED:
        return failed
    told = zip(entries, outcomes, strict=True)
    for partition, pairs in groupby(told, key=lambda pair: pair[0].partition):
        found = {outcome for _, outcome in pairs}
        if min(found) < Outcome.REPEATED:
            start = 0 if Outcome.GAP in found else 1 + await publisher().position(partition)
            await fill(partition, start)
    return failed


async def fill(partition: int, start: int) -> None:
    """Publish a partition of the log again, from `start` to its end."""
    log.warning("Valkey stands behind the log", partition=partition, start=start)
    async with PartitionReader(settings) as reader:
        forgotten = await read_erasures(settings, reader)
        place = Place(partition, settings.partitions)
        _no_steps.update(await refill(reader, publisher(), place, start, forgotten=forgotten))
