"""Marks of commits: what a committed offset was about.

An offset is remembered by Kafka apart from the topic that it is an offset of. The topic can be made
anew, or lose its end in an unclean election, and grow again: then the offset is of another record,
and the records before it were never seen. So a commit carries the time and a digest of the record
next to it. Where the topic has another record there now, the group goes back to records of about
that time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, NamedTuple
from zlib import crc32

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from app.errors import Unreachable
from app.kafka.record import Record
from app.settings import Settings

#: Milliseconds before a commit from which on records are read again where its topic is another. The
#: clocks of the processes that write records differ by less.
_BEFORE_MS: Final = 30_000

#: Bytes that are fetched of a partition to see one record; Kafka sends a larger one whole.
_FETCH_BYTES: Final = 4096

#: Seconds for which Kafka may not answer.
_PATIENCE: Final = 30.0


class CommitMark(NamedTuple):
    """The time of a commit in milliseconds, and an offset with the digest of its record."""

    at_ms: int
    offset: int
    digest: int

    def text(self) -> str:
        """The mark as the metadata of a commit."""
        return f"{self.at_ms} {self.offset} {self.digest}"


class Divergence(NamedTuple):
    """A topic is not the one that a commit was about: read on from `start`, for this reason."""

    start: int
    why: str


def mark_of(record: Record, at_ms: int) -> CommitMark:
    """The mark of a commit next to this record."""
    return CommitMark(at_ms, record.offset, digest(record.key, record.value))


def parsed(metadata: str) -> CommitMark | None:
    """The mark in a commit's metadata; `None` for a commit without one."""
    parts = metadata.split(" ")
    if len(parts) != len(CommitMark._fields) or not all(part.isdigit() for part in parts):
        return None
    return CommitMark(*map(int, parts))


def digest(key: bytes, value: bytes) -> int:
    """A digest of a record."""
    return crc32(value, crc32(key))


async def divergences(
    settings: Settings, committed: Mapping[TP, tuple[int, str]]
) -> dict[TP, Divergence]:
    """The partitions that are not what the commits (offset, metadata) were about."""
    if not committed:
        return {}
    places = {TopicPartition(*place): known for place, known in committed.items()}
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=10,
        max_partition_fetch_bytes=_FETCH_BYTES,
    )
    await consumer.start()
    try:
        firsts = await consumer.beginning_offsets(list(places))
        ends = await consumer.end_offsets(list(places))
        found: dict[TP, Divergence] = {}
        expected: dict[TopicPartition, CommitMark] = {}
        for place, (offset, metadata) in places.items():
            mark = parsed(metadata)
            if offset > ends[place] or (mark is not None and mark.offset >= ends[place]):
                why = f"the group stood at {offset}, and the topic ends at {ends[place]}"
                start = await _start(consumer, place, mark, firsts[place], ends[place])
                found[TP(*place)] = Divergence(start, why)
            elif mark is not None and mark.offset >= firsts[place]:
                expected[place] = mark
        for place, there in (await _digests(consumer, expected)).items():
            mark = expected[place]
            if there != mark.digest:
                why = f"the topic has another record at {mark.offset} than the group has seen"
                start = await _start(consumer, place, mark, firsts[place], ends[place])
                found[TP(*place)] = Divergence(start, why)
        return found
    finally:
        await consumer.stop()


async def _digests(
    consumer: AIOKafkaConsumer, expected: Mapping[TopicPartition, CommitMark]
) -> dict[TopicPartition, int | None]:
    """The digest of the record at each mark's offset; `None` where there is none."""
    if not expected:
        return {}
    consumer.assign(list(expected))
    for place, mark in expected.items():
        consumer.seek(place, mark.offset)
    found: dict[TopicPartition, int | None] = {}
    missing = set(expected)
    try:
        async with asyncio.timeout(_PATIENCE):
            while missing:
                fetched = await consumer.getmany(*missing, timeout_ms=1_000, max_records=1)
                for place, (record, *_) in fetched.items():
                    same = record.offset == expected[place].offset
                    found[place] = digest(record.key or b"", record.value or b"") if same else None
                    missing.discard(place)
    except TimeoutError:
        raise Unreachable(f"Kafka does not give the records at {missing}") from None
    return found


async def _start(
    consumer: AIOKafkaConsumer, place: TopicPartition, mark: CommitMark | None, first: int, end: int
) -> int:
    """The first record from shortly before the commit on; the very first for one without mark."""
    if mark is None:
        return first
    since = max(0, mark.at_ms - _BEFORE_MS)
    at = (await consumer.offsets_for_times({place: since})).get(place)
    return end if at is None else int(at.offset)
