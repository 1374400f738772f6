"""Restoring a deployment from a backup, into a cluster that has nothing of Parley.

The backup may be older than what readers have seen, so each partition of the log begins an epoch
behind its last event: a reader that saw later events gets a `reset`. Commands that were on their
way go on, without those that had become events of the log when the log was copied.
"""

from __future__ import annotations

from app.backup.arrival import arriving, complete, is_arriving
from app.backup.backup import Progress
from app.backup.backup_folder import BackupFolder, CopiedPartition, Manifest, Pending
from app.backup.copied_record import CopiedRecord
from app.backup.copied_topics import KEPT, PLACES
from app.backup.topic_writer import TopicWriter
from app.deployment.topic import begin, read_deployment
from app.domain.deployment import Deployment
from app.errors import Malformed, ParleyError
from app.events import (
    SRC,
    AnyBeginning,
    EpochBegun,
    OriginBegun,
    Source,
    decode_moderated,
    decode_src,
)
from app.kafka.admin import provision
from app.kafka.partition_reader import PartitionReader
from app.runtime.clock import iso_of, now_ms
from app.settings import Settings
from app.topics import LOG, MODERATED, RAW, TOPICS


async def restore(settings: Settings, folder: BackupFolder, progress: Progress) -> Manifest:
    """Write the backup into the cluster at `settings.broker`; its manifest.

    After an interruption, another call goes on with what was written. Raises `ParleyError` where
    the folder has no backup or a damaged one, and where the cluster has a deployment.
    """
    manifest = folder.existing()
    if manifest.partitions != settings.partitions:
        raise ParleyError(
            f"{folder.path} has a backup of {manifest.partitions} partitions:"
            f" set PARLEY_PARTITIONS={manifest.partitions}"
        )
    source = f"backup of {iso_of(manifest.at_ms)}"
    if not await is_arriving(settings):
        # Before anything is written: a damaged backup must not leave half a deployment.
        await check(folder, lambda _: None)
    await arriving(settings)
    await provision(settings, [*TOPICS, PLACES])
    decided = _Decided(manifest)
    async with TopicWriter(settings, source) as writer:
        for topic in KEPT:
            for partition in range(settings.partitions):
                if (place := manifest.place(topic, partition)) is not None:
                    await _write_place(folder, writer, place, decided, progress)
        for one in sorted(manifest.pending, key=lambda one: one.topic):  # moderated, then raw
            await _write_pending(folder, writer, one, decided, progress)
    await _begin(settings, manifest, f"restored from the {source}")
    await complete(settings)
    return manifest


async def check(folder: BackupFolder, progress: Progress) -> Manifest:
    """Read all of a backup; its manifest. Raises `ParleyError` for the first file with a fault."""
    manifest = folder.existing()
    for segment in folder.segments(manifest):
        async for chunk in folder.chunks(segment):
            progress(len(chunk))
    return manifest


class _Decided:
    """The commands of the backup that were on their way, and yet have become events of its log."""

    def __init__(self, manifest: Manifest) -> None:
        self._pending = {one.partition: one.origin for one in manifest.pending if one.topic == RAW}
        self._sources: dict[int, set[Source]] = {}

    def note_event(self, partition: int, record: CopiedRecord) -> None:
        if partition in self._pending:
            try:
                source = decode_src(dict(record.headers).get(SRC))
            except Malformed:
                return
            self._note(partition, source)

    def note_moderated(self, partition: int, record: CopiedRecord) -> None:
        if partition in self._pending:
            try:
                moderated = decode_moderated(record.value)
            except Malformed:
                return
            self._note(partition, moderated.source)

    def _note(self, partition: int, source: Source) -> None:
        if source.origin == self._pending[partition]:
            self._sources.setdefault(partition, set()).add(source)

    def has(self, partition: int, record: CopiedRecord) -> bool:
        source = Source(self._pending[partition], record.offset)
        return source in self._sources.get(partition, ())


async def _write_place(
    folder: BackupFolder,
    writer: TopicWriter,
    place: CopiedPartition,
    decided: _Decided,
    progress: Progress,
) -> None:
    await writer.resume(place.topic, place.partition, place.first)
    for segment in place.segments:
        async for chunk in folder.chunks(segment):
            if place.topic == LOG:
                for record in chunk:
                    decided.note_event(place.partition, record)
            await writer.append(place.topic, place.partition, chunk)
            progress(len(chunk))
    await writer.note(place.topic, place.partition, place.next)


async def _write_pending(
    folder: BackupFolder,
    writer: TopicWriter,
    pending: Pending,
    decided: _Decided,
    progress: Progress,
) -> None:
    topic, partition = pending.topic, pending.partition
    await writer.resume(topic, partition, 0)
    async for chunk in folder.chunks(pending.segment):
        new = chunk
        if topic == MODERATED:
            for record in chunk:
                decided.note_moderated(partition, record)
        else:
            new = [record for record in chunk if not decided.has(partition, record)]
        await writer.append(topic, partition, new)
        progress(len(chunk))


async def _begin(settings: Settings, manifest: Manifest, why: str) -> None:
    """Begin an epoch of each partition of the log, and an origin of each of `chat.raw`."""
    async with PartitionReader(settings) as reader:
        deployment = await read_deployment(reader)
    beginnings: list[AnyBeginning] = []
    for partition in range(settings.partitions):
        place = manifest.place(LOG, partition)
        start = 0 if place is None else place.pos + 1
        known = 0 if place is None else place.epoch
        if not _has_begun(deployment, partition, why):
            beginnings += [
                EpochBegun(
                    partition=partition,
                    epoch=max(deployment.epoch(partition), known) + 1,
                    start=start,
                    at_ms=now_ms(),
                    why=why,
                ),
                OriginBegun(
                    topic=RAW,
                    partition=partition,
                    origin=deployment.origin(RAW, partition) + 1,
                    start=0,
                    at_ms=now_ms(),
                    why=why,
                ),
            ]
    if beginnings:
        await begin(settings, *beginnings)


def _has_begun(deployment: Deployment, partition: int, why: str) -> bool:
    """An interrupted call may have begun the epoch already."""
    return any(one.partition == partition and one.why == why for one in deployment.epochs)
