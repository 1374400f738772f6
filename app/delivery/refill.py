"""Filling the view again from the log: what Valkey has lost is all there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import structlog
from msgspec.structs import replace

from app.delivery.publish_calls import Entry
from app.delivery.publish_isolation import Unpublishable, fit, publish_isolating
from app.delivery.publisher import Outcome, Publisher
from app.delivery.view_changes import changes_of
from app.domain.erasure import Erased, without_erased
from app.domain.log_order import RoomOrder
from app.errors import Malformed
from app.events import (
    EDGE,
    RULING,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    decode_log,
    decode_ruling,
    encode,
)
from app.kafka.partition_reader import PartitionReader
from app.topics import LOG, wrong_partition

log = structlog.get_logger()

#: Entries in one round trip to Valkey.
_CHUNK = 500

OnProgress = Callable[[int], None]


class Place(NamedTuple):
    """A partition, and of how many it is one."""

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
    """Publish a partition of the log again, from `start` to its end; what is no step of a room.

    Who belongs where comes first, as it is in the end: else somebody who was removed later would
    be a member again while the events before that are published. What those said who are
    `forgotten` is left out, and what is no step of its room goes unpublished. Where the view is
    emptied meanwhile, this ends early: it stands behind the log then, and is filled once more.
    """
    await publisher.lost(place.partition)
    sign = await publisher.filling(place.partition)
    end = await reader.end(LOG, place.partition)
    belong, unfit = await _survey(reader, place, start, end)
    await publisher.belong(belong)
    gone: set[tuple[str, int]] = set()
    async for records in _chunks(reader.read(LOG, place.partition, start, end)):
        chunk = [
            _without(fit(entry_of(record, place.of), unfit), erased, gone) for record in records
        ]
        outcomes, _ = await publish_isolating(publisher, chunk)
        if Outcome.GAP in outcomes and start:
            # Whether the room lacks something or the event is no step of it, the beginning tells.
            return await refill(reader, publisher, place, 0, progress, erased=erased)
        if min(outcomes) < Outcome.REPEATED:
            break
        progress(len(chunk))
    await publisher.note_whole(place.partition, end, sign)
    return unfit


async def _survey(
    reader: PartitionReader, place: Place, start: int, end: int
) -> tuple[dict[tuple[str, str], int], Unpublishable]:
    """Who belongs where in the end, and what is no step of its room.

    The latter only from the log's very beginning on: nothing else tells where a room stands.
    """
    belong: dict[tuple[str, str], int] = {}
    unfit: Unpublishable = {}
    order: RoomOrder | None = None
    async for record in reader.read(LOG, place.partition, start, end):
        if record.offset == 0:
            order = RoomOrder()
        event = entry_of(record, place.of).event
        if event is None:
            continue
        if order is not None and (flaw := order.flaw(event.room, event.n)):
            unfit[place.partition, record.offset] = flaw
        elif not isinstance(event, MessageEdited | MessageDeleted | MessageCreated):
            for user, n in changes_of(event, {}).belong:
                belong[user, event.room] = n
    return belong, unfit


async def _chunks(records: AsyncIterator[Any]) -> AsyncIterator[list[Any]]:
    chunk: list[Any] = []
    async for record in records:
        chunk.append(record)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _without(entry: Entry, erased: Erased, gone: set[tuple[str, int]]) -> Entry:
    """The entry without what is erased; `gone` are the messages met that are."""
    if entry.event is None or not erased:
        return entry
    event = without_erased(entry.event, erased, gone)
    if event is entry.event:
        return entry
    # What it changes besides, such as the author's own read mark, stays as it was.
    return entry._replace(event=replace(event, by=entry.event.by), value=encode(event))


def entry_of(record: Any, partitions: int) -> Entry:
    """A record of `chat.log` as an entry to publish; without an event where it is none of ours."""
    headers = dict(record.headers)
    told = headers.get(RULING)
    event, ruling = None, None
    try:
        event = decode_log(record.value)
        if wrong := wrong_partition(event.room, record.partition, partitions):
            event = None
            raise Malformed(wrong)
        ruling = None if told is None else decode_ruling(told)
    except Malformed as error:
        log.warning("not a log event", offset=record.offset, reason=str(error))
    edge = _edge(headers.get(EDGE) or b"")
    return Entry(record.partition, record.offset, record.value or b"", event, edge, ruling)


def _edge(name: bytes) -> str:
    """The edge that waits for an answer; nobody does under a name that is none."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return ""
