"""What users want to be notified of and where: `chat.notify`, followed by workers and edges.

Every process has all of it in memory, about a kilobyte for a user with one browser, so that a
message finds those who are to be called without asking anybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import structlog

from app.domain.push.levels import DEFAULT, Levels
from app.errors import Malformed
from app.events import (
    AnyNotify,
    NotifyRoom,
    NotifyUser,
    PushSubscription,
    decode_notify,
    encode,
    notify_key,
)
from app.kafka.broadcast_reader import BroadcastReader
from app.settings import Settings
from app.topics import NOTIFY, partition_of

log = structlog.get_logger()


class Producer(Protocol):
    """What sends a record to Kafka and waits until it is there."""

    async def send_and_wait(
        self, topic: str, value: bytes | None, *, key: bytes, partition: int
    ) -> Any:
        """Return when Kafka has the record."""


class Person:
    """A user's levels, and the user's subscriptions by id."""

    __slots__ = ("levels", "subscriptions")

    def __init__(self) -> None:
        self.levels = Levels()
        self.subscriptions: dict[str, PushSubscription] = {}


class NotifyDirectory:
    """The newest records of each user; `changed` is called with each user of whom one changes."""

    def __init__(self, settings: Settings, changed: Callable[[str], None] = lambda _: None) -> None:
        self._people: dict[str, Person] = {}
        self._owners: dict[str, str] = {}
        self._changed = changed
        self._news = asyncio.Event()
        self._reader = BroadcastReader(settings, (NOTIFY,), self._take)

    async def start(self) -> None:
        """Return when every record of now is known."""
        await self._reader.start()

    async def stop(self) -> None:
        """Stop following."""
        await self._reader.stop()

    @property
    def people(self) -> Mapping[str, Person]:
        """Those users who have said anything."""
        return self._people

    def levels(self, user: str) -> Levels:
        """What a user wants."""
        person = self._people.get(user)
        return Levels() if person is None else person.levels

    def subscriptions(self, user: str) -> Mapping[str, PushSubscription]:
        """Where a user is called, by id."""
        person = self._people.get(user)
        return {} if person is None else person.subscriptions

    def owner(self, subscription: str) -> str:
        """The user of a subscription; empty where there is none of this id."""
        return self._owners.get(subscription, "")

    async def heard(self, key: str, wanted: AnyNotify | None) -> None:
        """Return when the record is known as it was written; `None`: when it is gone."""
        while self._known(key) != wanted:
            self._news.clear()
            await self._news.wait()

    def _known(self, key: str) -> AnyNotify | None:
        user, what, name = _parts(key)
        person = self._people.get(user)
        if person is None:
            return None
        if what == "room":
            return person.levels.rooms.get(name)
        if what == "push":
            return person.subscriptions.get(name)
        return None if person.levels.of_all is DEFAULT else person.levels.of_all

    def _take(self, record: Any) -> None:
        key = (record.key or b"").decode("utf-8", "replace")
        one: AnyNotify | None = None
        if record.value:
            try:
                one = decode_notify(record.value)
            except Malformed as error:
                log.warning("record skipped", topic=NOTIFY, reason=str(error))
                return
            if notify_key(one) != key:
                return
        self._set(key, one)
        self._changed(_parts(key)[0])
        self._news.set()

    def _set(self, key: str, one: AnyNotify | None) -> None:
        user, what, name = _parts(key)
        if one is None and user not in self._people:
            return
        person = self._people.setdefault(user, Person())
        if isinstance(one, NotifyRoom):
            person.levels.rooms[name] = one
        elif isinstance(one, PushSubscription):
            person.subscriptions[name] = one
            self._owners[name] = user
        elif isinstance(one, NotifyUser):
            person.levels.of_all = one
        elif what == "room":
            person.levels.rooms.pop(name, None)
        elif what == "push":
            person.subscriptions.pop(name, None)
            if self._owners.get(name) == user:
                del self._owners[name]
        else:
            person.levels.of_all = DEFAULT
        levels = person.levels
        if not person.subscriptions and not levels.rooms and levels.of_all is DEFAULT:
            del self._people[user]


def _parts(key: str) -> tuple[str, str, str]:
    """The user of a key, what it is about, and the name of that."""
    user, _, rest = key.partition("/")
    what, _, name = rest.partition("/")
    return user, what, name


async def write(producer: Producer, partitions: int, one: AnyNotify) -> None:
    """Set what a user wants; returns when Kafka has it."""
    await _send(producer, partitions, notify_key(one), encode(one))


async def remove(producer: Producer, partitions: int, key: str) -> None:
    """Remove what a user wanted; returns when Kafka has it."""
    await _send(producer, partitions, key, None)


async def _send(producer: Producer, partitions: int, key: str, value: bytes | None) -> None:
    partition = partition_of(_parts(key)[0], partitions)
    await producer.send_and_wait(NOTIFY, value, key=key.encode(), partition=partition)
