"""`parley forget USER`: erases a user's messages."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import click

from app.delivery import keys
from app.delivery.valkey import connect
from app.delivery.view import Logged, View
from app.domain import names
from app.domain.erasure import without_erased
from app.errors import Malformed
from app.events import (
    AnyAct,
    Held,
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
from app.privacy.erasure_topic import write_erasure
from app.runtime.clock import now_ms
from app.settings import Settings
from app.topics import LOG, MODERATED, MODERATION, RAW, retention_ms

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

    Kafka's, by topic: how many records are left, and when the last of them expires, in
    milliseconds; -1 for never. May be called again.
    """
    until_ms = now_ms()
    await write_erasure(settings, user, until_ms)
    history = History(settings.history_url)
    await history.open()
    try:
        messages = await history.forget(user, until_ms=until_ms)
        await history.tidy()
        events = await _from_view(settings, history, user, until_ms)
    finally:
        await history.close()
    return messages, events, await _in_kafka(settings, user)


async def _from_view(settings: Settings, history: History, user: str, until_ms: int) -> int:
    redis = connect(settings.redis)
    view = View(redis, settings.partitions)
    count = 0
    for room in await view.ever_in(user):
        partition = view.partition(room)
        head = await view.room(room)
        if head is None:
            continue
        # In order: a message before the edits of it.
        logged = sorted([one async for piece in view.window(room) for one in piece])
        gone = await _gone(history, room, logged)
        for one in logged:
            event = decode_log(one.event)
            blank = without_erased(event, {user: until_ms}, gone)
            if blank is not event:
                value = b"%d %b" % (one.offset, encode(blank))
                await redis.hset(keys.log(partition, room), str(one.n), value)
                count += 1
        if head.last_by == user:
            await redis.hset(keys.room(partition, room), items=["last_by", "", "last_text", ""])
    await redis.aclose()
    return count


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
    async with PartitionReader(settings) as reader:
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

    They show as deleted, without a name, and stay so after every rebuild. Prints what Kafka still
    has, and until when.
    """
    if (wrong := names.user(user)) is not None:
        raise click.BadParameter(wrong)
    messages, events, left = asyncio.run(forget(Settings.read(), user))
    click.echo(f"history: {messages} messages erased")
    click.echo(f"view: {events} events erased")
    for topic, (count, until_ms) in left.items():
        when = "for ever: shorten its retention.ms" if until_ms < 0 else f"until {_day(until_ms)}"
        click.echo(f"Kafka, {topic}: {count} records of theirs, {when}")


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")
