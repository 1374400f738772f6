"""receipts: `chat.receipts` → the read mark of each member, which never goes back.

The table is the truth. Valkey has a copy for readers, and the members of a room get an event: a few
times a second at most, however many of them read at once.

A mark has the epoch in which its message had that number. Where the log has lost messages since,
what is left of the mark counts: see app/deployment/room_ends.py.
"""

from __future__ import annotations

from functools import cache, partial
from itertools import count, islice
from typing import Any

import structlog
from redis import asyncio as aioredis

from app.delivery.applied import AppliedPositions, KnownPositions, Span
from app.delivery.publisher import Publisher
from app.delivery.read_marks import ReadMarks, StaleEpoch, position_keys
from app.delivery.refill_progress import CHUNK, Progress
from app.delivery.valkey import connect
from app.deployment.room_ends import RoomEnds
from app.domain.receipts import Read, advance, depends
from app.domain.versioned_value import version_of
from app.errors import Malformed
from app.events import Receipt, Verdict, decode_receipt
from app.kafka.record import Record
from app.runtime.retry import health_probe, retry_while_away
from app.stream import groups
from app.stream.batch import Batch
from app.stream.batch_loop import batches
from app.stream.consumer_groups import bounds_of, group, is_settled, raw_topic
from app.topics import RECEIPTS, partition_of, wrong_partition
from tables.receipts import receipts as marks

app = group(groups.RECEIPTS)
settings = app.context.settings

#: Seconds between two `receipts` events of a room.
TELL_EVERY = 0.25

#: Beyond every epoch.
MAX_EPOCH = 1 << 32

log = structlog.get_logger()
_unpublished: dict[str, dict[str, int]] = {}


@cache
def redis() -> aioredis.Redis:
    """Valkey; connects with the first command."""
    return connect(settings.redis)


@cache
def read_marks() -> ReadMarks:
    """The read marks in Valkey."""
    return ReadMarks(redis(), settings.partitions)


@cache
def publisher() -> Publisher:
    """Sends edges their answers."""
    return Publisher(redis(), settings.window, settings.window_bytes)


@cache
def applied() -> AppliedPositions:
    """The positions of `chat.receipts` in Valkey."""
    return AppliedPositions(redis(), position_keys)


known = KnownPositions(bounds_of(app, RECEIPTS))
ends = RoomEnds(settings)

#: Marks by room and user.
Marks = dict[str, dict[str, Read]]


@app.agent(raw_topic(app, RECEIPTS))
async def receipts(stream: Any) -> None:
    """Advance read marks, and answer when they are in Valkey."""
    async for batch in batches(stream, (marks,)):
        await retry_while_away("Kafka", _load, batch)
        moved, verdicts = _move(batch)
        for room in await retry_while_away("Valkey", _apply, batch, moved):
            now = {user: read.seq for user, read in moved[room].items()}
            _unpublished.setdefault(room, {}).update(now)
        await retry_while_away("Valkey", publisher().answer, verdicts)


async def _load(batch: Batch) -> None:
    """Know of each epoch, and of the messages that were lost with those that matter here."""
    await ends.follow(batch.generation)
    receipts = [(record, one) for record in batch.records if (one := _decoded(record))]
    for record, receipt in receipts:
        await ends.know(record.partition, receipt.epoch)
    while ends.any:
        needed: set[tuple[int, int]] = set()
        for record, receipt in receipts:
            place = record.partition
            before = marks.read(place, f"{receipt.room}/{receipt.by}")
            mark = Read(receipt.seq, receipt.epoch)
            needed |= {(place, epoch) for epoch in depends(before, mark, ends.epoch(place))}
        if not await ends.load(needed):
            return


def _decoded(record: Record) -> Receipt | None:
    """The receipt; `None` where it does not matter here, or is none."""
    if not ends.any and b'"epoch"' not in record.value:
        return None
    try:
        return decode_receipt(record.value)
    except Malformed:
        return None


async def _apply(batch: Batch, moved: Marks) -> list[str]:
    last = batch.last_offsets(RECEIPTS)
    async with known.lock:
        known.begin(batch.generation)
        moves = {place: (await known.span(place, upto), upto) for place, upto in last.items()}
        shown = await _advance_view(moved, moves)
        for place, upto in last.items():
            known.note(place, upto)
    return shown


