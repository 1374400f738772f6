"""The outputs of a batch on their way to Kafka, in one producer batch for each partition.

aiokafka's `send` looks up a partition, makes a future and waits for a lock for each record. Here
the records for a partition are put together and awaited once; docs/performance.md has the gain.

Buffers are enqueued one after the other: all records of one before the first of the next. So when
a command that waited for the webhook is sent beside a batch, their records of a room don't
interleave. No buffer waits for Kafka's answer to another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

from aiokafka.errors import MessageSizeTooLargeError

from app.stream.local_handoff import hand_off

Headers = Sequence[tuple[str, bytes]]
_Place = tuple[str, int]
#: The highest offsets that records got, by topic and partition.
Offsets = dict[_Place, int]
_Record = tuple[bytes, bytes, list[tuple[str, bytes]]]

#: By producer: the lock for enqueueing. An asyncio.Lock serves its waiters in order.
_enqueueing: Final[WeakKeyDictionary[Any, asyncio.Lock]] = WeakKeyDictionary()

#: Bytes of a record beside key, value and headers, at most.
_FRAME_BYTES = 100


class OutputBuffer:
    """Records for Kafka, those of each partition in the order in which they were added."""

    def __init__(self, producer: Any) -> None:
        self._producer = producer
        self._records: dict[_Place, list[_Record]] = {}

    def add(
        self, topic: str, partition: int, key: bytes, value: bytes, headers: Headers = ()
    ) -> None:
        """Add a record."""
        place = (topic, partition)
        records = self._records.get(place)
        if records is None:
            records = self._records[place] = []
        records.append((key, value, list(headers)))

    async def send(self) -> Offsets:
        """Return when Kafka has all records: the highest offset by topic and partition.

        Raises what Kafka or the client raises; some of the records may be in Kafka then.
        """
        if not self._records:
            return {}
        in_flight: list[tuple[_Place, int, Any]] = []
        client = self._producer.client
        try:
            async with _enqueueing.setdefault(client, asyncio.Lock()):
                await self._enqueue(client, in_flight)
        finally:
            # Await all of them, also where one fails: no future may be left behind.
            answers = await asyncio.gather(
                *(sent for _, _, sent in in_flight), return_exceptions=True
            )
        offsets = _highest(in_flight, answers)
        self._hand_off(in_flight, answers)
        self._records = {}
        return offsets

    async def _enqueue(self, client: Any, in_flight: list[tuple[_Place, int, Any]]) -> None:
        for place, records in self._records.items():
            for batch in _batches(client, records, self._producer.max_request_size):
                sent = await client.send_batch(batch, place[0], partition=place[1])
                in_flight.append((place, batch.record_count(), sent))

    def _hand_off(self, in_flight: list[tuple[_Place, int, Any]], answers: list[Any]) -> None:
        given: dict[_Place, int] = {}
        for (place, count, _), answer in zip(in_flight, answers, strict=True):
            first = given.get(place, 0)
            given[place] = first + count
            if answer.offset >= 0:
                hand_off(*place, answer.offset, self._records[place][first : first + count])


def _highest(in_flight: list[tuple[_Place, int, Any]], answers: list[Any]) -> Offsets:
    offsets: Offsets = {}
    for (place, count, _), answer in zip(in_flight, answers, strict=True):
        if isinstance(answer, BaseException):
            raise answer
        offsets[place] = answer.offset + count - 1
    return offsets


def _batches(client: Any, records: list[_Record], limit: int) -> Iterator[Any]:
    """The records in as few producer batches as possible: only within one they stay adjacent."""
    batch = client.create_batch()
    for key, value, headers in records:
        if len(key) + len(value) + _FRAME_BYTES > limit:
            raise MessageSizeTooLargeError(f"a record of {len(value)} bytes")
        if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
            yield batch
            batch = client.create_batch()
            batch.append(timestamp=None, key=key, value=value, headers=headers)
    batch.close()
    yield batch
