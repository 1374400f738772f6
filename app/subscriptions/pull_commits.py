"""What the readers of a pulled subscription have acknowledged: the commits of a consumer group.

The group has no members, so that any edge may commit for it. With each offset the commit has the
position of the record before it, by which the place is found again in another cluster.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from app.domain.subscriptions.backlog import Place
from app.events import Subscription
from app.kafka.admin import connected, group_offsets
from app.settings import Settings
from app.subscriptions.event_window import Source
from app.subscriptions.pull_cursor import PullCursor

_SECONDS = 10.0

#: What the groups of pulled subscriptions begin with.
PULLED: Final = "parley-pull-"


def pull_group(subscription: str) -> str:
    """The consumer group of a pulled subscription."""
    return f"{PULLED}{subscription}"


class PullCommits:
    """The commits of one subscription, read and written by this edge."""

    def __init__(self, settings: Settings, subscription: Subscription) -> None:
        self._settings = settings
        self.subscription = subscription
        self._consumer: AIOKafkaConsumer | None = None
        self._writing = asyncio.Lock()

    async def places(self) -> dict[Source, Place]:
        """What is acknowledged, by partition; raises `Unreachable`."""
        async with connected(self._settings, _SECONDS) as admin:
            return places_of(await group_offsets(admin, pull_group(self.subscription.id)))

    async def acknowledge(self, cursors: Iterable[PullCursor]) -> None:
        """Commit the places behind these events; raises `KafkaError`."""
        commits: dict[TopicPartition, OffsetAndMetadata] = {}
        for cursor in cursors:
            place = TopicPartition(*cursor.source)
            known = commits.get(place)
            if known is None or known.offset <= cursor.offset:
                epoch, pos = cursor.position
                text = f"{epoch}/{pos}/{self.subscription.moves}"
                commits[place] = OffsetAndMetadata(cursor.offset + 1, text)
        async with self._writing:
            consumer = await self._committer()
            consumer.assign(list(commits))
            await consumer.commit(commits)

    async def stop(self) -> None:
        """Close the connection."""
        if self._consumer is not None:
            await self._consumer.stop()

    async def _committer(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._settings.bootstrap,
                group_id=pull_group(self.subscription.id),
                enable_auto_commit=False,
            )
            await consumer.start()
            self._consumer = consumer
        return self._consumer


def places_of(committed: Mapping[TopicPartition, OffsetAndMetadata]) -> dict[Source, Place]:
    """The places that the commits of the group of a pulled subscription are."""
    return {
        Source(tp.topic, tp.partition): _place(commit.offset, commit.metadata)
        for tp, commit in committed.items()
        if commit.offset >= 0
    }


def _place(offset: int, metadata: str) -> Place:
    parts = metadata.split("/")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        return Place(0, -1, offset)
    epoch, pos, moves = map(int, parts)
    return Place(epoch, pos, offset, 0, {}, moves)
