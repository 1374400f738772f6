"""The loop that every agent of Parley runs on.

    async for batch in batches(stream, tables=(rooms, members)):
        for record, command in batch.decode(decode_command):
            batch.send(MODERATED, …)

The body decides by the tables as this batch sees them, and adds outputs. When it asks for the next
batch, the outputs of this one are in Kafka. The table changes follow with those of other batches:
to Kafka, then to RocksDB, and only then the offsets may be committed (app/stream/checkpoint.py). In
this order no offset is committed whose effect is not in Kafka. On any failure the process ends: its
successor begins at the last commit, and drops by number what it does for the second time.

Stock Faust does not give this guarantee: docs/decisions/the-loop.md has the measurements.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

from app.deployment.followed import FollowedDeployment, followed_deployment
from app.deployment.log_reader import is_part
from app.domain.deployment import Deployment
from app.kafka.record import Record
from app.runtime.clock import now_ms
from app.runtime.heartbeat import GROUP, heartbeat_of
from app.stream.acks import CHUNK_RECORDS, acks_of, record_count, waited
from app.stream.batch import Batch
from app.stream.changelog_reader import read_changelogs
from app.stream.checkpoint import INTERVAL, Checkpointer
from app.stream.table import Table
from app.topics import LOG

#: The most records of a batch. More gain little, and take longer to repeat after a crash.
MAX_RECORDS = 500


async def batches(
    stream: Any,
    tables: Sequence[Table[Any]] = (),
    limit: int = MAX_RECORDS,
    *,
    at_assignment: bool = False,
) -> AsyncIterator[Batch]:
    """The stream's records in batches; each batch's outputs are in Kafka before the next batch.

    A batch has the records that have arrived meanwhile, from one up to `limit`: a lone record waits
    for no other. With `at_assignment` every partition is in a batch soon after it was assigned,
    without a record if none has come. Raises what the body or Kafka raises; the group's supervisor
    then ends the process.
    """
    app = stream.app
    queue = stream.channel.queue
    GROUP.set(app.conf.id)
    heartbeat = heartbeat_of(app.conf.id)
    producer = await _producer(app)
    checkpointer = await _checkpointer(app, tables)
    deployment = await _deployment(app)
    if at_assignment and app.started:
        app.consumer.announce(stream.channel.topics[0])
    stages = app.context.metrics.stages
    while True:
        try:
            items = [await queue.get()]
        except StopAsyncIteration:  # Faust stops the agent
            return
        count = record_count(items[0])
        while count <= limit - CHUNK_RECORDS and not queue.empty():
            items.append(queue.get_nowait())
            count += record_count(items[-1])
        if (acks := acks_of(app, items)) is None:
            continue
        batch = Batch(app, producer, acks, tables, checkpointer)
        if deployment is not None and deployment.now.epochs:
            batch.leave_out(partial(_is_part, deployment.now))
        with heartbeat.batch_in_hand():
            yield batch
            await batch.finish()
        now = now_ms()
        for topic, since_ms, records in waited(items):
            stages.of(app.conf.id, topic).add((now - since_ms) / 1000, records)


async def _checkpointer(app: Any, tables: Sequence[Table[Any]]) -> Checkpointer | None:
    if not tables:
        return None
    read = partial(read_changelogs, app.context.settings, app.conf.id)
    return Checkpointer(await _producer(app), tables, read, INTERVAL if app.started else 0)


async def _deployment(app: Any) -> FollowedDeployment | None:
    """The deployment, where there are regions: their logs have events that are no part of it."""
    settings = app.context.settings
    return await followed_deployment(settings) if settings.region and app.started else None


def _is_part(deployment: Deployment, record: Record) -> bool:
    return record.topic != LOG or is_part(record, deployment)


async def _producer(app: Any) -> Any:
    """A producer of this caller's own: each has a single request in flight to each broker."""
    if not app.started:  # under Faust's `test_context`
        return app.producer
    return await app.add_runtime_dependency(app.new_producer())
