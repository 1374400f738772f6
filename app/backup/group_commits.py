"""Carrying the commits of consumer groups to another cluster, where records have other offsets."""

from __future__ import annotations

from collections.abc import Collection

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import OffsetAndMetadata

from app.backup.copied_record import copied
from app.backup.topic_writer import NOTES
from app.kafka.admin import group_offsets
from app.kafka.group_commits import commit_offsets
from app.kafka.partition_reader import PartitionReader
from app.kafka.record import record_of
from app.runtime.clock import now_ms
from app.settings import Settings
from app.stream.commit_marks import mark_of


async def groups_of(admin: AIOKafkaAdminClient) -> list[str]:
    """The consumer groups of a deployment: Parley's own, and those of a user's agents."""
    found = {name for name, *_ in await admin.list_consumer_groups()}
    return sorted(name for name in found - {NOTES} if name.startswith("parley-"))


async def carry_commits(
    admin: AIOKafkaAdminClient,
    source: PartitionReader,
    target: PartitionReader,
    settings: Settings,
    topics: Collection[str],
) -> int:
    """Commit in the cluster at `settings.broker` what the groups have committed in the source's.

    For these topics, whose records must all be copied. Counted from the end, because the copy of a
    topic may begin at another offset. Returns the number of groups.
    """
    groups = await groups_of(admin)
    for group in groups:
        commits = await group_offsets(admin, group)
        carried: dict[TopicPartition, OffsetAndMetadata] = {}
        for place, commit in commits.items():
            if place.topic in topics and commit.offset >= 0:
                carried[place] = await _carried(source, target, place, commit.offset)
        if carried:
            await commit_offsets(settings, group, carried)
    return len(groups)


async def _carried(
    source: PartitionReader, target: PartitionReader, place: TopicPartition, offset: int
) -> OffsetAndMetadata:
    """The commit in the target: as many records before the end, with the mark of its record."""
    behind = 0
    async for record in source.read(place.topic, place.partition, offset):
        behind += copied(place.topic, record) is not None
    end = await target.end(place.topic, place.partition)
    at = max(await target.begin(place.topic, place.partition), end - behind)
    async for record in target.read(place.topic, place.partition, max(0, at - 1), at):
        return OffsetAndMetadata(at, mark_of(record_of(record), now_ms()).text())
    return OffsetAndMetadata(at, "")
