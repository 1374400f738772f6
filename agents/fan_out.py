"""fan_out: `chat.log` → the view in Valkey, to which edges subscribe.

Publishing is in order, atomic and idempotent (app/delivery/publisher.py). Where the view is behind
the log, because Valkey was restarted or emptied, the log is published again from there: the view
can always be derived from the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import Any

import structlog
from aiokafka.errors import KafkaError
from faust.types import TP

from app.delivery.publish_calls import Entry
from app.delivery.publish_isolation import Unpublishable, fit, publish_isolating
from app.delivery.publisher import Outcome, Publisher
from app.delivery.refill import Place, entry_of, in_sequence, refill
from app.delivery.refills import Refills
from app.delivery.valkey import connect
from app.deployment.followed import followed_deployment
from app.deployment.log_reader import LogReader
from app.errors import Unreachable
from app.kafka.log_positions import last_position
from app.kafka.record import record_of
from app.privacy.erasure_topic import read_erasures
from app.runtime.heartbeat import GROUP
from app.runtime.retry import health_probe, retry_while_away
from app.stream.batch import Batch
from app.stream.batch_loop import batches
from app.stream.consumer_groups import group, raw_topic
from app.stream.groups import FAN_OUT
from app.topics import LOG
from app.tracing.tracing import Span

app = group(FAN_OUT)
settings = app.context.settings
publishes = app.context.metrics.publishes
tracing = app.context.tracing
log = structlog.get_logger()
_partition = attrgetter("partition")
#: Seconds that a batch waits for a refill.
_REFILL_SECONDS = 5.0
#: The most positions that a last pass may be behind: a batch waits for it, so it has to be short.
_LAST_PASS = 500
#: The most records of earlier batches that become dead letters with one.
_LATE_RECORDS = 100
#: The position of each partition's view at the last `watch`.
_stood: dict[int, int] = {}
#: Records that are not the next event of their room, as far as they have been read.
_unfit: Unpublishable = {}
#: Those of them that are not in `chat.dead` yet, as far as this process knows.
_untold: set[tuple[int, int]] = set()
#: Partitions whose view was incomplete: the token of its refill, and the log's end after that.
_refills: dict[int, tuple[bytes, int]] = {}
#: By partition: the last `pos` of an entry that came while a refill was under way.
_left_to_refill: dict[int, int] = {}
#: Partitions whose refill is in its last pass: nothing more is left to it.
_last_passes: set[int] = set()
#: By partition: an end of the log as an offset, and the last `pos` before it.
_ends: dict[int, tuple[int, int]] = {}


@cache
def publisher() -> Publisher:
    """Writes the view; connects with the first command."""
    return Publisher(connect(settings.redis), settings.window, settings.window_bytes)


@cache
def refills() -> Refills:
    """The refills under way."""
    return Refills(_fill_to_end, app.context.metrics.refills)


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
        entries, spans = _traced(entries)
        failed = await retry_while_away("Valkey", publish_all, entries)
        for span in spans:
            span.end()
        for record in records if failed or _unfit else ():
            place = (record.partition, record.offset)
            if reason := _unfit.get(place) or failed.get(place):
                batch.dead_letter(record, reason)
            _untold.discard(place)
        if _untold:
            await _tell_late(batch)


def _traced(entries: list[Entry]) -> tuple[list[Entry], list[Span]]:
    """The entries, traced ones with the span of this stage, and these spans."""
    spans: list[Span] = []
    for index, entry in enumerate(entries):
        if entry.trace is not None:
            span = tracing.after("fan_out", entry.trace)
            entries[index] = entry._replace(trace=None if span is None else span.place)
            if span is not None:
                span.note(parley_partition=entry.partition, parley_pos=entry.position.pos)
                spans.append(span)
    return entries, spans


async def _tell_late(batch: Batch) -> None:
    """Make dead letters of unfit records that a refill has found after their batches.

    A record that is told twice is in `chat.dead` once: its place is the key.
    """
    try:
        async with LogReader(settings) as reader:
            for partition, offset in sorted(_untold)[:_LATE_RECORDS]:
                record = await reader.first(LOG, partition, offset)
                if record is not None and record.offset == offset:
                    batch.dead_letter(record_of(record), _unfit[partition, offset])
                _untold.discard((partition, offset))
    except (Unreachable, KafkaError) as error:
        log.warning("unfit records are told later", why=str(error))


@app.timer(interval=1.0)  # type: ignore[untyped-decorator]
async def watch() -> None:
    """Fill a view that was emptied while no message came, which no record would show."""
    GROUP.set(app.conf.id)  # the group that is shown as waiting
    refills().raise_failed()
    consumer: Any = app.consumer
    mine = [place for place in consumer.assignment() if place.topic == LOG]
    try:
        ends = await consumer.ends(mine)
    except Unreachable as error:
        log.warning("the view is not looked at", error=str(error))
        return
    with health_probe("Valkey", app.conf.id, "fan_out"):
        deployment = (await followed_deployment(settings)).now
        await publisher().belong_to(deployment.id)
        for place, end in ends.items():
            if refills().under_way(place.partition):
                continue
            begun = deployment.epoch(place.partition)
            stale = begun and await publisher().epoch(place.partition) < begun
            if stale and not await _goes_on(place.partition):
                refills().begin(place.partition, 0)
                continue
            if any(partition == place.partition for partition, _ in _untold):
                consumer.wake(place)  # for a batch that tells of them
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
        refills().begin(partition, stands + 1)
    elif stands > last and stands > await _last_pos(partition):
        log.error("the view is ahead of the log, which has lost its end", partition=partition)
        await publisher().drop(partition)
        refills().begin(partition, 0)


async def _last_pos(partition: int) -> int:
    async with LogReader(settings) as reader:
        return (await last_position(reader, partition)).pos


async def publish_all(entries: Sequence[Entry]) -> Unpublishable:
    """Publish entries, and first whatever the view of their partition lacks before them.

    Returns the entries that the publisher fails on; unfit records are added to `_unfit`. A refill
    that takes long goes on by itself, and has the later entries of its partition as well: they are
    in the log, and other partitions don't wait for them.
    """
    await _last_passes_over({entry.partition for entry in entries})
    refills().raise_failed()
    filled = {place for place in set(map(_partition, entries)) if refills().under_way(place)}
    if filled:
        for entry in entries:
            if entry.partition in filled:
                known = _left_to_refill.get(entry.partition, -1)
                _left_to_refill[entry.partition] = max(known, entry.position.pos)
        entries = [entry for entry in entries if entry.partition not in filled]
    if not entries:
        return {}
    if _unfit:
        entries = [fit(entry, _unfit) for entry in entries]
    outcomes, failed = await publish_isolating(publisher(), entries)
    _count(outcomes)
    if min(outcomes) >= Outcome.REPEATED:
        return failed
    begun: set[asyncio.Task[None]] = set()
    by_entry = zip(entries, outcomes, strict=True)
    for partition, pairs in groupby(by_entry, key=lambda pair: pair[0].partition):
        found = {outcome for _, outcome in pairs}
        if min(found) < Outcome.REPEATED:
            stale = Outcome.STALE in found and not await _goes_on(partition)
            anew = stale or Outcome.GAP in found
            start = 0 if anew else 1 + await publisher().position(partition)
            begun.add(refills().begin(partition, start))
    if begun:
        await asyncio.wait(begun, timeout=_REFILL_SECONDS)
        refills().raise_failed()
    return failed


async def _goes_on(partition: int) -> bool:
    """Whether the view goes on in the log's present epoch, with which the log has lost nothing."""
    deployment = (await followed_deployment(settings)).now
    one = deployment.taken_over(partition, settings.region)
    return one is not None and await publisher().go_on(partition, one.epoch, one.start)


