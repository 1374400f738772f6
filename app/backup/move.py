"""Moving a deployment to another Kafka cluster while its chat goes on.

All topics are copied, and then what they have got since, until little is left. Then the deployment
is declared to have moved: workers and edges end by themselves, the rest is copied, and the consumer
groups stand in the new cluster where they stood. No epoch begins, because nothing was lost: cursors
and client ids stay valid.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any, Final, NamedTuple

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from app.backup.arrival import arriving, complete, is_arriving
from app.backup.backup import Progress
from app.backup.copied_record import copied_chunks
from app.backup.copied_topics import moved_topics
from app.backup.group_commits import carry_commits, groups_of
from app.backup.topic_writer import TopicWriter
from app.deployment.topic import begin, read_deployment
from app.domain.deployment import Deployment
from app.errors import Malformed, ParleyError
from app.events import (
    DeploymentKept,
    DeploymentMoved,
    EpochBegun,
    OriginBegun,
    Position,
    decode_moderated,
)
from app.kafka.admin import (
    alter_settings,
    cluster_id,
    connected,
    group_offsets,
    own_settings,
    partition_counts,
    provision,
)
from app.kafka.group_members import groups_with_members
from app.kafka.log_positions import last_position
from app.kafka.partition_reader import PartitionReader
from app.runtime.clock import now_ms
from app.settings import Settings
from app.stream.groups import PIPELINE
from app.topics import CONNECTIONS, LOG, MODERATED, RAW, RECEIPTS, TOPICS, Topic

#: Seconds to wait for the broker.
_WITHIN: Final = 30.0
#: A pass that copied fewer records than this is level with the source: the next takes a moment.
_LEVEL: Final = 2000
#: Seconds without a new command after which edges have ended.
_QUIET: Final = 3.0
#: Seconds in which workers and edges end: an orderly stop takes up to 20, and a member that is dead
#: leaves its group after 15.
_END_SECONDS: Final = 90.0
#: Milliseconds by which the clocks of processes may differ.
_CLOCKS_MS: Final = 60_000

#: Topics whose records are copied at the end: commands on their way.
_PASSING: Final = frozenset({RAW, MODERATED})

#: Called with a line for the user.
Say = Callable[[str], None]


class Clients(NamedTuple):
    """An admin client and a reader of the source, and the writer to the target."""

    admin: AIOKafkaAdminClient
    reader: PartitionReader
    writer: TopicWriter


class Move:
    """A move from one cluster to another, made by `moving`.

    `topics` are those that move, with their numbers of partitions.
    """

    def __init__(
        self,
        source: Settings,
        target: Settings,
        topics: Mapping[str, int],
        clients: Clients,
        progress: Progress,
    ) -> None:
        self.source = source
        self.target = target
        self._topics = topics
        self._admin, self._reader, self._writer = clients
        self._progress = progress
        #: By topic and partition: the next offset to copy.
        self._next: dict[tuple[str, int], int] = {}

    async def resume(self) -> None:
        """Find out what the target has. Raises `ParleyError` where it has other records."""
        for topic, count in self._topics.items():
            for partition in range(count):
                first = await self._reader.begin(topic, partition)
                start = await self._writer.resume(topic, partition, first)
                self._next[topic, partition] = start

    async def copy(self) -> int:
        """Copy until the target is level with the source; the number of records."""
        total = 0
        while copied_now := await self._pass():
            total += copied_now
            if copied_now < _LEVEL:
                break
        return total

    async def finish(self, say: Say) -> int:
        """End the deployment in the source, and copy the rest; the number of groups.

        After an interruption, another call goes on. Raises `ParleyError` where a worker or an edge
        does not end.
        """
        await begin(self.source, DeploymentMoved(to=self.target.broker, at_ms=now_ms()))
        say("workers and edges end")
        await self._ended()
        await _limit_records(self._admin, {"max.message.bytes": "0"})
        await self._pass()
        for partition in range(self.source.partitions):
            await self._copy_commands(partition)
        await self._compare()
        async with PartitionReader(self.target) as target:
            groups = await carry_commits(
                self._admin, self._reader, target, self.target, self._topics
            )
        await self._begin_origins()
        await complete(self.target)
        return groups

    async def _pass(self) -> int:
        """Copy what every partition has now; the number of records."""
        total = 0
        for topic, partitions in self._topics.items():
            ends = await self._reader.ends(topic, partitions)
            for partition, end in enumerate(ends):
                if self._next[topic, partition] < end:
                    total += await self._copy(topic, partition, end)
        return total

    async def _copy(self, topic: str, partition: int, end: int) -> int:
        total, start = 0, self._next[topic, partition]
        async for records in copied_chunks(self._reader, topic, partition, start, end):
            count = await self._writer.append(topic, partition, records)
            self._progress(count)
            total += count
        self._next[topic, partition] = end
        await self._writer.note(topic, partition, end)
        return total

    async def _ended(self) -> None:
        """Return when no consumer group has members, and no command has come for a while."""
        loop = asyncio.get_running_loop()
        deadline, ends, quiet_since = loop.time() + _END_SECONDS, [-1], loop.time()
        while True:
            members = await groups_with_members(self._admin, await groups_of(self._admin))
            now = await self._reader.ends(RAW, self.source.partitions)
            if now != ends:
                ends, quiet_since = now, loop.time()
            if not members and loop.time() - quiet_since > _QUIET:
                return
            if loop.time() > deadline:
                still = f"these consumer groups have members: {', '.join(members)}"
                raise ParleyError(
                    f"{still if members else 'commands still come'}; stop the workers and edges"
                    f" of {self.source.broker}, and run the command again"
                )
            await asyncio.sleep(0.2)

    async def _copy_commands(self, partition: int) -> None:
        """Copy the commands that are on their way: moderated ones, and those before that."""
        commits = await group_offsets(self._admin, PIPELINE.id)
        starts = {
            topic: max(0, commit.offset)
            for topic in (RAW, MODERATED)
            if (commit := commits.get(TopicPartition(topic, partition))) is not None
        }
        for topic in (MODERATED, RAW):
            start = max(starts.get(topic, 0), await self._writer.resume(topic, partition, 0))
            decided: set[int] | None = None if topic == RAW else set()
            async for records in copied_chunks(self._reader, topic, partition, start):
                if decided is None:
                    decided = await self._decided(partition, records[0].timestamp_ms)
                left = [record for record in records if record.offset not in decided]
                await self._writer.append(topic, partition, left)

    async def _decided(self, partition: int, since_ms: int) -> set[int]:
        """The offsets of the commands that moderation has decided, and not committed."""
        origin = (await read_deployment(self._reader)).origin(RAW, partition)
        start = await self._reader.since(MODERATED, partition, since_ms - _CLOCKS_MS)
        found: set[int] = set()
        async for record in self._reader.read(MODERATED, partition, start):
            try:
                source = decode_moderated(record.value).source
            except Malformed:
                continue
            if source.origin == origin:
                found.add(source.offset)
        return found

    async def _compare(self) -> None:
        """Raise `ParleyError` where the log of the target does not end as that of the source."""
        async with PartitionReader(self.target) as target:
            for partition in range(self.source.partitions):
                there: Position = await last_position(self._reader, partition)
                here = await last_position(target, partition)
                if there != here:
                    raise ParleyError(
                        f"partition {partition} of {LOG} ends at {there.pos}, and its copy at"
                        f" {here.pos}: delete the topics at {self.target.broker}, and move again"
                    )

    async def _begin_origins(self) -> None:
        """The offsets of `chat.raw` in the target are others."""
        async with PartitionReader(self.target) as target:
            deployment = await read_deployment(target)
        await begin(
            self.target,
            *(
                OriginBegun(
                    topic=RAW,
                    partition=partition,
                    origin=deployment.origin(RAW, partition) + 1,
                    start=0,
                    at_ms=now_ms(),
                    why=f"moved from {self.source.broker}",
                )
                for partition in range(self.source.partitions)
            ),
        )


@asynccontextmanager
async def moving(
    source: Settings, target: Settings, own: Collection[str], progress: Progress
) -> AsyncIterator[Move]:
    """A move, begun or continued; `own` are topics of a user's agents that move as well.

    Raises `ParleyError` where it can't be, with the reason.
    """
    name = f"cluster {await cluster_id(source)}"
    if name == f"cluster {await cluster_id(target)}":
        raise ParleyError(f"{source.broker} and {target.broker} are the same Kafka cluster")
    async with AsyncExitStack() as stack:
        admin = await stack.enter_async_context(connected(source, _WITHIN))
        reader = await stack.enter_async_context(PartitionReader(source))
        there = await partition_counts(admin)
        known = await _require_deployment(source, reader, there)
        if unknown := sorted(set(own) - there.keys()):
            raise ParleyError(f"there is no topic {', '.join(unknown)} at {source.broker}")
        topics = {topic: there[topic] for topic in moved_topics(there, own)}
        await arriving(target)
        await _create(admin, target, topics)
        writer = await stack.enter_async_context(TopicWriter(target, name))
        if writer.begun & _PASSING and not known.moved_to:
            raise ParleyError(
                f"a move to {target.broker} was given up after its commands were copied: delete"
                " the topics of Parley there"
            )
        if begun := sorted(writer.begun - topics.keys() - _PASSING):
            again = " ".join(f"--topic {topic}" for topic in begun)
            raise ParleyError(f"topics that were copied before would stay behind: add {again}")
        move = Move(source, target, topics, Clients(admin, reader, writer), progress)
        await move.resume()
        yield move


async def cancel(source: Settings, target: Settings, *, lost: bool) -> None:
    """Give a move up: the deployment goes on in the source.

    With `lost` also a move that is complete, whose target is lost for good. What people saw there
    is no part of the log then, so each partition begins an epoch. Raises `ParleyError` where no
    move to the target began, and for a complete one that is not lost.
    """
    async with connected(source, _WITHIN) as admin:
        async with PartitionReader(source) as reader:
            known = await read_deployment(reader)
            ends = [await last_position(reader, place) for place in range(source.partitions)]
        if known.moved_to != target.broker:
            where = f"moved to {known.moved_to}, not to" if known.moved_to else "has not moved to"
            raise ParleyError(f"the deployment at {source.broker} {where} {target.broker}")
        if not lost and not await is_arriving(target):
            raise ParleyError(
                f"the move to {target.broker} is complete, and the deployment may have gone on"
                f" there: move it back from there, or add --lost if {target.broker} is lost for"
                " good, with every message that was accepted there"
            )
        await _limit_records(admin, {})
    epochs = [
        EpochBegun(
            partition=partition,
            epoch=max(known.epoch(partition), end.epoch) + 1,
            start=end.pos + 1,
            at_ms=now_ms(),
            why=f"the move to {target.broker} was given up",
        )
        for partition, end in enumerate(ends)
    ]
    await begin(source, *(epochs if lost else ()), DeploymentKept(at_ms=now_ms()))


async def _limit_records(admin: AIOKafkaAdminClient, limit: dict[str, str]) -> None:
    """Set or remove a limit of the records that edges write.

    With a limit of 0 Kafka refuses what an edge that was cut off might still write.
    """
    for topic in (RAW, RECEIPTS, CONNECTIONS):
        own = (await own_settings(admin, [topic]))[topic]
        own.pop("max.message.bytes", None)
        await alter_settings(admin, topic, {**own, **limit})


async def has_left(source: Settings) -> str:
    """The broker of the cluster that the deployment was declared to have moved to; or empty."""
    async with PartitionReader(source) as reader:
        return (await read_deployment(reader)).moved_to


async def has_arrived(source: Settings, target: Settings) -> bool:
    """Whether the deployment has moved there, and the copy is complete."""
    async with PartitionReader(source) as reader:
        known = await read_deployment(reader)
    if known.moved_to != target.broker or await is_arriving(target):
        return False
    async with PartitionReader(target) as reader:
        return (await read_deployment(reader)).id == known.id


async def _require_deployment(
    source: Settings, reader: PartitionReader, there: dict[str, int]
) -> Deployment:
    for topic in TOPICS:
        if topic.name not in there:
            raise ParleyError(f"the topic {topic.name} is missing at {source.broker}")
    if there[LOG] != source.partitions:
        raise ParleyError(
            f"the topic {LOG} has {there[LOG]} partitions: set PARLEY_PARTITIONS={there[LOG]}"
        )
    known = await read_deployment(reader)
    if not known.id:
        raise ParleyError(f"there is no deployment at {source.broker}")
    return known


async def _create(admin: AIOKafkaAdminClient, target: Settings, topics: dict[str, int]) -> None:
    """Create the topics in the target: Parley's as ever, others as they are in the source."""
    await provision(target, TOPICS)
    parleys = {topic.name for topic in TOPICS}
    others = {name: count for name, count in topics.items() if name not in parleys}
    configs: dict[str, dict[str, Any]] = await own_settings(admin, list(others))
    for name in configs:
        # The copies of a cluster of another size are as many as the settings say.
        configs[name].pop("min.insync.replicas", None)
    for count in sorted(set(others.values())):
        some = [Topic(name, configs[name]) for name, number in others.items() if number == count]
        await provision(replace(target, partitions=count), some)