async def _advance_view(
    moved: Marks, moves: dict[int, tuple[Span, int]] | None = None
) -> list[str]:
    """Advance marks in Valkey by what is left of them; the rooms whose members see receipts."""
    for attempt in count():
        places = {room: partition_of(room, settings.partitions) for room in moved}
        await ends.load(
            (places[room], read.epoch) for room, by in moved.items() for read in by.values()
        )
        seqs = {
            room: {user: ends.left(places[room], room, read).seq for user, read in by.items()}
            for room, by in moved.items()
        }
        epochs = {place: ends.epoch(place) for place in {*places.values(), *(moves or {})}}
        if attempt > 1:
            log.error("the view is of an epoch that the deployment does not know", epochs=epochs)
            epochs = dict.fromkeys(epochs, MAX_EPOCH)
        try:
            return await read_marks().advance(seqs, moves, epochs)
        except StaleEpoch:
            await ends.refresh()
    raise AssertionError("unreachable")


def _move(batch: Batch) -> tuple[Marks, list[Verdict]]:
    moved: Marks = {}
    verdicts: list[Verdict] = []
    batch.each(decode_receipt, partial(_advance, moved, verdicts))
    return moved, verdicts


def _advance(moved: Marks, verdicts: list[Verdict], record: Record, receipt: Receipt) -> None:
    room, place = receipt.room, record.partition
    if wrong := wrong_partition(room, place, settings.partitions):
        raise Malformed(wrong)
    key = f"{room}/{receipt.by}"
    before, mark = marks.read(place, key), Read(receipt.seq, receipt.epoch)
    if depends(before, mark, ends.epoch(place)):
        mark = ends.left(place, room, mark)
        before = None if before is None else ends.left(place, room, before)
    read = advance(before, mark)
    if read is not None:
        marks.write(place, key, read, version_of(read.epoch, read.seq))
    # Also for a repeated receipt: Valkey may have lost the mark.
    newest = read or before
    if newest is not None:
        moved.setdefault(room, {})[receipt.by] = newest
    if receipt.edge:
        verdicts.append(
            Verdict(
                id=receipt.id,
                room=receipt.room,
                by=receipt.by,
                client_id="",
                edge=receipt.edge,
                seq=newest.seq if newest is not None else 0,
                repeated=read is None,
            )
        )


@app.timer(interval=TELL_EVERY)  # type: ignore[untyped-decorator]
async def tell() -> None:
    """Publish the marks that have gathered to the members of their rooms."""
    if _unpublished:
        gathered = dict(_unpublished)
        _unpublished.clear()
        await retry_while_away("Valkey", read_marks().publish, gathered)


@app.timer(interval=1.0)  # type: ignore[untyped-decorator]
async def watch() -> None:
    """Restore the marks where Valkey has lost some."""
    with health_probe("Valkey", app.conf.id, "receipts"):
        for place in app.consumer.assignment():
            if place.topic == RECEIPTS and not await _complete(place.partition):
                await _fill(place.partition)


async def _complete(partition: int) -> bool:
    generation = app.consumer_generation_id
    if not is_settled(app, generation):
        return True  # not now
    async with known.lock:
        known.begin(generation)
        standing = await applied().look(partition, await known.span(partition))
        if standing.complete:
            known.note(partition, standing.position)
        return standing.complete


async def _fill(partition: int) -> None:
    """Restore the marks; given up while partitions move and the table is recovered."""
    generation = app.consumer_generation_id
    await ends.follow(generation)
    async with known.lock:
        known.begin(generation)
        position = (await known.span(partition)).low
        token = await applied().begin_filling(partition, position)
        known.note(partition, position)
    progress = Progress("read marks", partition)
    kept = marks.stored(partition)
    while chunk := list(islice(kept, CHUNK)):
        found: Marks = {}
        for key, read in chunk:
            room, user = key.split("/", 1)
            found.setdefault(room, {})[user] = read
        await _advance_view(found)
        progress(len(chunk))
        if not is_settled(app, generation):
            return
    async with known.lock:
        if is_settled(app, generation):
            await applied().note_filled(partition, await known.span(partition), token)
    progress.end()
