"""Consumer groups as Kafka has them, looked at again and again on one connection.

The age of what a group has not read counts from when this watch has seen it: reading the oldest
record of each partition every second would cost a broker more than the look is worth.
"""

from __future__ import annotations

import time
from collections import deque
from contextlib import AsyncExitStack
from typing import Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from app.kafka.admin import connected, group_offsets
from app.kafka.group_members import described_group
from app.settings import Settings

#: Seconds for a connection, and how many ends of a partition are remembered, one of each look.
_SECONDS: Final = 5.0
_ENDS: Final = 600


class GroupLook(msgspec.Struct, frozen=True):
    """A consumer group: its state in Kafka's words, and how many members it has.

    `behind` are records that it has not processed, and `seconds` the age of the oldest.
    `rebalances` are those that happened. Both as far as the group was watched.
    """

    group: str
    state: str
    members: int
    behind: int
    seconds: float
    rebalances: int


class GroupWatch:
    """Looks at all groups of the cluster that have committed anything. Raises `Unreachable`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()
        self._clients: tuple[AIOKafkaAdminClient, AIOKafkaConsumer] | None = None
        #: By partition: ends and when they were seen.
        self._ends: dict[TopicPartition, deque[tuple[float, int]]] = {}
        self._assigned: dict[str, object] = {}
        self._rebalances: dict[str, int] = {}

    @property
    def is_connected(self) -> bool:
        """Whether it has connections."""
        return self._clients is not None

    async def look(self) -> list[GroupLook]:
        """All groups, by name."""
        admin, consumer = await self._connected()
        groups = sorted(name for name, _ in await admin.list_consumer_groups())
        committed = {
            group: {p: at.offset for p, at in offsets.items() if at.offset >= 0}
            for group in groups
            if (offsets := await group_offsets(admin, group))
        }
        places = list({place for offsets in committed.values() for place in offsets})
        ends = await consumer.end_offsets(places) if places else {}
        now = time.monotonic()
        for place, end in ends.items():
            self._ends.setdefault(place, deque(maxlen=_ENDS)).append((now, end))
        return [
            await self._group(admin, group, offsets, now)
            for group, offsets in committed.items()
            if offsets
        ]

    async def close(self) -> None:
        """Close the connections; the next look makes new ones, and begins to watch anew."""
        self._clients = None
        self._ends.clear()
        await self._stack.aclose()

    async def _connected(self) -> tuple[AIOKafkaAdminClient, AIOKafkaConsumer]:
        if self._clients is None:
            admin = await self._stack.enter_async_context(connected(self._settings, _SECONDS))
            consumer = AIOKafkaConsumer(bootstrap_servers=self._settings.bootstrap)
            await consumer.start()
            self._stack.push_async_callback(consumer.stop)
            self._clients = admin, consumer
        return self._clients

    async def _group(
        self,
        admin: AIOKafkaAdminClient,
        group: str,
        offsets: dict[TopicPartition, int],
        now: float,
    ) -> GroupLook:
        state, members = await described_group(admin, group)
        before = self._assigned.get(group, members)
        if members != before:
            self._rebalances[group] = self._rebalances.get(group, 0) + 1
        self._assigned[group] = members
        behind = sum(max(0, self._ends[p][-1][1] - at) for p, at in offsets.items())
        since = [self._behind_since(place, at) for place, at in offsets.items()]
        seconds = max((now - one for one in since if one is not None), default=0.0)
        rebalances = self._rebalances.get(group, 0)
        return GroupLook(group, state, len(members), behind, seconds, rebalances)

    def _behind_since(self, place: TopicPartition, offset: int) -> float | None:
        return next((at for at, end in self._ends[place] if end > offset), None)
