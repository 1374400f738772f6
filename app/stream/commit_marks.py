"""Marks of commits: what a committed offset was about.

An offset is remembered by Kafka apart from the topic that it is an offset of. The topic can be made
anew, or lose its end in an unclean election, and grow again: then the offset is of another record,
and the records before it were never seen. So a commit carries the time and a digest of the record
next to it. Where the topic has another record there now, the group goes back to records of about
that time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from app.kafka.record import Record
from app.kafka.record_digests import digest, digests_at, new_consumer
from app.settings import Settings

#: Milliseconds before a commit from which on records are read again where its topic is another. The
#: clocks of the processes that write records differ by less.
_BEFORE_MS: Final = 30_000


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


async def divergences(
    settings: Settings, committed: Mapping[TP, tuple[int, str]]
) -> dict[TP, Divergence]:
    """The partitions that are not what the commits (offset, metadata) were about."""
    if not committed:
        return {}
    places = {TopicPartition(*place): known for place, known in committed.items()}
    consumer = new_consumer(settings)
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
        offsets = {place: mark.offset for place, mark in expected.items()}
        for place, there in (await digests_at(consumer, offsets)).items():
            mark = expected[place]
            if there != mark.digest:
                why = f"the topic has another record at {mark.offset} than the group has seen"
                start = await _start(consumer, place, mark, firsts[place], ends[place])
                found[TP(*place)] = Divergence(start, why)
        return found
    finally:
        await consumer.stop()


async def _start(
    consumer: AIOKafkaConsumer, place: TopicPartition, mark: CommitMark | None, first: int, end: int
) -> int:
    """The first record from shortly before the commit on; the very first for one without mark."""
    if mark is None:
        return first
    since = max(0, mark.at_ms - _BEFORE_MS)
    at = (await consumer.offsets_for_times({place: since})).get(place)
    return end if at is None else int(at.offset)
