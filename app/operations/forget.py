"""`parley forget USER`: erases a user's messages."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

import click
from redis import asyncio as aioredis

from app.delivery.erasures import Notice, ViewErasures
from app.delivery.lookups import Lookups
from app.delivery.valkey import connect
from app.delivery.view import Logged, RoomHead, View
from app.deployment.log_reader import LogReader
from app.deployment.topic import read_deployment
from app.domain import names
from app.domain.erasure import Erased, Extent, Placed, without_erased
from app.errors import Malformed, Unreachable
from app.events import (
    AnyAct,
    Erasure,
    Held,
    MessageCreated,
    MessageEdited,
    Reported,
    Ruled,
    decode_act,
    decode_command,
    decode_log,
    decode_moderated,
    encode,
)
from app.history.store import History
from app.kafka.partition_reader import PartitionReader
from app.privacy.erasure_extent import beyond, settled_ends
from app.privacy.erasure_topic import write_erasure
from app.push.forgotten import forget_notify
from app.runtime.clock import iso_of, now_ms
from app.settings import Settings
from app.stream.groups import PIPELINE
from app.topics import LOG, MODERATED, MODERATION, RAW, retention_ms

#: Seconds that the view may take to reach the end of the log.
_REACH = 30.0

_AUTHORS: dict[str, Callable[[bytes], str]] = {
    RAW: lambda value: decode_command(value).by,
    MODERATED: lambda value: decode_moderated(value).command.by,
    LOG: lambda value: decode_log(value).by,
    MODERATION: lambda value: _said_by(decode_act(value)),
}


def _said_by(act: AnyAct) -> str:
    """The user whose words a moderation action contains; empty for none."""
    if isinstance(act, Reported):
        return act.author
    return act.by if isinstance(act, Ruled | Held) else ""


async def forget(settings: Settings, user: str) -> tuple[int, int, dict[str, tuple[int, int]]]:
    """Erase a user's messages: how many of the history, how many events of the view, and Kafka's.

    Erased is what the user sent before the call, by its position in `chat.log`, whatever the clocks
    of workers say. Kafka's, by topic: how many records are left, and when the last of them expires,
    in milliseconds; -1 for never. May be called again. Raises `Unsettled` or `Unreachable` where
    not everything can be erased now; then the call has to be repeated.
    """
    async with LogReader(settings) as reader:
        epochs, ends = await _settled(settings, reader, user)
        asked_ms = max(now_ms(), await _newest_act(settings, reader, user))
        await write_erasure(
            settings, Erasure(user=user, until_ms=asked_ms, ends=ends, epochs=epochs)
        )
        await forget_notify(settings, reader, user)
        extent = Extent(ends=ends, asked_ms=asked_ms)

        async def rest() -> dict[str, int]:
            return (await beyond(settings, reader, {user: extent}))[user]

        history = History(settings.history_url)
        await history.open()
        try:
            messages = await history.forget(user, until_ms=asked_ms, ends=ends, beyond=rest)
            await history.tidy()
            events = await _from_view(settings, history, user, extent)
        finally:
            await history.close()
    return messages, events, await _in_kafka(settings, user)


async def _settled(
    settings: Settings, reader: PartitionReader, user: str
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The epochs of the log's partitions and their ends, of one time: see `settled_ends`."""
    while True:
        deployment = await read_deployment(reader)
        ends = await settled_ends(settings, reader, user, PIPELINE.id)
        if await read_deployment(reader) == deployment:
            return tuple(map(deployment.epoch, range(settings.partitions))), ends


async def _newest_act(settings: Settings, reader: PartitionReader, user: str) -> int:
    """The time of the newest moderation action with words of the user: its clock may be ahead."""
    newest = -1
    for partition in range(settings.partitions):
        async for record in reader.read(MODERATION, partition, 0):
            try:
                act = decode_act(record.value)
            except Malformed:
                continue
            if _said_by(act) == user:
                newest = max(newest, act.at_ms)
    return newest


