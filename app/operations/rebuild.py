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
from app.domain.log_order import RoomOrder
from app.errors import Malformed
from app.events import AnyAct, decode_act, decode_log
from app.history.entry import Entry
from app.history.store import History
from app.kafka.log_positions import pos_of
from app.kafka.partition_reader import PartitionReader
from app.operations.progress_line import ProgressLine
from app.privacy.erasure_extent import beyond
from app.privacy.erasure_topic import read_erasures
from app.settings import Settings
from app.topics import LOG, MODERATION, wrong_partition

_CHUNK = 500


async def rebuild(settings: Settings, *, view: bool, history: bool) -> None:
    """Rebuild either or both, partition by partition, while the chat goes on.

    The view of a partition is emptied first: meanwhile its readers wait, or are told to try again.
    The history store keeps what it has and gets what it lacks.
    """
    async with PartitionReader(settings) as reader:
        places = range(settings.partitions)
        total = sum([await reader.end(LOG, partition) for partition in places])
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
    await _forget(settings, reader, store)
    for partition in range(settings.partitions):
        chunk: list[Entry] = []
        async for entry in _entries(settings, reader, partition):
            chunk.append(entry)
            if len(chunk) == _CHUNK:
                await store.append(chunk)
                progress(len(chunk))
                chunk.clear()
        if chunk:
            await store.append(chunk)
            progress(len(chunk))
    await _acts(settings, reader, store)
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


async def _entries(
    settings: Settings, reader: PartitionReader, partition: int
) -> AsyncIterator[Entry]:
    """The partition's events that are each the next of their room."""
    order: RoomOrder | None = None
    async for record in reader.read(LOG, partition, 0):
        if record.offset == 0:  # Otherwise the rooms' numbers at the start are unknown.
            order = RoomOrder()
        try:
            event = decode_log(record.value)
            entry = Entry.of(event, record.value, partition, pos_of(record))
        except Malformed:
            continue
        if wrong_partition(entry.room, partition, settings.partitions):
            continue
        if order is None or not order.flaw(entry.room, entry.n):
            yield entry


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
