"""Filling the view again from the log: what Valkey has lost is all there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from msgspec.structs import replace

from app.delivery.changes import changes_of
from app.delivery.publisher import Publisher
from app.delivery.steps import Entry
from app.erasures import Erased, without
from app.errors import Malformed
from app.events import (
    EDGE,
    RULING,
    MessageDeleted,
    MessageEdited,
    decode_log,
    decode_ruling,
    encode,
)
from app.log_reader import LogReader
from app.topics import LOG

log = structlog.get_logger()

#: Entries in one round trip to Valkey.
_CHUNK = 500

Progress = Callable[[int], None]


async def refill(
    reader: LogReader,
    publisher: Publisher,
    partition: int,
    start: int,
    progress: Progress = lambda _: None,
    *,
    forgotten: Erased,
) -> int:
    """Publish a partition of the log again, from `start` to its end; how many events.

    Who belongs where comes first, as it is in the end: else somebody who was removed later would
    be a member again while the events before that are published. What those said who are
    `forgotten` is left out.
    """
    await publisher.lost(partition)
    sign = await publisher.filling(partition)
    end = await reader.end(LOG, partition)
    belong: dict[tuple[str, str], int] = {}
    async for record in reader.read(LOG, partition, start, end):
        event = entry_of(record).event
        if event is not None and not isinstance(event, MessageEdited | MessageDeleted):
            for user, n in changes_of(event, {}).belong:
                belong[user, event.room] = n
    await publisher.belong(belong)
    count = 0
    gone: set[tuple[str, int]] = set()
    chunk: list[Entry] = []
    async for record in reader.read(LOG, partition, start, end):
        chunk.append(_without(entry_of(record), forgotten, gone))
        if len(chunk) == _CHUNK:
            await publisher.publish(chunk)
            count += len(chunk)
            progress(len(chunk))
            chunk.clear()
    if chunk:
        await publisher.publish(chunk)
        progress(len(chunk))
    await publisher.note_whole(partition, end, sign)
    return count + len(chunk)


def _without(entry: Entry, forgotten: Erased, gone: set[tuple[str, int]]) -> Entry:
    """The entry without what is erased; `gone` are the messages met that are."""
    if entry.event is None or not forgotten:
        return entry
    event = without(entry.event, forgotten, gone)
    if event is entry.event:
        return entry
    # What it changes besides, such as the author's own read mark, stays as it was.
    return entry._replace(event=replace(event, by=entry.event.by), value=encode(event))


def entry_of(record: Any) -> Entry:
    """A record of `chat.log` as an entry to publish."""
    headers = dict(record.headers)
    edge, told = headers.get(EDGE, b"").decode(), headers.get(RULING)
    event, ruling = None, None
    try:
        event = decode_log(record.value)
        ruling = None if told is None else decode_ruling(told)
    except Malformed as error:
        log.warning("not a log event", offset=record.offset, reason=str(error))
    return Entry(record.partition, record.offset, record.value, event, edge, ruling)
