"""Refilling the view from the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from typing import Any, NamedTuple

import structlog
from msgspec.structs import replace

from app.delivery.prefetch import prefetched
from app.delivery.publish_calls import NO_POSITION, Entry
from app.delivery.publish_isolation import Unpublishable, fit, publish_isolating
from app.delivery.publisher import Outcome, Publisher
from app.delivery.refill_progress import CHUNK, Progress
from app.delivery.view_changes import changes_of
from app.deployment.topic import read_deployment
from app.domain.erasure import Erased, Placed, without_erased
from app.domain.log_order import RoomOrder
from app.errors import Malformed, Unreachable
from app.events import (
    EDGE,
    POS,
    RULING,
    TRACEPARENT,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    decode_log,
    decode_ruling,
    encode,
    position_of,
    traceparent_of,
)
from app.kafka.log_positions import last_position, offset_behind
from app.kafka.partition_reader import PartitionReader
from app.topics import LOG, wrong_partition

log = structlog.get_logger()

OnProgress = Callable[[int], None]


class Place(NamedTuple):
    """A partition, and the number of partitions."""

    partition: int
    of: int


async def refill(
    reader: PartitionReader,
    publisher: Publisher,
    place: Place,
    start: int,
    progress: OnProgress = lambda _: None,
    *,
    erased: Erased,
) -> Unpublishable:
    """Publish a partition again, from `pos` `start` to the log's end; returns the unfit records.

    Memberships come first, as they are at the end: otherwise a user who was removed later would be
    a member again while the events before that are published. From then on, users without a room
    here are admitted. The words of `erased` users are left out, and a record that is not the next
    event of its room is not published. If the view is emptied meanwhile this ends early; the view
    is then behind the log, and is refilled once more. A view of an earlier epoch is emptied first;
    `start` has to be 0 then. Everything is done in bounded pieces.

    Raises `Unreachable` where Valkey was started anew while the memberships were written.
    """
    # An epoch counts from its beginning on, before it has an event.
    begun = (await read_deployment(reader)).epoch(place.partition)
    epoch = max(begun, (await last_position(reader, place.partition)).epoch)
    await publisher.begin_epoch(place.partition, epoch, place.of)
    await publisher.lost(place.partition)
    run = await publisher.run_id()
    token = await publisher.filling(place.partition)
    end = await reader.end(LOG, place.partition)
    last = await last_position(reader, place.partition)
    first = await offset_behind(reader, place.partition, start - 1) if start else 0
    unfit = await _survey(reader, publisher, place, first, end)
    await publisher.note_memberships(place.partition, token)
    if await publisher.run_id() != run:
        # The server may be from the middle of the survey, and then it has the token, too.
        await publisher.lost(place.partition)
        raise Unreachable("Valkey was started anew while memberships were written")
    said = Progress("events", place.partition, end - first)
    outcomes: list[Outcome] = []
    entries = _entries(reader, place, (first, end), start - 1, unfit, erased)
    async with prefetched(entries) as chunks:
        async for chunk in chunks:
            outcomes, _ = await publish_isolating(publisher, chunk)
            if min(outcomes) < Outcome.REPEATED:
                break
            progress(len(chunk))
            said(len(chunk))
    if Outcome.GAP in outcomes and start:
        # Only a reading from the beginning tells whether the room lacks an event or this one is
        # unfit.
        return await refill(reader, publisher, place, 0, progress, erased=erased)
    said.end()
    await publisher.note_whole(place.partition, last.pos + 1, token)
    return unfit


async def _entries(
    reader: PartitionReader,
    place: Place,
    between: tuple[int, int],
    before: int,
    unfit: Unpublishable,
    erased: Erased,
) -> AsyncGenerator[list[Entry], None]:
    """The records between two offsets, in chunks; the first is after `pos` `before`."""
    gone: set[tuple[str, int]] = set()
    async for records in _chunks(reader.read(LOG, place.partition, *between)):
        entries = in_sequence([entry_of(record, place.of) for record in records], before)
        before = max(before, *(entry.position.pos for entry in entries))
        yield [
            _without(fit(entry, unfit), erased, gone)._replace(surveyed=True, trace=None)
            for entry in entries
        ]


async def _survey(
    reader: PartitionReader, publisher: Publisher, place: Place, start: int, end: int
) -> Unpublishable:
    """Write the memberships as they are at the end; the records that are not their room's next.

    The latter only for a reading from offset 0: otherwise the rooms' numbers are unknown. An older
    membership never replaces a newer one, so that they are written while the log is read, and only
    so many are in memory at once.
    """
    unfit: Unpublishable = {}
    said = Progress("memberships", place.partition, end - start)
    async with prefetched(_surveyed(reader, place, start, end, unfit)) as chunks:
        async for count, belong in chunks:
            await publisher.belong(belong)
            said(count)
            await asyncio.sleep(0)  # where there was nothing to write
    said.end()
    return unfit


async def _surveyed(
    reader: PartitionReader, place: Place, start: int, end: int, unfit: Unpublishable
) -> AsyncGenerator[tuple[int, dict[tuple[str, str], int]], None]:
    """Of each chunk of records, how many there are, and their memberships."""
    order: RoomOrder | None = None
    async for records in _chunks(reader.read(LOG, place.partition, start, end)):
        if records[0].offset == 0:
            order = RoomOrder()
        yield len(records), _memberships(records, place, order, unfit)


def _memberships(
    records: list[Any], place: Place, order: RoomOrder | None, unfit: Unpublishable
) -> dict[tuple[str, str], int]:
    """The memberships after the records; adds those that are not their room's next to `unfit`."""
    belong: dict[tuple[str, str], int] = {}
    for record in records:
        event = entry_of(record, place.of).event
        if event is None:
            continue
        if order is not None and (flaw := order.flaw(event.room, event.n)):
            unfit[place.partition, record.offset] = flaw
        elif not isinstance(event, MessageEdited | MessageDeleted | MessageCreated):
            for user, n in changes_of(event, {}).belong:
                belong[user, event.room] = n
    return belong


