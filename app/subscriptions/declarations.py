"""The subscriptions in `chat.subscriptions`: followed by workers and edges, set by both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import structlog

from app.errors import Malformed
from app.events import Subscription, decode_subscription, encode
from app.kafka.broadcast_reader import BroadcastReader
from app.settings import Settings
from app.topics import SUBSCRIPTIONS, partition_of

log = structlog.get_logger()


class Producer(Protocol):
    """What sends a record to Kafka and waits until it is there."""

    async def send_and_wait(
        self, topic: str, value: bytes | None, *, key: bytes, partition: int
    ) -> Any:
        """Return when Kafka has the record."""


class Subscriptions:
    """The newest record of each subscription; `changed` is called with each id that changes."""

    def __init__(self, settings: Settings, changed: Callable[[str], None] = lambda _: None) -> None:
        self._known: dict[str, Subscription] = {}
        self._changed = changed
        self._news = asyncio.Event()
        self._reader = BroadcastReader(settings, (SUBSCRIPTIONS,), self._take)

    async def start(self) -> None:
        """Return when every subscription of now is known."""
        await self._reader.start()

    async def stop(self) -> None:
        """Stop following."""
        await self._reader.stop()

    @property
    def all(self) -> Mapping[str, Subscription]:
        """The subscriptions by id."""
        return self._known

    async def heard(self, name: str, subscription: Subscription | None) -> None:
        """Return when the subscription is known as it was written; `None`: when it is gone."""
        while self._known.get(name) != subscription:
            self._news.clear()
            await self._news.wait()

    def _take(self, record: Any) -> None:
        name = (record.key or b"").decode("utf-8", "replace")
        if not record.value:
            self._known.pop(name, None)
        else:
            try:
                subscription = decode_subscription(record.value)
            except Malformed as error:
                log.warning("record skipped", topic=SUBSCRIPTIONS, reason=str(error))
                return
            if subscription.id != name:
                return
            self._known[name] = subscription
        self._changed(name)
        self._news.set()


async def write(
    producer: Producer, partitions: int, name: str, subscription: Subscription | None
) -> None:
    """Set a subscription, or remove it with `None`; returns when Kafka has it."""
    value = None if subscription is None else encode(subscription)
    await producer.send_and_wait(
        SUBSCRIPTIONS, value, key=name.encode(), partition=partition_of(name, partitions)
    )
