"""receipts: `chat.receipts` → the read mark of each member, which never goes back.

The table is the truth. Valkey has a copy for readers, and the members of a room get an event: a few
times a second at most, however many of them read at once.
"""

from __future__ import annotations

from functools import cache, partial
from itertools import islice
from typing import Any

from redis import asyncio as aioredis

from app.delivery.applied import AppliedPositions, KnownPositions
from app.delivery.publisher import Publisher
from app.delivery.read_marks import ReadMarks, position_keys
from app.delivery.refill_progress import CHUNK, Progress
from app.delivery.valkey import connect
from app.domain.receipts import advance
from app.errors import Malformed
from app.events import Receipt, Verdict, decode_receipt
from app.kafka.record import Record
from app.runtime.retry import health_probe, retry_while_away
from app.stream import groups
from app.stream.batch import Batch
from app.stream.batch_loop import batches
from app.stream.consumer_groups import bounds_of, group, is_settled, raw_topic
from app.topics import RECEIPTS, wrong_partition
from tables.receipts import receipts as marks

app = group(groups.RECEIPTS)
settings = app.context.settings

#: Seconds between two `receipts` events of a room.
TELL_EVERY = 0.25

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
    return Publisher(redis(), settings.window)


@cache
def applied() -> AppliedPositions:
    """The positions of `chat.receipts` in Valkey."""
    return AppliedPositions(redis(), position_keys)


known = KnownPositions(bounds_of(app, RECEIPTS))


@app.agent(raw_topic(app, RECEIPTS))
async def receipts(stream: Any) -> None:
    """Advance read marks, and answer when they are in Valkey."""
    async for batch in batches(stream, (marks,)):
        moved, verdicts = _move(batch)
        for room in await retry_while_away("Valkey", _apply, batch, moved):
            _unpublished.setdefault(room, {}).update(moved[room])
        await retry_while_away("Valkey", publisher().answer, verdicts)


async def _apply(batch: Batch, moved: dict[str, dict[str, int]]) -> list[str]:
    last = batch.last_offsets(RECEIPTS)
    async with known.lock:
        known.begin(batch.generation)
        moves = {place: (await known.span(place, upto), upto) for place, upto in last.items()}
        shown = await read_marks().advance(moved, moves)
        for place, upto in last.items():
            known.note(place, upto)
    return shown


def _move(batch: Batch) -> tuple[dict[str, dict[str, int]], list[Verdict]]:
    moved: dict[str, dict[str, int]] = {}
    verdicts: list[Verdict] = []
    batch.each(decode_receipt, partial(_advance, moved, verdicts))
    return moved, verdicts


def _advance(
    moved: dict[str, dict[str, int]], verdicts: list[Verdict], record: Record, receipt: Receipt
) -> None:
    if wrong := wrong_partition(receipt.room, record.partition, settings.partitions):
        raise Malformed(wrong)
    key = f"{receipt.room}/{receipt.by}"
    known = marks.read(record.partition, key)
    read = advance(known, receipt.seq)
    if read is not None:
        marks.write(record.partition, key, read, read.seq)
    # Also for a repeated receipt: Valkey may have lost the mark.
    newest = read or known
    if newest is not None:
        moved.setdefault(receipt.room, {})[receipt.by] = newest.seq
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
    async with known.lock:
        known.begin(generation)
        position = (await known.span(partition)).low
        token = await applied().begin_filling(partition, position)
        known.note(partition, position)
    progress = Progress("read marks", partition)
    kept = marks.stored(partition)
    while chunk := list(islice(kept, CHUNK)):
        found: dict[str, dict[str, int]] = {}
        for key, read in chunk:
            room, user = key.split("/", 1)
            found.setdefault(room, {})[user] = read.seq
        await read_marks().advance(found)
        progress(len(chunk))
        if not is_settled(app, generation):
            return
    async with known.lock:
        if is_settled(app, generation):
            await applied().note_filled(partition, await known.span(partition), token)
    progress.end()
