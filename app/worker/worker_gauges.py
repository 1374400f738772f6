"""The state of a worker as metrics: read from its groups when Prometheus asks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from aiokafka.errors import KafkaError
from faust.types import TP
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from app.metrics import catalogue
from app.metrics.metric import Labels
from app.runtime.heartbeat import heartbeat_of
from app.stream.consumer import ChunkConsumer
from app.stream.consumer_groups import ParleyApp
from app.stream.lag import Behind, UnprocessedChunks, committed_of
from app.stream.table import Table
from app.worker.health_server import STARTING, state

#: The states of a group; one that waits for a store says so in another metric.
_STATES: Final = ("ok", *STARTING, "waiting")
#: Seconds that a scrape waits for Kafka: Prometheus does not wait long for it.
_LOOK_SECONDS: Final = 1.0
#: The stores that groups wait for, as they are named.
_STORES: Final = ("Valkey", "history")


class WorkerGauges(Collector):
    """The lag and the state of each group, and the sizes of tables."""

    def __init__(self, apps: Mapping[str, ParleyApp]) -> None:
        self._apps = apps
        #: By group: the ends of partitions that were behind at the last look.
        self._ends: dict[str, Mapping[TP, int]] = {}
        #: By group with Faust's own consumer: since when a partition is behind.
        self._stock: dict[str, UnprocessedChunks] = {}

    async def refresh(self) -> None:
        """Ask Kafka for the ends of what is behind."""
        await asyncio.gather(*map(self._look_at_ends, self._apps.values()))

    async def _look_at_ends(self, app: ParleyApp) -> None:
        consumer: Any = app.consumer
        behind = [place for place, lag in self._lag(app).items() if lag.events]
        self._ends[app.conf.id] = {}
        if behind and isinstance(consumer, ChunkConsumer):
            with suppress(KafkaError, TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    self._ends[app.conf.id] = await consumer.highwaters(*behind)

    def collect(self) -> Iterator[Family]:
        """The samples of this moment."""
        yield from self._lags()
        yield from self._states()
        yield from self._tables()

    def _lags(self) -> Iterator[Family]:
        found: dict[Labels, Behind] = {
            (app.conf.id, place.topic, str(place.partition)): behind
            for app in self._apps.values()
            for place, behind in self._lag(app).items()
        }
        events = {labels: behind.events for labels, behind in found.items()}
        seconds = {labels: behind.seconds for labels, behind in found.items()}
        yield catalogue.LAG_EVENTS.family(events)
        yield catalogue.LAG_SECONDS.family(seconds)

    def _lag(self, app: ParleyApp) -> Mapping[TP, Behind]:
        if not app.consumer_generation_id:
            return {}  # it has not joined yet
        consumer: Any = app.consumer
        if isinstance(consumer, ChunkConsumer):
            return consumer.lag(self._ends.get(app.conf.id, {}))
        known = self._stock.setdefault(app.conf.id, UnprocessedChunks())
        logs, found = app.tables.changelog_topics, {}
        for place in consumer.assignment():
            committed = committed_of(consumer, place)
            end = consumer.highwater(place)
            if place.topic not in logs and committed is not None and end is not None:
                found[place] = known.behind(place, committed, end)
        return found

    def _states(self) -> Iterator[Family]:
        states: dict[Labels, float] = {}
        waits: dict[Labels, float] = {}
        for app in self._apps.values():
            group, now = app.conf.id, state(app)
            for known in _STATES:
                states[group, known] = float(now.startswith(known))
            stores = set(heartbeat_of(group).waits.values())
            for store in {*_STORES, *stores}:
                waits[group, store] = float(store in stores)
        yield catalogue.GROUP_STATE.family(states)
        yield catalogue.GROUP_WAITS.family(waits)

    def _tables(self) -> Iterator[Family]:
        sizes: dict[Labels, tuple[int, int]] = {
            (app.conf.id, name): table.store.size()
            for app in self._apps.values()
            for name, table in app.tables.items()
            if isinstance(table, Table)
        }
        yield catalogue.TABLE_KEYS.family({labels: keys for labels, (keys, _) in sizes.items()})
        yield catalogue.TABLE_BYTES.family({labels: size for labels, (_, size) in sizes.items()})
