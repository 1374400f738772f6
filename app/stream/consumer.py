"""The consumer of strict groups: records in chunks by partition, fetched in the event loop.

Stock Faust makes two tasks and an event of each record, and fetches in a thread of its own for
each group; docs/performance.md has the cost. Here the records of a partition go to the agent's
queue in chunks as they were fetched. The agent acknowledges chunks, and what it has acknowledged is
what this consumer commits.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiokafka.errors import IllegalStateError, KafkaError
from faust.transport.drivers import aiokafka as stock
from faust.types import TP

from app.errors import Unreachable
from app.kafka.record import Record, record_of
from app.runtime.clock import now_ms
from app.stream.acks import CHUNK_RECORDS, Chunk
from app.stream.assignment_check import AssignmentCheck
from app.stream.commit_check import check_commits
from app.stream.commit_marks import mark_of
from app.stream.consumer_thread import InLoopConsumerThread
from app.stream.fetch_control import FetchControl
from app.stream.lag import Behind, UnprocessedChunks
from app.stream.local_handoff import LOCAL_READERS

#: Records in an agent's queue: at `PAUSE_AT` its topic is paused, at `RESUME_AT` resumed.
PAUSE_AT = 4000
RESUME_AT = 2000

#: The most seconds of a fetch.
_FETCH_SECONDS = 1.0

#: Seconds in which Kafka tells the bounds of a partition; otherwise it is away.
_BOUNDS_SECONDS = 5.0


class ChunkConsumer(stock.Consumer):
    """Faust's consumer for groups whose agents are all on Parley's loop, one agent a topic."""

    _thread: InLoopConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        app: Any = self.app
        self._low_latency: bool = app.declared.low_latency
        #: When Kafka was first asked for ends in vain, since it last answered.
        self._silent_since: float | None = None
        #: By partition: the offset that may be committed, and the one that is.
        self._acked_to: dict[TP, int] = {}
        self._committed_to: dict[TP, int] = {}
        #: By partition: the record before `_acked_to`.
        self._acked_records: dict[TP, Record] = {}
        #: Deferred records by partition and offset: the first one is the last to be committed.
        self._deferred: dict[TP, dict[int, Record]] = {}
        #: By partition: the origin of its offsets, where it is not the first.
        self._origins: Mapping[tuple[str, int], int] = {}
        #: The first offsets of partitions without a commit, which are committed before any record
        #: is read: a group that dies before its first commit must not look like one that lost it.
        self._lacking: Mapping[TP, int] = {}
        #: Topics whose agents are told of assigned partitions, and of the last generation told.
        self._announced: dict[str, int] = {}
        #: By partition: the offset at which this worker began with it.
        self._begun_at: dict[TP, int] = {}
        self._unprocessed = UnprocessedChunks()
        self._queued: Counter[str] = Counter()
        self._paused: set[str] = set()
        self._batches = 0
        self._batch_done = asyncio.Event()
        self._fetching = FetchControl(lambda: self._aiokafka)
        self._check = AssignmentCheck(self.app)

    # ── from Kafka to the agents ─────────────────────────────────────────────────────────────

    async def _drain_messages(self, fetcher: Any) -> None:
        LOCAL_READERS.add(self)
        try:
            while not (self.should_stop or fetcher.should_stop):
                if self.flow_active:
                    if self._lacking and await self._commit(self._lacking):
                        self._lacking = {}
                    self._announce_assigned()
                    fetched = await self._fetched()
                    self._enqueue_fetched(fetched)
                    if not self._low_latency:
                        self._fetching.gather(sum(map(len, fetched.values())))
                else:
                    await self.wait(self.can_resume_flow)  # type: ignore[arg-type]
        except self.consumer_stopped_errors:
            if not self.app.should_stop:
                raise
        finally:
            LOCAL_READERS.discard(self)

    def announce(self, topic: str) -> None:
        """Let the topic's agent know of each partition that is assigned from now on."""
        self._announced[topic] = -1

    def wake(self, place: TP) -> None:
        """Have the topic's agent take a batch soon, as if the partition had just been assigned.

        For an agent with work that follows from no record.
        """
        if self.flow_active and place in (self._active_partitions or ()):
            self._queue(place).put_nowait(Chunk(place, (), self.app.consumer_generation_id))

    def caught_up(self, place: TP) -> bool:
        """Whether the agent's queue is empty, and the partition was read to its end."""
        end = self.end_at_fetch(place)
        if end is None or not self._queue(place).empty():
            return False
        state = self._aiokafka._subscription.subscription.assignment.state_value(place)
        return bool(state is not None and state.has_valid_position and state.position >= end)

    def _announce_assigned(self) -> None:
        generation = self.app.consumer_generation_id
        for topic, told in self._announced.items():
            if told == generation:
                continue
            for place in self._get_active_partitions():
                if place.topic == topic:
                    self._announced[topic] = generation
                    self._queue(place).put_nowait(Chunk(TP(*place), (), generation))

    async def _fetched(self) -> Mapping[Any, Sequence[Any]]:
        active = self._get_active_partitions()
        if not active:
            await self.sleep(0.05)
            return {}
        found: Mapping[Any, Sequence[Any]] = await self._thread.getmany(active, _FETCH_SECONDS)
        return found

    def _enqueue_fetched(self, fetched: Mapping[Any, Sequence[Any]]) -> None:
        """To be called with the result of a fetch, without an `await` in between."""
        generation = self.app.consumer_generation_id
        for place, records in fetched.items():
            place = TP(place.topic, place.partition)
            if not self.flow_active:
                self._seek_back(place, records[0].offset)
                continue
            chunks = range(0, len(records), CHUNK_RECORDS)
            times = [records[start].timestamp for start in chunks]
            self._enqueue(place, [record_of(record) for record in records], generation, times)

    def _enqueue(
        self, place: TP, records: Sequence[Record], generation: int, times: Sequence[int]
    ) -> None:
        """Give records to the agent in chunks; `times`: since when Kafka has the first of each."""
        queue = self._queue(place)
        for start, since_ms in zip(range(0, len(records), CHUNK_RECORDS), times, strict=True):
            part = records[start : start + CHUNK_RECORDS]
            chunk = Chunk(place, part, generation, since_ms)
            queue.put_nowait(chunk)
            self._unprocessed.add(chunk)
        self._queued[place.topic] += len(records)
        if self._queued[place.topic] >= PAUSE_AT:
            self._pause(place.topic)

    def reads(self, topic: str, partition: int) -> bool:
        """Whether this process's records of the partition are handed to this group."""
        return self._low_latency and (topic, partition) in (self._active_partitions or ())

    def receive(self, records: Sequence[Record]) -> None:
        """Take records of a partition that this process has written, and that Kafka has.

        Only if they are the next to be fetched; all others are fetched.
        """
        place = TP(records[0].topic, records[0].partition)
        ready = self.flow_active and not self.should_stop and place.topic not in self._paused
        if ready and self._fetching.skip(place, records[0].offset, records[-1].offset + 1):
            times = [now_ms()] * -(-len(records) // CHUNK_RECORDS)
            self._enqueue(place, records, self.app.consumer_generation_id, times)
        else:
            self._fetching.fetch_again(place)

    def _queue(self, place: TP) -> Any:
        conductor: Any = self.app.topics
        [channel] = conductor._topic_name_index[place.topic]
        return channel.queue

    def _seek_back(self, place: TP, offset: int) -> None:
        with suppress(IllegalStateError):  # The partition may be another worker's by now.
            self._aiokafka.seek(place, offset)

    def _pause(self, topic: str) -> None:
        if topic not in self._paused:
            self._paused.add(topic)
            self._aiokafka.pause(*self._partitions(topic))

    def _resume(self, topic: str) -> None:
        if topic in self._paused:
            self._paused.discard(topic)
            self._aiokafka.resume(*self._partitions(topic))

    def _partitions(self, topic: str) -> list[Any]:
        return [place for place in self._aiokafka.assignment() if place.topic == topic]

    @property
    def _aiokafka(self) -> Any:
        return self._thread._ensure_consumer()

    # ── from the agents to Kafka ─────────────────────────────────────────────────────────────

    def take(self, chunks: Iterable[Chunk]) -> None:
        """Note that an agent has a batch of chunks in hand, until it calls `ack_chunks`."""
        self._batches += 1
        for chunk in chunks:
            topic = chunk.place.topic
            self._queued[topic] = max(0, self._queued[topic] - len(chunk.records))
            if self._queued[topic] <= RESUME_AT:
                self._resume(topic)

    def ack_chunks(self, chunks: Iterable[Chunk]) -> None:
        """Let the chunks' offsets be committed: Kafka has everything that follows from them."""
        for chunk in chunks:
            if chunk.records and chunk.generation_id == self.app.consumer_generation_id:
                self._acked_to[chunk.place] = chunk.end
                self._acked_records[chunk.place] = chunk.records[-1]
                self._unprocessed.drop(chunk.place, self._committable(chunk.place, chunk.end))
        self._batches -= 1
        self._batch_done.set()

    def defer(self, record: Record) -> Callable[[], None]:
        """Commit nothing from this record on until the returned function is called."""
        deferred = self._deferred.setdefault(TP(record.topic, record.partition), {})
        deferred[record.offset] = record

        def resolve() -> None:
            # By this very dict, not by partition: after a rebalance the record may be here again.
            deferred.pop(record.offset, None)

        return resolve

    def mark_for(self, place: TP, offset: int) -> str:
        """What Kafka is to keep with the commit of an offset, to tell whether it still fits."""
        record = self._deferred.get(place, {}).get(offset) or self._acked_records.get(place)
        if record is None or record.offset not in (offset, offset - 1):
            return ""
        return mark_of(record, now_ms()).text()

    def origin(self, topic: str, partition: int) -> int:
        """The origin of a partition's offsets, as of the last assignment."""
        return self._origins.get((topic, partition), 0)

    def _committable(self, place: TP, acked_to: int) -> int:
        deferred = self._deferred.get(place)
        return min(acked_to, min(deferred)) if deferred else acked_to

    async def wait_empty(self) -> None:
        """Return when no agent has a batch in hand, and all of them are committed."""
        while self._batches and not self.should_stop:
            self._batch_done.clear()
            await self.wait(self._batch_done)  # type: ignore[arg-type]
        await self.commit()

    async def force_commit(self, *_: Any, **__: Any) -> bool:
        """Commit what was acknowledged since the last commit; whether there was anything."""
        mine = self.assignment()
        due = {
            place: offset
            for place, acked_to in self._acked_to.items()
            if (offset := self._committable(place, acked_to)) > self._committed_to.get(place, 0)
            and place in mine
        }
        if not due or not await self._commit(due):
            return False
        self._committed_to |= due
        return True

    def end_at_fetch(self, place: TP) -> int | None:
        """The end of the partition as of its last fetch, if that is known."""
        known: int | None = self.highwater(place) if place in self.assignment() else None
        return known

    def lag(self, ends: Mapping[TP, int]) -> dict[TP, Behind]:
        """The lag of each partition of this worker, as of the last fetch, or of known `ends`.

        A topic that is paused is not fetched, and neither is one whose records are handed off.
        """
        logs = self.app.tables.changelog_topics
        found: dict[TP, Behind] = {}
        for assigned in self.assignment():
            place = TP(*assigned)
            acked_to = self._acked_to.get(place, self._begun_at.get(place))
            if place.topic in logs or acked_to is None:
                continue
            # Not `end_at_fetch`: the whole assignment for each partition is most of a scrape.
            end: int | None = self.highwater(place)
            if end is None:
                continue
            processed = self._committable(place, acked_to)
            end = max(end, ends.get(place, 0))
            found[place] = self._unprocessed.behind(place, processed, end)
        return found

    async def bounds(self, place: TP) -> tuple[int, int]:
        """The committed offset, 0 where none is, and the end of the partition.

        Raises `Unreachable`.
        """
        try:
            async with asyncio.timeout(_BOUNDS_SECONDS):
                committed = await self._aiokafka.committed(place)
                return int(committed or 0), (await self.highwaters(place))[place]
        except (KafkaError, TimeoutError) as error:
            raise Unreachable(f"Kafka: {error!r}") from error

    async def ends(self, places: Collection[TP]) -> Mapping[TP, int]:
        """The ends of partitions. Raises `Unreachable`.

        Where Kafka has not answered for as long as a request may take, it raises what Kafka raised:
        the process ends, and another one begins with new connections.
        """
        if not places:
            return {}
        try:
            async with asyncio.timeout(_BOUNDS_SECONDS):
                found: Mapping[TP, int] = await self.highwaters(*places)
        except (KafkaError, TimeoutError) as error:
            now = time.monotonic()
            if self._silent_since is None:
                self._silent_since = now
            if now - self._silent_since > self.app.conf.broker_request_timeout:
                raise
            raise Unreachable(f"Kafka: {error!r}") from error
        self._silent_since = None
        return found

    # ── called by Faust ──────────────────────────────────────────────────────────────────────

    def stop_flow(self) -> None:
        """Enqueue nothing more. Faust empties the queues, and their records come again."""
        super().stop_flow()
        self._queued.clear()
        self._unprocessed.clear()
        for topic in list(self._paused):
            self._resume(topic)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Return when the batches in hand are acknowledged and committed."""
        await super().on_partitions_revoked(revoked)
        self._acked_to.clear()
        self._acked_records.clear()
        self._committed_to.clear()
        self._deferred.clear()

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Begin with the partitions; app/stream/table_recovery.py reads the changelogs."""
        self._fetching.exclude(self.app.tables.changelog_topics)
        await super().on_partitions_assigned(assigned, generation_id)
        self._check.begin(self._aiokafka, self.app.consumer_generation_id)

    async def on_stop(self) -> None:
        """Called by Faust when the group stops."""
        self._check.stop()
        await super().on_stop()

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek to the committed offsets, or elsewhere where they are of another topic by now."""
        found = dict(await super().seek_to_committed())
        self._begun_at = {TP(*place): offset for place, offset in found.items()}
        app: Any = self.app
        logs = app.tables.changelog_topics
        mine = [TP(*place) for place in self.assignment() if place.topic not in logs]
        if not mine:
            return found
        from_now = app.declared.from_now
        beginnings = await check_commits(
            app.context.settings, self._aiokafka, mine, from_now=from_now
        )
        self._origins, self._lacking = beginnings.origins, beginnings.lacking
        self._begun_at |= beginnings.lacking
        starts = {**beginnings.lacking, **beginnings.starts} if from_now else beginnings.starts
        for place, start in starts.items():
            self._seek_back(place, start)
            found[place] = self._begun_at[place] = start
        return found

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: this consumer makes no events that could be lost on their way."""

    def _new_consumer_thread(self) -> InLoopConsumerThread:
        return InLoopConsumerThread(self, loop=self.loop, beacon=self.beacon)
