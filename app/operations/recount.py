"""A recount of every room from Kafka, for `parley verify`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import msgspec

from app.deployment.topic import read_deployment
from app.domain.deployment import Deployment
from app.domain.recount import RoomRecount
from app.domain.versioned_value import POSITION_KEY, newer, unwrap
from app.errors import Malformed
from app.events import decode_log, decode_receipt
from app.kafka.log_positions import pos_of
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.topics import LOG, RECEIPTS, changelog, wrong_partition


class Touch(NamedTuple):
    """The last of a room: the `pos` of its newest event, the offset of its newest receipt; or -1.

    It is another one whenever anything has come for the room.
    """

    partition: int
    pos: int = -1
    receipt: int = -1


class Recount:
    """The rooms according to all of `chat.log` and `chat.receipts`."""

    def __init__(self, settings: Settings, reader: PartitionReader, only: str = "") -> None:
        self.events = 0
        self.rooms: dict[str, RoomRecount] = {}
        self.touches: dict[str, Touch] = {}
        self._partitions = range(settings.partitions)
        self._reader = reader
        self._only = only
        #: As of the last `read_on`.
        self.deployment = Deployment()
        self._next: dict[tuple[str, int], int] = {}

    async def read_on(self, *, epochs: bool = True) -> None:
        """Read what both topics have got since the last call; with `epochs` also the deployment."""
        if epochs:
            self.deployment = await read_deployment(self._reader)
        async for partition, record in self._new(LOG):
            self._take(partition, record)
        async for partition, record in self._new(RECEIPTS):
            self._take_receipt(partition, record)

    def _touch(self, room: str, partition: int) -> Touch:
        return self.touches.get(room) or Touch(partition)

    def _take(self, partition: int, record: Any) -> None:
        try:
            event, pos = decode_log(record.value), pos_of(record)
        except Malformed:
            return
        if wrong_partition(event.room, partition, len(self._partitions)):
            return
        if self._only in ("", event.room):
            room = self.rooms.setdefault(event.room, RoomRecount(event.room))
            room.take(event)
            self.touches[event.room] = self._touch(event.room, partition)._replace(pos=pos)
            for epoch in range(self.deployment.epoch(partition)):
                start = self.deployment.cut_after(partition, epoch)
                if start is None or pos < start:
                    room.ends[epoch] = room.seq
                else:
                    room.ends.setdefault(epoch, 0)
            self.events += 1

    def _take_receipt(self, partition: int, record: Any) -> None:
        try:
            receipt = decode_receipt(record.value)
        except Malformed:  # in chat.dead, and no receipt
            return
        if wrong_partition(receipt.room, partition, len(self._partitions)):
            return
        if receipt.room in self.rooms:
            self.rooms[receipt.room].receive(receipt.by, receipt.seq, receipt.epoch)
            touch = self._touch(receipt.room, partition)
            self.touches[receipt.room] = touch._replace(receipt=record.offset)

    async def _new(self, topic: str) -> AsyncIterator[tuple[int, Any]]:
        """The new records of all partitions; the ends of those without any are one request."""
        ends = await self._reader.ends(topic, len(self._partitions))
        for partition, end in enumerate(ends):
            start = self._next.get((topic, partition), 0)
            async for record in self._reader.read(topic, partition, start, end):
                self._next[topic, partition] = record.offset + 1
                yield partition, record

    async def table(self, group: str, name: str, kind: Any) -> dict[str, Any]:
        """The newest value of each key in a table's changelog."""
        decode = msgspec.msgpack.Decoder(kind).decode
        raw: dict[str, bytes] = {}
        topic = changelog(group, name).name
        for partition in self._partitions:
            async for record in self._reader.read(topic, partition, 0):
                if record.key == POSITION_KEY:
                    continue
                key = record.key.decode()
                if newer(record.value, raw.get(key)):
                    raw[key] = record.value
        values = ((key, unwrap(value).payload) for key, value in raw.items())
        return {key: decode(payload) for key, payload in values if payload is not None}
