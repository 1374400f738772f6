"""archive: `chat.log` → the history store, once for each (room, n)."""

from __future__ import annotations

from contextlib import suppress
from functools import cache, partial
from typing import Any

import structlog

from app.delivery.erasures import ViewErasures
from app.delivery.valkey import connect
from app.delivery.view import View
from app.deployment.followed import followed_deployment
from app.errors import Malformed
from app.events import POS, decode_log, position_of
from app.history.entry import Entry
from app.history.epoch_cut import EpochCuts
from app.history.outage import about_values
from app.history.store import History
from app.kafka.log_positions import header_of
from app.kafka.record import Record
from app.privacy import retention
from app.privacy.erasure_topic import read_erasures
from app.runtime.clock import now_ms
from app.runtime.heartbeat import GROUP
from app.runtime.retry import AWAY, health_probe, retry_while_away
from app.stream.batch import Batch
from app.stream.batch_loop import batches
from app.stream.consumer_groups import group, raw_topic
from app.stream.groups import ARCHIVE
from app.stream.poison_isolation import apply_isolating
from app.topics import LOG, wrong_partition

app = group(ARCHIVE)
settings = app.context.settings
log = structlog.get_logger()


@cache
def history() -> History:
    """The store, made when the agent starts."""
    store = History(settings.history_url)
    store.lower_thread_priority()
    return store


@cache
def view() -> View:
    """The view in Valkey, which knows how long each room keeps messages."""
    return View(connect(settings.redis), settings.partitions)


@cache
def erasures() -> ViewErasures:
    """Removes old words from the view and from edges."""
    return ViewErasures(connect(settings.redis))


@cache
def epoch_cuts() -> EpochCuts:
    """Removes from the store what is no part of the log any more."""
    return EpochCuts(settings, history(), partial(read_erasures, settings))


@app.agent(raw_topic(app, LOG))
async def archive(stream: Any) -> None:
    """Write every event to the history store; while that is away, the log waits."""
    GROUP.set(app.conf.id)  # the group that is shown as waiting
    await retry_while_away("history", history().open)
    deployment = (await followed_deployment(settings)).now
    await retry_while_away("history", history().belong_to, deployment.id)
    await epoch_cuts().start()
    async for batch in batches(stream):
        found = [
            (record, placed)
            for record, entry in batch.decode(_entry)
            if (placed := _placed(batch, record, entry)) is not None
        ]
        # Epochs only grow: of each partition the last entry counts.
        newest = {entry.partition: entry.epoch for _, entry in found}
        await retry_while_away("history", epoch_cuts().settle, newest)
        await apply_isolating(batch, "history", history().append, found, about_values)


@app.timer(interval=2.0)  # type: ignore[untyped-decorator]
async def probe() -> None:
    """Probe the store, also when there is nothing to write."""
    with health_probe("history", app.conf.id, "archive"):
        await history().ping()


@app.timer(interval=1.0)  # type: ignore[untyped-decorator]
async def cut() -> None:
    """Cut the store at an epoch, also where no event has followed yet."""
    GROUP.set(app.conf.id)
    mine = dict.fromkeys(_partitions(), 0)
    if epoch_cuts().is_settled(mine):
        return
    with suppress(*AWAY):
        await history().open()
        await epoch_cuts().settle(mine)


@app.timer(interval=3600.0)  # type: ignore[untyped-decorator]
async def tidy() -> None:
    """Remove deleted and replaced texts from the disk, within an hour."""
    with suppress(*AWAY):
        await history().open()
        await history().tidy()


@app.timer(interval=3600.0)  # type: ignore[untyped-decorator]
async def sweep() -> None:
    """Drop messages that are older than their room keeps them, within an hour."""
    with suppress(*AWAY):
        await history().open()
        dropped = await retention.sweep(history(), view(), erasures(), _partitions(), now_ms())
        for room, count in dropped.items():
            if count:
                log.info("messages dropped by age", room=room, messages=count)


def _partitions() -> set[int]:
    return {place.partition for place in app.consumer.assignment() if place.topic == LOG}


def _entry(value: bytes) -> Entry:
    return Entry.of(decode_log(value), value)


def _placed(batch: Batch, record: Record, entry: Entry) -> Entry | None:
    """The entry with its place in the log; `None` for a record that has none, a dead letter."""
    try:
        if wrong := wrong_partition(entry.room, record.partition, settings.partitions):
            raise Malformed(wrong)
        return entry.at(record.partition, position_of(header_of(record, POS), record.offset))
    except Malformed as error:
        batch.dead_letter(record, str(error))
        return None