async def _from_view(settings: Settings, history: History, user: str, extent: Extent) -> int:
    """Erase the user's words from the view, and from the memory of edges; how many events."""
    redis = connect(settings.redis)
    try:
        await _reached(redis, settings.partitions, extent)
        view, erasures = View(redis, settings.partitions), ViewErasures(redis)
        count, gone = 0, set[tuple[str, int]]()
        for room in await view.ever_in(user):
            head = await view.room(room)
            if head is None:
                continue
            logged = await view.window(room)
            gone |= await _gone(history, room, logged)
            blank = _blank(head.partition, logged, {user: extent}, gone)
            last = head.seq if head.last_by == user and _erases_last(head, logged, extent) else 0
            count += await erasures.replace(head.partition, room, blank, last)
        await erasures.tell_edges(Notice(user=user, ends=extent.ends, gone=tuple(sorted(gone))))
        return count
    finally:
        await redis.aclose()


def _erases_last(head: RoomHead, logged: Sequence[Logged], extent: Extent) -> bool:
    """Whether the room's last message is one to be erased: a newer one is in the window."""
    newer = (one for one in logged if one.pos >= extent.end(head.partition))
    return not any(
        isinstance(event := decode_log(one.event), MessageCreated) and event.seq == head.seq
        for one in newer
    )


async def _reached(redis: aioredis.Redis, partitions: int, extent: Extent) -> None:
    """Return when the view has every event that is to be erased; later ones need no erasing.

    Raises `Unreachable` where it takes long: then no worker publishes.
    """
    lookups = Lookups(redis)
    try:
        async with asyncio.timeout(_REACH):
            while True:
                positions = enumerate(await lookups.positions(partitions))
                if all(at + 1 >= extent.end(partition) for partition, at in positions):
                    return
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise Unreachable(
            "the view in Valkey does not have the newest messages: start a worker, and ask again"
        ) from None
    finally:
        lookups.close()


def _blank(
    partition: int, logged: Sequence[Logged], erased: Erased, gone: set[tuple[str, int]]
) -> dict[int, bytes]:
    """The events of a window that have erased words, without them, by `n`."""
    found: dict[int, bytes] = {}
    for one in logged:
        event = decode_log(one.event)
        blank = without_erased(Placed(partition, one.pos, event), erased, gone)
        if blank is not event:
            found[one.n] = encode(blank)
    return found


async def _gone(history: History, room: str, logged: Sequence[Logged]) -> set[tuple[str, int]]:
    """Erased messages (room, seq) of which the window has an edit."""
    edited = {e.seq for one in logged if isinstance(e := decode_log(one.event), MessageEdited)}
    found: set[tuple[str, int]] = set()
    for seq in edited:
        for raw in await history.page(room, after_seq=seq - 1, before_seq=seq + 1, limit=1):
            if not decode_log(raw).by:
                found.add((room, seq))
    return found


async def _in_kafka(settings: Settings, user: str) -> dict[str, tuple[int, int]]:
    counts: Counter[str] = Counter()
    last: dict[str, int] = {}
    async with LogReader(settings) as reader:
        for topic, author in _AUTHORS.items():
            for partition in range(settings.partitions):
                async for record in reader.read(topic, partition, 0):
                    try:
                        said_by = author(record.value)
                    except Malformed:
                        continue
                    if said_by == user:
                        counts[topic] += 1
                        last[topic] = max(record.timestamp, last.get(topic, 0))
    return {
        topic: (count, last[topic] + kept if (kept := retention_ms(topic)) >= 0 else -1)
        for topic, count in counts.items()
    }


@click.command(name="forget")
@click.argument("user")
def command(user: str) -> None:
    """Erase the messages of USER from the history store and from the view in Valkey.

    They show as deleted, without a name, and stay so after every rebuild. Push subscriptions of
    theirs are removed. Prints what Kafka still has, and until when.
    """
    if (wrong := names.former_user(user)) is not None:
        raise click.BadParameter(wrong)
    messages, events, left = asyncio.run(forget(Settings.read(), user))
    click.echo(f"history: {messages} messages erased")
    click.echo(f"view: {events} events erased")
    for topic, (count, until_ms) in left.items():
        when = "for ever: shorten its retention.ms" if until_ms < 0 else f"until {_day(until_ms)}"
        click.echo(f"Kafka, {topic}: {count} records of theirs, {when}")


def _day(at_ms: int) -> str:
    return iso_of(at_ms)
