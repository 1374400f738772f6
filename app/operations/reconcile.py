"""Reconciling commands and outcomes: what was accepted, and has neither an event nor an answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final, NamedTuple

from aiokafka import TopicPartition

from app.deployment.topic import read_deployment
from app.domain.deployment import Deployment
from app.errors import Malformed
from app.events import (
    SRC,
    Source,
    decode_command,
    decode_moderated,
    decode_src,
    decode_verdict,
)
from app.kafka.admin import connected, group_offsets
from app.kafka.log_positions import header_of
from app.kafka.partition_reader import PartitionReader
from app.runtime.clock import now_ms
from app.settings import Settings
from app.stream.groups import PIPELINE
from app.topics import AWAY, DEAD, LOG, MODERATED, RAW, VERDICTS, retention_ms

#: Seconds to wait for the broker.
_WITHIN: Final = 30.0
#: Milliseconds by which the clocks of processes may differ.
_CLOCKS_MS: Final = 60_000
#: Milliseconds back from now. Refusals and repetitions are known as long as `chat.verdicts` has
#: them; Kafka drops whole segments, never records that are younger.
_SINCE_MS: Final = retention_ms(VERDICTS) - 4 * 60 * 60 * 1000


class _Outcomes(NamedTuple):
    """Of one partition: sources of moderated commands and of events, ids with a verdict."""

    moderated: set[Source]
    events: set[Source]
    verdicts: set[str]


async def without_outcome(settings: Settings, reader: PartitionReader, only: str) -> list[str]:
    """A line for each command of the last 20 hours that the pipeline is done with, and that has
    no event, no verdict and no dead letter; of the room `only`, unless that is empty.

    A command for a room that is at home in another region has its outcome there. Here it has to be
    in `chat.away`.

    In a partition whose log has begun an epoch, commands from before are not looked at: the log has
    lost events, and says so. Likewise where the partition has got another home.
    """
    async with connected(settings, _WITHIN) as admin:
        commits = await group_offsets(admin, PIPELINE.id)
    deployment = await read_deployment(reader)
    dead = await _dead(settings, reader)
    found: list[str] = []
    for partition in range(settings.partitions):
        ends = {
            topic: max(0, commit.offset)
            for topic in (RAW, MODERATED)
            if (commit := commits.get(TopicPartition(topic, partition))) is not None
        }
        since = max(now_ms() - _SINCE_MS, _changed_at(deployment, partition) + _CLOCKS_MS)
        if deployment.home(partition, settings.region) != settings.region:
            unsent = _unsent(reader, partition, since, ends.get(RAW, 0), dead)
            found += [line async for room, line in unsent if only in ("", room)]
            continue
        outcomes = await _outcomes(reader, partition, since - _CLOCKS_MS)
        unmoderated = _unmoderated(reader, partition, since, ends, deployment, outcomes, dead)
        found += [line async for room, line in unmoderated if only in ("", room)]
        undecided = _undecided(reader, partition, since, ends, outcomes, dead)
        found += [line async for room, line in undecided if only in ("", room)]
    return found


async def _outcomes(reader: PartitionReader, partition: int, since: int) -> _Outcomes:
    outcomes = _Outcomes(set(), set(), set())
    async for record in _recent(reader, LOG, partition, since):
        try:
            outcomes.events.add(decode_src(header_of(record, SRC)))
        except Malformed:
            continue
    async for record in _recent(reader, MODERATED, partition, since):
        try:
            outcomes.moderated.add(decode_moderated(record.value).source)
        except Malformed:
            continue
    async for record in _recent(reader, VERDICTS, partition, since):
        try:
            outcomes.verdicts.add(decode_verdict(record.value).id)
        except Malformed:
            continue
    return outcomes


async def _unmoderated(
    reader: PartitionReader,
    partition: int,
    since: int,
    ends: dict[str, int],
    deployment: Deployment,
    outcomes: _Outcomes,
    dead: set[str],
) -> AsyncIterator[tuple[str, str]]:
    origin = deployment.origin(RAW, partition)
    start = max(
        await reader.since(RAW, partition, since),
        *(
            one.start
            for one in deployment.origins
            if (one.topic, one.partition, one.origin) == (RAW, partition, origin)
        ),
        0,
    )
    async for record in reader.read(RAW, partition, start, ends.get(RAW, 0)):
        if Source(origin, record.offset) in outcomes.moderated or _name(record, origin) in dead:
            continue
        try:
            command = decode_command(record.value)
        except Malformed as error:
            yield "", f"{_place(record)} is no command ({error}), and no dead letter either"
        else:
            yield command.room, _line(record, command)


async def _unsent(
    reader: PartitionReader, partition: int, since: int, end: int, dead: set[str]
) -> AsyncIterator[tuple[str, str]]:
    """Commands of a partition at home in another region that were not handed on to it."""
    sent: set[str] = set()
    async for record in _recent(reader, AWAY, partition, since - _CLOCKS_MS):
        try:
            sent.add(decode_command(record.value).id)
        except Malformed:
            continue
    async for record in reader.read(RAW, partition, await reader.since(RAW, partition, since), end):
        try:
            command = decode_command(record.value)
        except Malformed:
            continue
        if command.id not in sent and _name(record, 0) not in dead:
            yield command.room, _line(record, command)


async def _undecided(
    reader: PartitionReader,
    partition: int,
    since: int,
    ends: dict[str, int],
    outcomes: _Outcomes,
    dead: set[str],
) -> AsyncIterator[tuple[str, str]]:
    places = {name.partition("@")[0].partition("~")[0] for name in dead}
    start = await reader.since(MODERATED, partition, since)
    async for record in reader.read(MODERATED, partition, start, ends.get(MODERATED, 0)):
        try:
            moderated = decode_moderated(record.value)
        except Malformed:
            continue
        command = moderated.command
        decided = moderated.source in outcomes.events or command.id in outcomes.verdicts
        if not decided and _place(record) not in places:
            yield command.room, _line(record, command)


async def _dead(settings: Settings, reader: PartitionReader) -> set[str]:
    """The names of dead letters, also of those that were sent again or dropped since."""
    return {
        record.key.decode(errors="replace")
        for partition in range(settings.partitions)
        async for record in reader.read(DEAD, partition, 0)
        if record.key
    }


async def _recent(
    reader: PartitionReader, topic: str, partition: int, since: int
) -> AsyncIterator[Any]:
    start = await reader.since(topic, partition, since)
    async for record in reader.read(topic, partition, start):
        yield record


def _changed_at(deployment: Deployment, partition: int) -> int:
    """When the partition's log began its last epoch, or its home changed; 0: never."""
    change = deployment.changes.get(partition)
    epochs = (one.at_ms for one in deployment.epochs if one.partition == partition)
    return max((0 if change is None else change.at_ms, *epochs))


def _place(record: Any) -> str:
    return f"{record.topic}/{record.partition}/{record.offset}"


def _name(record: Any, origin: int) -> str:
    """The name of the record's dead letter, if it has one."""
    suffix = f"~{origin}" if origin else ""
    return f"{_place(record)}{suffix}@{PIPELINE.id}"


def _line(record: Any, command: Any) -> str:
    return (
        f"{command.room}: {_place(record)}: the command {command.id} of {command.by} has no event"
        " and no answer"
    )
