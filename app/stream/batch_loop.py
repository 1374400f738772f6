"""The loop that every agent of Parley runs on.

    async for batch in batches(stream, tables=(rooms, members)):
        for record, command in batch.decode(decode_command):
            batch.send(MODERATED, …)

The body decides, over the tables' overlay, and says what is to be sent. When it comes back for
the next batch, the outputs of this one are in Kafka. The table changes follow with those of other
batches: to Kafka, then to RocksDB, and then the offsets may be committed
(app/stream/checkpoint.py). In this order nothing can be committed whose effect is not in Kafka. Any
doubt ends the process: its successor begins at the last commit, and what it does twice is dropped
by number.

Stock Faust does not give that: docs/decisions/the-loop.md has the measurements.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

from app.runtime.heartbeat import GROUP, heartbeat_of
from app.stream.acks import CHUNK_RECORDS, size, take
from app.stream.batch import Batch
from app.stream.changelog_reader import read_changelogs
from app.stream.checkpoint import EVERY, Checkpointer
from app.stream.table import Table

#: Records in a batch at most. More gain little and make a later start after a crash.
MAX_RECORDS = 500


async def batches(
    stream: Any, tables: Sequence[Table[Any]] = (), limit: int = MAX_RECORDS
) -> AsyncIterator[Batch]:
    """The stream's records in batches; the outputs of each are in Kafka before the next is given.

    A batch is what has come meanwhile, at least one record and at most `limit`: a lone record
    waits for nobody. Raises what the body or Kafka raises; the group's supervisor then ends the
    process.
    """
    app = stream.app
    queue = stream.channel.queue
    GROUP.set(app.conf.id)
    signs = heartbeat_of(app.conf.id)
    producer = await _producer(app)
    keeping = await _keeping(app, tables)
    while True:
        try:
            items = [await queue.get()]
        except StopAsyncIteration:  # Faust stops the agent
            return
        count = size(items[0])
        while count <= limit - CHUNK_RECORDS and not queue.empty():
            items.append(queue.get_nowait())
            count += size(items[-1])
        if (taken := take(app, items)) is None:
            continue
        batch = Batch(app, producer, taken, tables, keeping)
        with signs.at_work():
            yield batch
            await batch.finish()


async def _keeping(app: Any, tables: Sequence[Table[Any]]) -> Checkpointer | None:
    if not tables:
        return None
    read = partial(read_changelogs, app.context.settings, app.conf.id)
    return Checkpointer(await _producer(app), tables, read, EVERY if app.started else 0)


async def _producer(app: Any) -> Any:
    """A producer of one's own: one has a single request under way to each broker."""
    if not app.started:  # under Faust's `test_context`
        return app.producer
    return await app.add_runtime_dependency(app.new_producer())
