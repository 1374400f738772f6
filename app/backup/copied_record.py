"""A record that is copied as it is, with key, headers and time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final, NamedTuple

from app.errors import Malformed
from app.events import (
    POS,
    DeploymentKept,
    DeploymentMoved,
    Position,
    decode_beginning,
    decode_log,
    encode_position,
)
from app.kafka.log_positions import header_of
from app.kafka.partition_reader import PartitionReader
from app.topics import DEPLOYMENT, LOG

#: Records that are read and written at once.
CHUNK: Final = 1000


class CopiedRecord(NamedTuple):
    """A record of a topic; `offset` is the one that it had in its first cluster."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


def copied(topic: str, record: Any) -> CopiedRecord | None:
    """The record as its copy has it; `None` for one that speaks of its cluster alone.

    A log event without a position gets the one that it has always had: its offset. Its copy may
    have another offset.
    """
    headers = tuple((str(name), value) for name, value in record.headers)
    if topic == LOG and header_of(record, POS) is None and _is_event(record.value):
        headers = (*headers, (POS, encode_position(Position(0, record.offset))))
    if topic == DEPLOYMENT and _is_of_the_cluster(record.value):
        return None
    return CopiedRecord(record.offset, record.timestamp, record.key, record.value, headers)


async def copied_chunks(
    reader: PartitionReader, topic: str, partition: int, start: int, end: int | None = None
) -> AsyncIterator[list[CopiedRecord]]:
    """The records from offset `start` to before `end`, by default the end of today, as copies."""
    chunk: list[CopiedRecord] = []
    async for record in reader.read(topic, partition, start, end):
        if (one := copied(topic, record)) is not None:
            chunk.append(one)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _is_event(value: bytes | None) -> bool:
    try:
        decode_log(value)
    except Malformed:
        return False
    return True


def _is_of_the_cluster(value: bytes | None) -> bool:
    try:
        return isinstance(decode_beginning(value), DeploymentMoved | DeploymentKept)
    except Malformed:
        return False
