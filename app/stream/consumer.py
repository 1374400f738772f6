"""How records come from Kafka to the loop: by partition and in lists, in the worker's own thread.

Stock Faust makes two tasks and an event of each record, and fetches in a thread of its own for
each group; docs/performance.md has what that costs. Here a list of a partition's records goes to
the agent's queue as it was fetched, and the agent says up to where it has settled them, which is
what is committed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from aiokafka.errors import IllegalStateError
from faust.transport.drivers import aiokafka as stock
from faust.types import TP

from app.kafka.record import Record, record_of
from app.stream.acks import CHUNK_RECORDS, Chunk
from app.stream.consumer_thread import InLoopConsumerThread
from app.stream.fetch_control import FetchControl
from app.stream.local_handoff import LOCAL_READERS

#: Records that wait for an agent: from `FULL` on its topic is not fetched, until `LOW` are left.
FULL = 4000
LOW = 2000

#: Seconds that a fetch waits at most before it looks whether to go on.
_LOOK = 1.0


class ChunkConsumer(stock.Consumer):
    """Faust's consumer for groups whose agents are all on Parley's loop, one agent a topic."""

    _thread: InLoopConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        app: Any = self.app
        self._low_latency: bool = app.declared.low_latency
        self._acked_to: dict[TP, int] = {}
        self._known: dict[TP, int] = {}
        #: Records that were put off, by partition: nothing from the first of them on is committed.
        self._deferred: dict[TP, set[int]] = {}
        self._waiting: Counter[str] = Counter()
        self._held: set[str] = set()
        self._in_hand = 0
        self._put_down = asyncio.Event()
        self._fetching = FetchControl(lambda: self._aiokafka)

    # ── from Kafka to the agents ─────────────────────────────────────────────────────────────

    async def _drain_messages(self, fetcher: Any) -> None:
        LOCAL_READERS.add(self)
        try:
            while not (self.should_stop or fetcher.should_stop):
                if self.flow_active:
                    fetched = await self._fetched()
                    self._hand_out(fetched)
                    if not self._low_latency:
                        self._fetching.gather(sum(map(len, fetched.values())))
                else:
                    await self.wait(self.can_resume_flow)  # type: ignore[arg-type]
        except self.consumer_stopped_errors:
            if not self.app.should_stop:
                raise
        finally:
            LOCAL_READERS.discard(self)

    async def _fetched(self) -> Mapping[Any, Sequence[Any]]:
        active = self._get_active_partitions()
        if not active:
            await self.sleep(0.05)
            return {}
        found: Mapping[Any, Sequence[Any]] = await self._thread.getmany(active, _LOOK)
        return found

    def _hand_out(self, fetched: Mapping[Any, Sequence[Any]]) -> None:
        """Called with what was fetched just now: nothing may come between."""
        generation = self.app.consumer_generation_id
        for place, records in fetched.items():
            place = TP(place.topic, place.partition)
            if not self.flow_active:
                self._put_back(place, records[0].offset)
                continue
            self._give(place, [record_of(record) for record in records], generation)

    def _give(self, place: TP, records: Sequence[Record], generation: int) -> None:
        queue = self._queue(place)
        for start in range(0, len(records), CHUNK_RECORDS):
            queue.put_nowait(Chunk(place, records[start : start + CHUNK_RECORDS], generation))
        self._waiting[place.topic] += len(records)
        if self._waiting[place.topic] >= FULL:
            self._hold(place.topic)

    def reads(self, topic: str, partition: int) -> bool:
        """Whether this process's records of the partition are handed to this group."""
        return self._low_latency and (topic, partition) in (self._active_partitions or ())

    def receive(self, records: Sequence[Record]) -> None:
        """Take records of a partition that this process has written, and that Kafka has.

        Only what would be fetched next; anything else is fetched.
        """
        place = TP(records[0].topic, records[0].partition)
        ready = self.flow_active and not self.should_stop and place.topic not in self._held
        if ready and self._fetching.skip(place, records[0].offset, records[-1].offset + 1):
            self._give(place, records, self.app.consumer_generation_id)
        else:
            self._fetching.call_back(place)

    def _queue(self, place: TP) -> Any:
        conductor: Any = self.app.topics
        [channel] = conductor._topic_name_index[place.topic]
        return channel.queue

    def _put_back(self, place: TP, offset: int) -> None:
        with suppress(IllegalStateError):  # It may be another worker's by now.
            self._aiokafka.seek(place, offset)

    def _hold(self, topic: str) -> None:
        if topic not in self._held:
            self._held.add(topic)
            self._aiokafka.pause(*self._places(topic))

    def _release(self, topic: str) -> None:
        if topic in self._held:
            self._held.discard(topic)
            self._aiokafka.resume(*self._places(topic))

    def _places(self, topic: str) -> list[Any]:
        return [place for place in self._aiokafka.assignment() if place.topic == topic]

    @property
    def _aiokafka(self) -> Any:
        return self._thread._ensure_consumer()

    # ── from the agents to Kafka ─────────────────────────────────────────────────────────────

    def take(self, pieces: Iterable[Chunk]) -> None:
        """An agent has pieces in hand, and will call `ack_chunks` when it is done with them."""
        self._in_hand += 1
        for piece in pieces:
            topic = piece.place.topic
            self._waiting[topic] = max(0, self._waiting[topic] - len(piece.records))
            if self._waiting[topic] <= LOW:
                self._release(topic)

    def ack_chunks(self, pieces: Iterable[Chunk]) -> None:
        """What follows from the pieces is in Kafka: their offsets may be committed."""
        for piece in pieces:
            if piece.generation_id == self.app.consumer_generation_id:
                self._acked_to[piece.place] = piece.end
        self._in_hand -= 1
        self._put_down.set()

    def defer(self, place: TP, offset: int) -> Callable[[], None]:
        """Put a record off that is in hand; call what this returns when it is settled."""
        deferred = self._deferred.setdefault(place, set())
        deferred.add(offset)
        # Not by its place: after a rebalance, the same record may be here once more.
        return partial(deferred.discard, offset)

    def _due(self, place: TP, settled: int) -> int:
        deferred = self._deferred.get(place)
        return min(settled, min(deferred)) if deferred else settled

    async def wait_empty(self) -> None:
        """Return when no agent has anything in hand, and that is committed."""
        while self._in_hand and not self.should_stop:
            self._put_down.clear()
            await self.wait(self._put_down)  # type: ignore[arg-type]
        await self.commit()

    async def force_commit(self, *_: Any, **__: Any) -> bool:
        """Commit what was settled since the last time."""
        mine = self.assignment()
        due = {
            place: offset
            for place, settled in self._acked_to.items()
            if (offset := self._due(place, settled)) > self._known.get(place, 0) and place in mine
        }
        if not due or not await self._commit(due):
            return False
        self._known |= due
        return True

    # ── what Faust says meanwhile ────────────────────────────────────────────────────────────

    def stop_flow(self) -> None:
        """Hand nothing out; what waits is taken back by Faust, and comes again."""
        super().stop_flow()
        self._waiting.clear()
        for topic in list(self._held):
            self._release(topic)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Called when partitions go: returns when what is in hand is settled and committed."""
        await super().on_partitions_revoked(revoked)
        self._acked_to.clear()
        self._known.clear()
        self._deferred.clear()

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Called when partitions come; `app/stream/table_recovery.py` reads the changelogs."""
        self._fetching.never(self.app.tables.changelog_topics)
        await super().on_partitions_assigned(assigned, generation_id)

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust would look at events that there are none of here."""

    def _new_consumer_thread(self) -> InLoopConsumerThread:
        return InLoopConsumerThread(self, loop=self.loop, beacon=self.beacon)
