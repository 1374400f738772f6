"""fan_out: `chat.log` → the view in Valkey, to which edges subscribe.

Publishing is in order, atomic and idempotent (app/delivery/publisher.py). Where the view is behind
the log, because Valkey was restarted or emptied, the log is published again from there: the view
can always be derived from the log.
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
from app.delivery.refill import Place, entry_of, in_sequence, refill
from app.delivery.valkey import connect
from app.kafka.log_positions import last_position
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
#: The position of each partition's view at the last `watch`.
_stood: dict[int, int] = {}
#: Records that are not the next event of their room, as far as they have been read.
_unfit: Unpublishable = {}
#: Partitions whose view was incomplete: the token of its refill, and the log's end after that.
_refills: dict[int, tuple[bytes, int]] = {}
#: By partition: an end of the log as an offset, and the last `pos` before it.
_ends: dict[int, tuple[int, int]] = {}


@cache
def publisher() -> Publisher:
    """Writes the view; connects with the first command."""
    return Publisher(connect(settings.redis), settings.window)


@app.agent(raw_topic(app, LOG))
async def fan_out(stream: Any) -> None:
    """Publish the log in its order, and whatever the view lacks."""
    async for batch in batches(stream):
        # Grouped by partition; the sort is stable and keeps the order of each.
        records = sorted(batch.records, key=_partition)
        entries = [
            entry
            for _, of_one in groupby(records, key=_partition)
            for entry in in_sequence(entry_of(record, settings.partitions) for record in of_one)
        ]
        failed = await retry_while_away("Valkey", publish_all, entries)
        for record in records if failed or _unfit else ():
            place = (record.partition, record.offset)
            if reason := _unfit.get(place) or failed.get(place):
                batch.dead_letter(record, reason)


@app.timer(interval=1.0)  # type: ignore[untyped-decorator]
async def watch() -> None:
    """Fill a view that was emptied while no message came, which no record would show."""
    with health_probe("Valkey", app.conf.id, "fan_out"):
        mine = [place for place in app.consumer.assignment() if place.topic == LOG]
        ends = await app.consumer.highwaters(*mine) if mine else {}
        for place, end in ends.items():
            if not await publisher().whole(place.partition):
                await _mark_complete(place)
            await _fill_if_stuck(place.partition, end)


async def _mark_complete(place: TP) -> None:
    """Let the view be read again once it has reached the end that the log had at its refill.

    While messages keep coming the view is never at the present end.
    """
    partition = place.partition
    token = await publisher().filling(partition)
    if partition not in _refills or _refills[partition][0] != token:
        _refills[partition] = token, await _last_pos(partition) + 1
    await publisher().note_whole(partition, _refills[partition][1], token)


async def _fill_if_stuck(partition: int, end: int) -> None:
    stands = await publisher().position(partition)
    if _stood.get(partition) != stands:
        _stood[partition] = stands
        return
    if partition not in _ends or _ends[partition][0] != end:
        _ends[partition] = end, await _last_pos(partition)
    last = _ends[partition][1]
    if stands < last:
        await fill(partition, stands + 1)
    elif stands > last and stands > await _last_pos(partition):
        log.error("the view is ahead of the log, which has lost its end", partition=partition)
        await publisher().drop(partition)
        await fill(partition, 0)


async def _last_pos(partition: int) -> int:
    async with PartitionReader(settings) as reader:
        return (await last_position(reader, partition)).pos


async def publish_all(entries: Sequence[Entry]) -> Unpublishable:
    """Publish entries, and first whatever the view of their partition lacks before them.

    Returns the entries that the publisher fails on; unfit records are added to `_unfit`.
    """
    if _unfit:
        entries = [fit(entry, _unfit) for entry in entries]
    outcomes, failed = await publish_isolating(publisher(), entries)
    if min(outcomes) >= Outcome.REPEATED:
        return failed
    by_entry = zip(entries, outcomes, strict=True)
    for partition, pairs in groupby(by_entry, key=lambda pair: pair[0].partition):
        found = {outcome for _, outcome in pairs}
        if min(found) < Outcome.REPEATED:
            anew = found & {Outcome.GAP, Outcome.STALE}
            start = 0 if anew else 1 + await publisher().position(partition)
            await fill(partition, start)
    return failed


async def fill(partition: int, start: int) -> None:
    """Publish a partition of the log again, from `pos` `start` to its end."""
    log.warning("the view is behind the log", partition=partition, start=start)
    async with PartitionReader(settings) as reader:
        erased = await read_erasures(settings, reader)
        place = Place(partition, settings.partitions)
        _unfit.update(await refill(reader, publisher(), place, start, erased=erased))
