"""The way of a command through the topics, found in their records afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NamedTuple
from uuid import UUID

from app.errors import Malformed
from app.events import (
    RULING,
    SRC,
    TRACEPARENT,
    MessageCreated,
    Moderated,
    Ruling,
    Verdict,
    decode_command,
    decode_dead,
    decode_log,
    decode_moderated,
    decode_ruling,
    decode_src,
    decode_verdict,
    position_of,
    traceparent_of,
)
from app.events.position import POS
from app.kafka.log_positions import header_of
from app.kafka.partition_reader import PartitionReader
from app.topics import DEAD, LOG, MODERATED, RAW, VERDICTS, partition_of

#: Clocks of edges, workers and brokers may differ by so many milliseconds.
_SKEW_MS = 10 * 60 * 1000


class Hop(NamedTuple):
    """A record on the way: its place, its time in milliseconds, and what it says."""

    topic: str
    partition: int
    offset: int
    at_ms: int
    what: str


class Trace(NamedTuple):
    """An attempt: the id that its edge gave it, when and where, and its hops."""

    id: str
    by: str
    client_id: str
    edge: str
    hops: list[Hop]


async def trace_message(
    reader: PartitionReader, room: str, seq: int, since_ms: int
) -> Trace | None:
    """The way of the message `seq`, sent at that time or later; `None` where the log has none."""
    place = partition_of(room, reader.partitions)
    start = await reader.since(LOG, place, max(0, since_ms - _SKEW_MS))
    async for record in _of_room(reader, LOG, place, start, room):
        event = decode_log(record.value)
        if isinstance(event, MessageCreated) and event.seq == seq:
            break
    else:
        return None
    return await _trace(reader, room, event.id, _offset_of_command(record))


async def trace_attempts(reader: PartitionReader, room: str, name: str) -> list[Trace]:
    """The way of each attempt with this id, or with this client id: of the last week."""
    place = partition_of(room, reader.partitions)
    start = await reader.since(RAW, place, max(0, time_of(name) - _SKEW_MS))
    found: dict[int, str] = {}
    async for record in _of_room(reader, RAW, place, start, room):
        command = decode_command(record.value)
        if name in {command.id, command.client_id}:
            found[record.offset] = command.id
    return [await _trace(reader, room, attempt, offset) for offset, attempt in found.items()]


def time_of(name: str) -> int:
    """When an id of an edge was made, in milliseconds since 1970; 0 for another id."""
    try:
        known = UUID(name)
    except ValueError:
        return 0
    return known.int >> 80 if known.version == 7 else 0


async def _trace(reader: PartitionReader, room: str, name: str, command_at: int | None) -> Trace:
    """What the topics have of an attempt; `command_at` is the offset of its command, if known."""
    place, since = partition_of(room, reader.partitions), max(0, time_of(name) - _SKEW_MS)
    hops: list[Hop] = []
    by = client_id = edge = ""
    raw = None if command_at is None else await reader.first(RAW, place, command_at)
    # Another record has the offset where the topic was made anew.
    if raw is not None and (command := _command(raw)) and command.id == name:
        by, client_id, edge = command.by, command.client_id, command.edge
        hops.append(_hop(raw, command.__struct_config__.tag))
    async for record in _of_room(
        reader, MODERATED, place, await reader.since(MODERATED, place, since), room
    ):
        moderated = decode_moderated(record.value)
        if moderated.command.id == name:
            by, client_id = moderated.command.by, moderated.command.client_id
            hops.append(_hop(record, _moderation(moderated)))
    async for record in _of_room(reader, LOG, place, await reader.since(LOG, place, since), room):
        event = decode_log(record.value)
        if event.id == name or (client_id and event.client_id == client_id and event.by == by):
            again = "" if event.id == name else ", of an earlier attempt"
            by, client_id = event.by, event.client_id
            hops.append(_hop(record, _log(record, event) + again))
    async for record in _of_room(
        reader, VERDICTS, place, await reader.since(VERDICTS, place, since), room
    ):
        verdict = decode_verdict(record.value)
        if verdict.id == name:
            hops.append(_hop(record, _answer(verdict)))
    hops += await _dead(reader, {(hop.topic, hop.partition, hop.offset) for hop in hops})
    return Trace(name, by, client_id, edge, hops)


async def _dead(reader: PartitionReader, places: set[tuple[str, int, int]]) -> list[Hop]:
    """The dead letters of these records."""
    found: list[Hop] = []
    for partition in range(reader.partitions):
        async for record in reader.read(DEAD, partition, 0):
            try:
                dead = decode_dead(record.value)
            except Malformed:
                continue  # a tombstone
            if (dead.topic, dead.partition, dead.offset) in places:
                found.append(_hop(record, f"{dead.group} could not process it: {dead.reason}"))
    return found


async def _of_room(
    reader: PartitionReader, topic: str, partition: int, start: int, room: str
) -> AsyncIterator[Any]:
    """The records of the room that can be decoded."""
    key, decode = room.encode(), _DECODERS[topic]
    async for record in reader.read(topic, partition, start):
        if record.key != key:
            continue
        try:
            decode(record.value)
        except Malformed:
            continue
        yield record


def _command(record: Any) -> Any:
    try:
        return decode_command(record.value)
    except Malformed:
        return None


def _offset_of_command(record: Any) -> int | None:
    try:
        return decode_src(header_of(record, SRC)).offset
    except Malformed:
        return None


def _hop(record: Any, what: str) -> Hop:
    return Hop(record.topic, record.partition, record.offset, record.timestamp, what)


def _moderation(moderated: Moderated) -> str:
    if moderated.refusal is not None:
        return f"refused: {moderated.refusal.code}, {moderated.refusal.reason}"
    return "allowed" if moderated.ruling is None else _ruled(moderated.ruling)


def _ruled(ruling: Ruling) -> str:
    rules = ", ".join(dict.fromkeys(finding.rule for finding in ruling.findings))
    return f"{ruling.action} by rule {rules} of rule set {ruling.version}"


def _log(record: Any, event: Any) -> str:
    position = position_of(header_of(record, POS), record.offset)
    epoch = f" of epoch {position.epoch}" if position.epoch else ""
    seq = f", seq {event.seq}" if isinstance(event, MessageCreated) else ""
    masked = header_of(record, RULING)
    ruled = f", {_ruled(decode_ruling(masked))}" if masked else ""
    place = traceparent_of(header_of(record, TRACEPARENT))
    traced = f", trace {place.trace_id}" if place else ""
    what = f"{event.__struct_config__.tag}: n {event.n}{seq}"
    return f"{what}, pos {position.pos}{epoch}{ruled}{traced}"


def _answer(verdict: Verdict) -> str:
    if verdict.refusal is not None:
        return f"refused: {verdict.refusal.code}, {verdict.refusal.reason}"
    if verdict.held:
        return "held for review"
    return f"repeated: its number is {verdict.n}" if verdict.repeated else f"n {verdict.n}"


_DECODERS = {
    RAW: decode_command,
    MODERATED: decode_moderated,
    LOG: decode_log,
    VERDICTS: decode_verdict,
}