def _count(outcomes: Sequence[Outcome]) -> None:
    published = outcomes.count(Outcome.PUBLISHED)
    publishes.add("published", times=published)
    if published < len(outcomes):
        for outcome in outcomes:
            if outcome is not Outcome.PUBLISHED:
                publishes.add(outcome.name.lower())


async def _last_passes_over(partitions: set[int]) -> None:
    """Wait for refills that are nearly at the end.

    A refill that was left every new entry would never end while entries keep coming, and each would
    wait for a pass of it.
    """
    for partition in partitions & _last_passes:
        if refills().under_way(partition):
            # Begins nothing while one is under way.
            await asyncio.wait([refills().begin(partition, 0)])


async def _fill_to_end(partition: int, start: int) -> None:
    """Refill until the view stands at the log's end, where the agent takes over again."""
    try:
        while True:
            end = await retry_while_away("Valkey", fill, partition, start)
            stands = await retry_while_away("Valkey", publisher().position, partition)
            begun, start = start, 1 + stands
            # The agent has left entries to this refill, up to its last moment. A view that makes no
            # progress is found by `watch`.
            end = max(end, 1 + _left_to_refill.pop(partition, -1))
            if start >= end or start == begun:
                return
            if end - start <= _LAST_PASS:
                _last_passes.add(partition)
    finally:
        _last_passes.discard(partition)


async def fill(partition: int, start: int) -> int:
    """Publish a partition of the log again, from `pos` `start`; the `pos` after the end of now."""
    log.warning("the view is behind the log", partition=partition, start=start)
    async with LogReader(settings) as reader:
        erased = await read_erasures(settings, reader)
        place = Place(partition, settings.partitions)
        unfit = await refill(reader, publisher(), place, start, erased=erased)
        if new := unfit.keys() - _unfit.keys():
            log.error("records are not the next of their room", places=sorted(new)[:100])
            _untold.update(new)
        _unfit.update(unfit)
        return (await last_position(reader, partition)).pos + 1