async def _chunks(records: AsyncIterator[Any]) -> AsyncIterator[list[Any]]:
    chunk: list[Any] = []
    async for record in records:
        chunk.append(record)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _without(entry: Entry, erased: Erased, gone: set[tuple[str, int]]) -> Entry:
    """The entry without erased words; `gone` collects the erased messages."""
    if entry.event is None or not erased:
        return entry
    placed = Placed(entry.partition, entry.position.pos, entry.event)
    event = without_erased(placed, erased, gone)
    if event is entry.event:
        return entry
    # The event's other changes, such as the author's read mark, stay.
    return entry._replace(event=replace(event, by=entry.event.by), value=encode(event))


def in_sequence(entries: Iterable[Entry], before: int | None = None) -> list[Entry]:
    """Entries of a partition, each `after` the one before it; the first after `pos` `before`."""
    found: list[Entry] = []
    for entry in entries:
        # Nearly always they are equal: positions follow each other.
        if before is not None and entry.after != before:
            entry = entry._replace(after=before)
        found.append(entry)
        before = max(entry.position.pos, -1 if before is None else before)
    return found


def entry_of(record: Any, partitions: int) -> Entry:
    """A record of `chat.log` as an entry to publish; without an event if it is not a valid one.

    As far as one record tells, it is after the `pos` before its own.
    """
    headers = dict(record.headers)
    raw_ruling = headers.get(RULING)
    event, ruling, position = None, None, NO_POSITION
    try:
        event = decode_log(record.value)
        if wrong := wrong_partition(event.room, record.partition, partitions):
            raise Malformed(wrong)
        position = position_of(headers.get(POS), record.offset)
        ruling = None if raw_ruling is None else decode_ruling(raw_ruling)
    except Malformed as error:
        if position is NO_POSITION:
            event = None
        log.warning("not a log event", offset=record.offset, reason=str(error))
    edge = _edge(headers.get(EDGE) or b"")
    return Entry(
        record.partition,
        record.offset,
        position,
        position.pos - 1,
        record.value or b"",
        event,
        edge,
        ruling,
        trace=traceparent_of(headers.get(TRACEPARENT)),
    )


def _edge(name: bytes) -> str:
    """The edge that waits for an answer; empty for a name that can't be decoded."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return ""
