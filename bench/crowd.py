"""Rooms with members, and their messages as an edge would write them to `chat.raw`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import uuid_utils
from aiokafka import AIOKafkaProducer

from app.events import AddMember, AnyCommand, CreateRoom, SendMessage, encode
from app.settings import Settings
from app.topics import RAW, partition_of

#: A partition, a key, a value.
Pair = tuple[int, bytes, bytes]

#: The headers of the next record.
HeadersOf = Callable[[], list[tuple[str, bytes]]]

#: Bytes of a batch: less than the broker's limit.
_BATCH = 256 * 1024


@dataclass(frozen=True)
class Crowd:
    """`rooms` rooms of `members` users each; they send in turns, in every room as often."""

    rooms: int
    members: int
    word: str = "say"

    def opening(self) -> Iterator[AnyCommand]:
        """The commands that open the rooms and add all members."""
        for room in range(self.rooms):
            name = self.room(room)
            yield CreateRoom(room=name, **_stamp(self.person(room, 0), "open"), name=name)
            for member in range(1, self.members):
                stamp = _stamp(self.person(room, 0), f"add-{member}")
                yield AddMember(room=name, **stamp, user=self.person(room, member))

    def saying(self, texts: list[str], start: int, count: int) -> Iterator[AnyCommand]:
        """Messages number `start` up to, without, `start + count`."""
        for index in range(start, start + count):
            room, turn = index % self.rooms, index // self.rooms
            by = self.person(room, turn % self.members)
            text = texts[index % len(texts)][:4000]
            yield SendMessage(room=self.room(room), **_stamp(by, f"{self.word}-{index}"), text=text)

    def room(self, index: int) -> str:
        """A room's id."""
        return f"room-{index}"

    def person(self, room: int, index: int) -> str:
        """A member's id."""
        return f"person-{room % 100}-{index}"


def _stamp(by: str, client_id: str) -> dict[str, Any]:
    attempt = str(uuid_utils.uuid7())
    return {"by": by, "id": attempt, "client_id": client_id, "edge": "bench"}


async def write(
    settings: Settings,
    commands: Iterable[AnyCommand],
    topic: str = RAW,
    headers_of: HeadersOf = lambda: [],
) -> int:
    """Write commands to a topic, each to its room's partition; how many they were."""
    count = settings.partitions
    return await write_pairs(
        settings,
        topic,
        ((partition_of(c.room, count), c.room.encode(), encode(c)) for c in commands),
        headers_of,
    )


async def write_pairs(
    settings: Settings,
    topic: str,
    pairs: Iterable[Pair],
    headers_of: HeadersOf = lambda: [],
) -> int:
    """Write keys and values to partitions of a topic; how many they were."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap, acks="all", max_batch_size=_BATCH
    )
    await producer.start()
    count = 0
    try:
        waiting = iter(pairs)
        while chunk := list(islice(waiting, 20_000)):
            await _write_chunk(producer, topic, chunk, headers_of)
            count += len(chunk)
    finally:
        await producer.stop()
    return count


async def _write_chunk(
    producer: AIOKafkaProducer, topic: str, chunk: list[Pair], headers_of: HeadersOf
) -> None:
    parted: dict[int, list[tuple[bytes, bytes]]] = {}
    for partition, key, value in chunk:
        parted.setdefault(partition, []).append((key, value))
    for partition, pairs in parted.items():
        batch = producer.create_batch()
        for key, value in pairs:
            record: dict[str, Any] = {"key": key, "value": value, "headers": headers_of()}
            if batch.append(**record, timestamp=None) is None:
                await (await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
                batch.append(**record, timestamp=None)
        await (await producer.send_batch(batch, topic, partition=partition))
