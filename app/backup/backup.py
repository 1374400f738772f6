"""Making a backup of a deployment while its chat goes on, and adding to one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Final

from aiokafka import TopicPartition

from app.backup.backup_folder import (
    BackupFolder,
    CopiedPartition,
    Manifest,
    Pending,
    Segment,
    segment_file,
)
from app.backup.copied_record import CopiedRecord, copied_chunks
from app.backup.copied_topics import ADDED, KEPT
from app.backup.segment_file import SegmentWriter
from app.deployment.preparation import moved_away, unusable
from app.deployment.topic import read_deployment
from app.errors import Malformed, ParleyError
from app.events import POS, Position, position_of
from app.kafka.admin import connected, group_offsets, partition_counts
from app.kafka.partition_reader import PartitionReader
from app.kafka.record_digests import digest_of
from app.runtime.clock import now_ms
from app.settings import Settings
from app.stream.groups import PIPELINE
from app.topics import LOG, MODERATED, RAW

#: Seconds to wait for the broker.
_WITHIN: Final = 30.0

#: Called with the number of records that were copied since the last call.
Progress = Callable[[int], None]


async def back_up(settings: Settings, folder: BackupFolder, progress: Progress) -> Manifest:
    """Copy what the folder lacks of the deployment's topics; the manifest of all that it has then.

    Every command that was accepted before the call is in it: as an event of the log, or as a
    command on its way. Raises `ParleyError` where the folder has the backup of another deployment,
    or of topics that have lost records since, or files that are no backup's.
    """
    folder.require_own()
    kept = await _kept_topics(settings)
    async with PartitionReader(settings) as reader:
        deployment = await read_deployment(reader)
        if not deployment.id:
            raise ParleyError(f"there is no deployment at {settings.broker}")
        if deployment.moved_to:
            raise ParleyError(moved_away(deployment.moved_to))
        manifest = folder.manifest() or Manifest(
            deployment=deployment.id, partitions=settings.partitions, at_ms=0
        )
        if manifest.deployment != deployment.id:
            raise ParleyError(
                f"{folder.path} has a backup of another deployment: choose another folder"
            )
        if manifest.partitions != settings.partitions:
            raise ParleyError(
                f"{folder.path} has a backup of {manifest.partitions} partitions:"
                f" set PARLEY_PARTITIONS={manifest.partitions}"
            )
        folder.require_files(manifest)
        await _check(reader, folder, manifest)
        manifest.at_ms = now_ms()
        # Before the log: what is decided meanwhile is in both, and what is on its way in one.
        manifest.pending = await _pending(settings, reader, folder, deployment.origin, progress)
        for topic in kept:
            for partition in range(settings.partitions):
                await _copy(reader, folder, manifest, topic, partition, progress)
    await asyncio.to_thread(folder.write, manifest)
    return manifest


async def _kept_topics(settings: Settings) -> list[str]:
    """The topics to copy. Raises `ParleyError` where one is missing that has to be there."""
    async with connected(settings, _WITHIN) as admin:
        there = await partition_counts(admin)
    if reason := unusable(settings, there):
        raise ParleyError(reason)
    kept = [topic for topic in KEPT if topic in there or topic not in ADDED]
    for topic in (RAW, MODERATED, *kept):
        if topic not in there:
            raise ParleyError(f"the topic {topic} is missing at {settings.broker}")
        if there[topic] != settings.partitions:
            raise ParleyError(
                f"the topic {topic} has {there[topic]} partitions:"
                f" set PARLEY_PARTITIONS={there[topic]}"
            )
    return kept


async def _check(reader: PartitionReader, folder: BackupFolder, manifest: Manifest) -> None:
    """Raise `ParleyError` where a topic is another than the one of which the folder has records."""
    for place in manifest.places:
        end = await reader.end(place.topic, place.partition)
        begin = await reader.begin(place.topic, place.partition)
        other = False
        if begin <= place.last < end:
            # In a compacted topic it may be gone, and a later one is there.
            async for record in reader.read(place.topic, place.partition, place.last, end):
                other = record.offset == place.last and digest_of(record) != place.digest
                break
        gap = place.topic == LOG and begin > place.next
        if other or gap or end < place.next:
            raise ParleyError(
                f"partition {place.partition} of {place.topic} is another than the one that"
                f" {folder.path} has a backup of: choose another folder"
            )


async def _pending(
    settings: Settings,
    reader: PartitionReader,
    folder: BackupFolder,
    origin: Callable[[str, int], int],
    progress: Progress,
) -> list[Pending]:
    """Copy the commands that are on their way: those behind the commits of the pipeline."""
    stamp = now_ms()
    found: list[Pending] = []
    for topic in (RAW, MODERATED):
        async with connected(settings, _WITHIN) as admin:
            commits = await group_offsets(admin, PIPELINE.id)
        for partition in range(settings.partitions):
            commit = commits.get(TopicPartition(topic, partition))
            start = max(0, commit.offset) if commit is not None else 0
            file = segment_file(topic, partition, start, f"-{stamp}")
            chunks = copied_chunks(reader, topic, partition, start)
            segment = await _write(folder, file, chunks, progress)
            if segment is not None:
                found.append(
                    Pending(
                        topic=topic,
                        partition=partition,
                        origin=origin(RAW, partition),
                        segment=segment,
                    )
                )
    return found


async def _copy(
    reader: PartitionReader,
    folder: BackupFolder,
    manifest: Manifest,
    topic: str,
    partition: int,
    progress: Progress,
) -> None:
    place = manifest.place(topic, partition)
    if place is None:
        first = await reader.begin(topic, partition)
        place = CopiedPartition(topic=topic, partition=partition, first=first, next=first)
        manifest.places.append(place)
    end = await reader.end(topic, partition)

    async def chunks() -> AsyncIterator[list[CopiedRecord]]:
        async for records in copied_chunks(reader, topic, partition, place.next, end):
            place.last, place.digest = records[-1].offset, digest_of(records[-1])
            if topic == LOG and (position := _last_position(records)):
                place.epoch, place.pos = position
            yield records

    segment = await _write(folder, segment_file(topic, partition, place.next), chunks(), progress)
    if segment is not None:
        place.segments.append(segment)
    place.next = end


def _last_position(records: Sequence[CopiedRecord]) -> Position | None:
    """The position of the last event among records of the log; `None` where there is none."""
    for record in reversed(records):
        with suppress(Malformed):
            if (header := dict(record.headers).get(POS)) is not None:
                return position_of(header, record.offset)
    return None


async def _write(
    folder: BackupFolder,
    file: str,
    chunks: AsyncIterator[list[CopiedRecord]],
    progress: Progress,
) -> Segment | None:
    """Write a file; `None` where there is nothing to write."""
    writer: SegmentWriter | None = None
    try:
        async for chunk in chunks:
            writer = writer or SegmentWriter(folder.path / file)
            await asyncio.to_thread(writer.write, chunk)
            progress(len(chunk))
    except BaseException:
        if writer is not None:
            writer.discard()
        raise
    if writer is None:
        return None
    await asyncio.to_thread(writer.finish)
    return Segment(file=file, count=writer.count)
