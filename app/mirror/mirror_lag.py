"""How far the mirror of this region is behind another region.

MirrorMaker stores the offset of the last record that it has copied from each partition, once a
second. A record that it leaves out does not move that offset, so the records behind it are read,
and those that it is to copy are counted.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from app.events import HOME
from app.kafka.admin import connected, partition_counts
from app.kafka.partition_reader import PartitionReader
from app.mirror.mirror_properties import SOURCE_CONNECTOR, offsets_topic
from app.mirror.regions import mirrored_there, settings_of
from app.runtime.clock import now_ms
from app.settings import Settings

_SECONDS: Final = 10.0

#: Records of a partition that are read. All beyond them count as records to copy.
_READ: Final = 50_000


class MirrorLag(NamedTuple):
    """How much of a region's partition this region lacks.

    `seconds` is the age of the first record that it lacks; 0 where it lacks none. `exact` is false
    where there are too many to read: then `records` may be too high.
    """

    region: str
    topic: str
    partition: int
    records: int
    seconds: float
    exact: bool


class _Place(msgspec.Struct, frozen=True):
    """A partition of a region, as MirrorMaker names it."""

    cluster: str
    topic: str
    partition: int


class _Stored(msgspec.Struct):
    """The offset of the last record that MirrorMaker has copied."""

    offset: int


_keys: Final = msgspec.json.Decoder(tuple[str, _Place])
_values: Final = msgspec.json.Decoder(_Stored)


async def mirror_lag(settings: Settings, region: str) -> list[MirrorLag]:
    """The lag of each partition of the topics that come from a region.

    Raises `Unreachable` where one of both clusters does not answer.
    """
    topics = await mirrored_there(settings, region)
    copied = await _copied(settings, region)
    found: list[MirrorLag] = []
    async with PartitionReader(settings_of(settings, region)) as there:
        for topic in topics:
            for partition, end in enumerate(await there.ends(topic, settings.partitions)):
                place = _Place(region, topic, partition)
                # An offset beyond the end is that of an earlier topic of this name.
                start = copied[place] if copied.get(place, end + 1) <= end else 0
                found.append(await _lag(there, place, start, end))
    return found


async def _copied(settings: Settings, region: str) -> dict[_Place, int]:
    """The next offset for MirrorMaker of each partition of which it has copied a record."""
    topic = offsets_topic(region)
    async with connected(settings, _SECONDS) as admin:
        if topic not in await partition_counts(admin):
            return {}
    found: dict[_Place, int] = {}
    async with PartitionReader(settings) as here:
        async for record in here.read(topic, 0, 0):
            connector, place = _keys.decode(record.key)
            if connector != SOURCE_CONNECTOR:
                continue
            if record.value is None:
                found.pop(place, None)
            else:
                found[place] = _values.decode(record.value).offset + 1
    return found


async def _lag(there: PartitionReader, place: _Place, start: int, end: int) -> MirrorLag:
    records, oldest_ms, read = 0, 0, 0
    async for record in there.read(place.topic, place.partition, start, end):
        if all(key != HOME for key, _ in record.headers):
            oldest_ms = oldest_ms or record.timestamp
            records += 1
        read += 1
        if read == _READ:
            records += end - record.offset - 1
            break
    seconds = max(0.0, (now_ms() - oldest_ms) / 1000) if oldest_ms else 0.0
    return MirrorLag(*(place.cluster, place.topic, place.partition), records, seconds, read < _READ)
