"""The extent of an erasure: when it is asked for, and when a copy of the log is made anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from aiokafka import TopicPartition

from app.domain.erasure import Extent
from app.errors import Malformed, ParleyError
from app.events import decode_command, decode_log, decode_moderated
from app.kafka.admin import connected
from app.kafka.log_positions import last_position, offset_behind, pos_of
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.topics import LOG, MODERATED, RAW

#: Seconds that an erasure waits for what the user has sent a moment ago.
_SETTLE: Final = 30.0
_LOOK: Final = 0.2

_AUTHORS: Final = {
    RAW: lambda value: decode_command(value).by,
    MODERATED: lambda value: decode_moderated(value).command.by,
}


class Unsettled(ParleyError):
    """Commands of a user are on their way, and no worker takes them."""


async def settled_ends(
    settings: Settings, reader: PartitionReader, user: str, pipeline: str
) -> tuple[int, ...]:
    """The ends of `chat.log`, when every command that the user has sent before is below them.

    `pipeline` is the consumer group that takes commands to the log. Raises `Unsettled` where it
    does not take those of the user.
    """
    deadline = asyncio.get_running_loop().time() + _SETTLE
    # In this order: what has left the first topic is in the second.
    for topic in (RAW, MODERATED):
        ends = await reader.ends(topic, settings.partitions)
        await _taken(settings, reader, (topic, user, pipeline), ends, deadline)
    places = range(settings.partitions)
    return tuple([(await last_position(reader, place)).pos + 1 for place in places])


async def _taken(
    settings: Settings,
    reader: PartitionReader,
    what: tuple[str, str, str],
    ends: Sequence[int],
    deadline: float,
) -> None:
    """Return when the group has committed every record of the user below the ends."""
    topic, user, pipeline = what
    due: dict[int, int] | None = None
    async with connected(settings, _SETTLE) as admin:
        while True:
            found = await admin.list_consumer_group_offsets(pipeline)
            at = {
                partition: max(0, found[place].offset)
                for partition in range(settings.partitions)
                if (place := TopicPartition(topic, partition)) in found
            }
            if due is None:
                due = await _last_of(reader, topic, user, at, ends)
            due = {place: last for place, last in due.items() if at.get(place, 0) <= last}
            if not due:
                return
            if asyncio.get_running_loop().time() >= deadline:
                raise Unsettled(
                    f"messages of {user} are on their way, and no worker takes them: start a"
                    " worker, and ask again"
                )
            await asyncio.sleep(_LOOK)


async def _last_of(
    reader: PartitionReader,
    topic: str,
    user: str,
    starts: Mapping[int, int],
    ends: Sequence[int],
) -> dict[int, int]:
    """The offset of the user's last record between the starts and the ends, by partition."""
    found: dict[int, int] = {}
    for partition, end in enumerate(ends):
        async for record in reader.read(topic, partition, starts.get(partition, 0), end):
            try:
                by = _AUTHORS[topic](record.value)
            except Malformed:
                continue
            if by == user:
                found[partition] = record.offset
    return found


async def beyond(
    settings: Settings, reader: PartitionReader, erased: Mapping[str, Extent]
) -> dict[str, dict[str, int]]:
    """For each user, the first event of each room that the user's erasure does not reach."""
    found: dict[str, dict[str, int]] = {user: {} for user in erased}
    for partition in range(settings.partitions):
        start = min((extent.end(partition) for extent in erased.values()), default=0)
        async for pos, room, n in _events(reader, partition, start):
            for user, extent in erased.items():
                if pos >= extent.end(partition):
                    found[user].setdefault(room, n)
    return found


async def _events(
    reader: PartitionReader, partition: int, start: int
) -> AsyncIterator[tuple[int, str, int]]:
    record: Any
    first = await offset_behind(reader, partition, start - 1) if start else 0
    async for record in reader.read(LOG, partition, first):
        try:
            event = decode_log(record.value)
            pos = pos_of(record)
        except Malformed:
            continue
        yield pos, event.room, event.n
