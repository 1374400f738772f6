"""`parley agents replay`: an agent over the past, and its table made anew from it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

import click
import msgspec
import uuid_utils
from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from app.agentkit.agent_states import read_states, set_state, state_of
from app.agentkit.declaration import Agent
from app.agentkit.effects import scope_of
from app.agentkit.past import Past, past_events, topics_of
from app.agentkit.registration import TABLE, group_name
from app.deployment.log_reader import LogReader
from app.domain.agents.causes import client_id
from app.domain.versioned_value import wrap
from app.errors import ParleyError
from app.events import AddMember, AnyCommand, EditMessage, SendMessage, encode
from app.kafka.admin import connected, group_offsets, provision
from app.kafka.group_commits import commit_offsets
from app.kafka.group_members import groups_with_members
from app.kafka.producer import new_producer
from app.kafka.record import record_of
from app.operations.progress_line import ProgressLine
from app.runtime.clock import now_ms
from app.settings import Settings
from app.stream.commit_marks import mark_of
from app.stream.groups import Group
from app.topics import RAW, changelog, partition_of

#: Seconds in which Kafka answers, and in which the processes of a paused agent have ended.
_SECONDS: Final = 10.0
_END_SECONDS: Final = 60.0

#: By topic and partition: an offset.
Offsets = Mapping[tuple[str, int], int]


async def starts(settings: Settings, agent: Agent[Any], since_ms: int) -> Offsets:
    """The offsets of the first records of that time or later."""
    async with LogReader(settings) as reader:
        return {
            (topic, partition): await reader.since(topic, partition, since_ms)
            for topic in topics_of(agent)
            for partition in range(settings.partitions)
        }


async def ends(settings: Settings, agent: Agent[Any]) -> Offsets:
    """The offsets of the next records."""
    async with LogReader(settings) as reader:
        return {
            (topic, partition): await reader.end(topic, partition)
            for topic in topics_of(agent)
            for partition in range(settings.partitions)
        }


async def run_past(
    settings: Settings, past: Past, begin: Offsets, end: Offsets, progress: ProgressLine
) -> None:
    """Have the agent handle what lies between the offsets."""
    async with LogReader(settings) as reader:
        for (topic, partition), start in sorted(begin.items()):
            stop = end.get((topic, partition), start)
            async for occasion in past_events(reader, topic, partition, start, stop):
                await past.take(occasion)
                progress(1)


async def replay(
    settings: Settings,
    agent: Agent[Any],
    since_ms: int,
    *,
    calls: bool,
    send: bool,
    cut_over: bool,
) -> Past:
    """Run the agent over the past; with `cut_over` it goes on with the table of this run."""
    past = Past(agent, calls=calls)
    begin = await starts(settings, agent, since_ms)
    end = await _reached(settings, agent) if cut_over else await ends(settings, agent)
    begun, total = time.monotonic(), sum(max(0, end[one] - begin[one]) for one in begin)
    progress = ProgressLine(agent.name, total)
    await run_past(settings, past, begin, end, progress)
    if cut_over:
        await _cut_over(settings, past, end, progress)
    progress.end(time.monotonic() - begun)
    if send:
        click.echo(await _send(settings, past))
    return past


# ── the other table ──────────────────────────────────────────────────────────────────────────────


async def _reached(settings: Settings, agent: Agent[Any]) -> Offsets:
    """How far the running agent has come: the replay may not be ahead of it."""
    group = Group(group_name(agent.name, await _revision(settings, agent.name))).id
    async with connected(settings, _SECONDS) as admin:
        committed = await group_offsets(admin, group)
    found = {
        (place.topic, place.partition): commit.offset
        for place, commit in committed.items()
        if place.topic in topics_of(agent) and commit.offset >= 0
    }
    if not found:
        raise ParleyError(f"{agent.name} has not run yet, so there is nothing to cut over from")
    return found


async def _revision(settings: Settings, name: str) -> int:
    return state_of(await read_states(settings), name).revision


async def _cut_over(
    settings: Settings, past: Past, reached: Offsets, progress: ProgressLine
) -> None:
    """Pause the agent, handle what it has handled meanwhile, and go on with the new table."""
    name = past.agent.name
    known = await _revision(settings, name)
    await set_state(settings, name, "replay", paused=True, why="cutting over", revision=known)
    try:
        await _ended(settings, name, known)
        final = await _reached(settings, past.agent)
        await run_past(settings, past, reached, final, progress)
        await _write(settings, past, known + 1)
        await _commit(settings, name, known + 1, final)
    except BaseException:
        await set_state(settings, name, "replay", paused=False, revision=known)
        raise
    await set_state(settings, name, "replay", paused=False, revision=known + 1)
    click.echo(f"\r{name} goes on with the table of this replay, its revision {known + 1}")


async def _ended(settings: Settings, name: str, revision: int) -> None:
    group = Group(group_name(name, revision)).id
    deadline = time.monotonic() + _END_SECONDS
    async with connected(settings, _SECONDS) as admin:
        while await groups_with_members(admin, [group]):
            if time.monotonic() > deadline:
                raise ParleyError(f"the processes of {name} do not end; it goes on as it was")
            await asyncio.sleep(0.2)


async def _write(settings: Settings, past: Past, revision: int) -> None:
    """Write the table of the replay to the changelog of its revision."""
    topic = changelog(Group(group_name(past.agent.name, revision)).id, TABLE)
    await provision(settings, [topic])
    producer = new_producer(settings)
    await producer.start()
    try:
        for key, raw in past.entries.values.items():
            _, scope, _ = scope_of(key)
            value = wrap(past.versions[key], msgspec.msgpack.encode(raw))
            partition = partition_of(scope.key, settings.partitions)
            await producer.send(topic.name, value, key.encode(), partition)
        await producer.flush()
    finally:
        await producer.stop()


async def _commit(settings: Settings, name: str, revision: int, offsets: Offsets) -> None:
    commits: dict[TopicPartition, OffsetAndMetadata] = {}
    async with LogReader(settings) as reader:
        for (topic, partition), offset in offsets.items():
            mark = ""
            if offset and (last := await reader.first(topic, partition, offset - 1)) is not None:
                mark = mark_of(record_of(last), now_ms()).text()
            commits[TopicPartition(topic, partition)] = OffsetAndMetadata(offset, mark)
    await commit_offsets(settings, Group(group_name(name, revision)).id, commits)


# ── what it says now ─────────────────────────────────────────────────────────────────────────────


async def _send(settings: Settings, past: Past) -> str:
    """Send what the agent says now: new messages, and edits of those that it said differently."""
    commands = list(_wanted(past))
    producer = new_producer(settings)
    await producer.start()
    try:
        for command in commands:
            partition = partition_of(command.room, settings.partitions)
            await producer.send_and_wait(RAW, encode(command), command.room.encode(), partition)
    finally:
        await producer.stop()
    edits = sum(isinstance(command, EditMessage) for command in commands)
    return f"{len(commands) - edits} commands sent, {edits} messages amended"


def _wanted(past: Past) -> list[AnyCommand]:
    found: list[AnyCommand] = []
    for command in past.commands.values():
        said = past.spoken.get(command.client_id)
        if said is None:
            joins = isinstance(command, AddMember) and command.user == command.by
            found += [] if joins else [command]
        elif isinstance(command, SendMessage) and command.text != said.text:
            found.append(
                EditMessage(
                    room=command.room,
                    by=command.by,
                    id=str(uuid_utils.uuid7()),
                    client_id=client_id(past.agent.name, 1, "replay", said.id, command.text),
                    seq=said.seq,
                    text=command.text,
                )
            )
    return found
