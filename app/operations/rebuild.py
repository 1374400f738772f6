"""`parley rebuild`: rebuilds the view in Valkey and the history store from Kafka alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial

import click

from app.delivery.publisher import Publisher
from app.delivery.refill import Place, refill
from app.delivery.valkey import connect
from app.deployment.log_reader import LogReader
from app.deployment.topic import read_deployment
from app.errors import Malformed, ParleyError
from app.events import AnyAct, decode_act
from app.history.entry import Entry
from app.history.epoch_cut import (
    behind,
    cut,
    entries,
    remove_beyond,
    room_ends,
    rooms_of,
    store_from,
)
from app.history.log_cut import RoomEnd
from app.history.store import History
from app.kafka.partition_reader import PartitionReader
from app.operations.progress_line import ProgressLine
from app.operations.recount import Recount
from app.operations.store_diff import has_altered_messages
from app.privacy.erasure_extent import beyond
from app.privacy.erasure_topic import read_erasures
from app.settings import Settings
from app.topics import LOG, MODERATION

_CHUNK = 500


async def rebuild(settings: Settings, *, view: bool, history: bool) -> None:
    """Rebuild either or both, partition by partition, while the chat goes on.

    The view of a partition is emptied first: meanwhile its readers wait, or are told to try again.
    The history store loses what is no part of the log, and gets what it lacks.
    """
    async with LogReader(settings) as reader:
        places = range(settings.partitions)
        total = sum([await reader.end(LOG, partition) for partition in places])
        if not total:
            # Nothing would be left of a history that is perhaps all that is left of the chat.
            raise ParleyError(f"{LOG} is empty: there is nothing to rebuild from")
        if view:
            await _view(settings, reader, ProgressLine("view", total))
        if history:
            await _history(settings, reader, ProgressLine("history", total))


async def _view(settings: Settings, reader: PartitionReader, progress: ProgressLine) -> None:
    started = time.monotonic()
    redis = connect(settings.redis)
    publisher = Publisher(redis, settings.window)
    erased = await read_erasures(settings, reader)
    for partition in range(settings.partitions):
        await publisher.drop(partition)
        place = Place(partition, settings.partitions)
        await refill(reader, publisher, place, 0, progress, erased=erased)
    await redis.aclose()
    progress.end(time.monotonic() - started)


async def _history(settings: Settings, reader: PartitionReader, progress: ProgressLine) -> None:
    started = time.monotonic()
    store = History(settings.history_url)
    await store.open()
    deployment, erased = await read_deployment(reader), await read_erasures(settings, reader)
    for partition in range(settings.partitions):
        await cut(reader, store, partition, deployment, erased)
    await _forget(settings, reader, store)
    counting = Recount(settings, reader)
    await counting.read_on()
    for partition in range(settings.partitions):
        await _remove_strays(reader, store, partition, counting)
        await store_from(reader, store, partition, 0, progress)
    await _acts(settings, reader, store)
    await store.drop_stray_reports()
    await store.close()
    progress.end(time.monotonic() - started)


async def _forget(settings: Settings, reader: PartitionReader, store: History) -> None:
    """Erase what the store has of forgotten users, and what it will get of them."""
    erased = await read_erasures(settings, reader)
    by_position = {user: extent for user, extent in erased.items() if extent.ends}
    rest = await beyond(settings, reader, by_position) if by_position else {}
    for user, extent in erased.items():
        if extent.until_ms >= 0:
            await store.forget(user, until_ms=extent.until_ms)
        if extent.ends:
            await store.forget(
                user,
                until_ms=extent.asked_ms,
                ends=extent.ends,
                beyond=partial(_known, rest[user]),
            )


async def _known(rooms: dict[str, int]) -> dict[str, int]:
    return rooms


async def _remove_strays(
    reader: PartitionReader, store: History, partition: int, counting: Recount
) -> None:
    """Remove what the store has of a partition and the log has not, or has otherwise."""
    # In this order: every event that the store has by then is in the log that is read.
    rooms = await rooms_of(store, partition, reader.partitions)
    stored = await store.newest_events(rooms)
    ends = await room_ends(reader, partition, rooms, await reader.end(LOG, partition))
    strays = {room: end for room, end in ends.items() if stored.get(room, 0) > end.n or not end.n}
    async for room, end in _differing(reader, store, partition):
        strays[room] = min(end, strays.get(room, end))
    for room in rooms:
        if (one := counting.rooms.get(room)) and await has_altered_messages(one, store):
            strays[room] = RoomEnd()
    if strays:
        await store.unclaim(partition)
        await remove_beyond(reader, store, partition, strays)


async def _differing(
    reader: PartitionReader, store: History, partition: int
) -> AsyncIterator[tuple[str, RoomEnd]]:
    """The rooms with an event that the store has otherwise, each with the end before it."""
    ends: dict[str, RoomEnd] = {}
    chunk: list[Entry] = []

    async def found() -> list[tuple[str, RoomEnd]]:
        odd = set(await store.differing(chunk))
        before: dict[str, RoomEnd] = {}
        for entry in chunk:
            end = ends.get(entry.room, RoomEnd())
            if (entry.room, entry.n) in odd:
                before.setdefault(entry.room, end)
            ends[entry.room] = behind(end, entry)
        chunk.clear()
        return list(before.items())

    async for entry in entries(reader, partition):
        chunk.append(entry)
        if len(chunk) == _CHUNK:
            for one in await found():
                yield one
    for one in await found():
        yield one


async def _acts(settings: Settings, reader: PartitionReader, store: History) -> None:
    """The review queue and the audit log, as far back as Kafka has them."""
    for partition in range(settings.partitions):
        chunk: list[AnyAct] = []
        async for record in reader.read(MODERATION, partition, 0):
            try:
                chunk.append(decode_act(record.value))
            except Malformed:
                continue
            if len(chunk) == _CHUNK:
                await store.record(chunk)
                chunk.clear()
        await store.record(chunk)


@click.command(name="rebuild")
@click.option("--view/--no-view", default=True, help="The view in Valkey.")
@click.option("--history/--no-history", default=True, help="The history store.")
def command(view: bool, history: bool) -> None:
    """Rebuild the view in Valkey and the history store from Kafka alone.

    The chat goes on meanwhile.
    """
    asyncio.run(rebuild(Settings.read(), view=view, history=history))
