"""Records on their way to Kafka, a partition's in one batch.

aiokafka's `send` looks up a partition, makes a future and waits for a lock for each record. What
goes to one partition is put together here, and waited for once; docs/performance.md has the gain.

What one has is enqueued before what another begins with later: where what waited for a hook is
sent beside a batch, neither gets in between the other's records of a room. Nobody waits here for
what Kafka answers to others.
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

#: Of each producer the turns in which outputs are enqueued; an asyncio.Lock gives them in order.
_turns: Final[WeakKeyDictionary[Any, asyncio.Lock]] = WeakKeyDictionary()

#: Bytes beside key, value and headers that a record may take.
_FRAME = 100


class OutputBuffer:
    """Records for Kafka, each partition's in the order in which they were added."""

    def __init__(self, producer: Any) -> None:
        self._producer = producer
        self._records: dict[_Place, list[_Record]] = {}

    def add(
        self, topic: str, partition: int, key: bytes, value: bytes, headers: Headers = ()
    ) -> None:
        """Have a record sent with the others."""
        place = (topic, partition)
        records = self._records.get(place)
        if records is None:
            records = self._records[place] = []
        records.append((key, value, list(headers)))

    async def send(self) -> Offsets:
        """Return when Kafka has them all: the highest offset by topic and partition.

        Raises what Kafka or the client raises; some of them may then be in Kafka.
        """
        if not self._records:
            return {}
        waiting: list[tuple[_Place, int, Any]] = []
        producer = self._producer.client
        try:
            async with _turns.setdefault(producer, asyncio.Lock()):
                await self._enqueue(producer, waiting)
        finally:
            # All of them, also where one fails: nothing may be left that nobody looks at.
            answers = await asyncio.gather(
                *(sent for _, _, sent in waiting), return_exceptions=True
            )
        written = _highest(waiting, answers)
        self._hand_on(waiting, answers)
        self._records = {}
        return written

    async def _enqueue(self, producer: Any, waiting: list[tuple[_Place, int, Any]]) -> None:
        for place, records in self._records.items():
            for batch in _batches(producer, records, self._producer.max_request_size):
                sent = await producer.send_batch(batch, place[0], partition=place[1])
                waiting.append((place, batch.record_count(), sent))

    def _hand_on(self, waiting: list[tuple[_Place, int, Any]], answers: list[Any]) -> None:
        given: dict[_Place, int] = {}
        for (place, count, _), answer in zip(waiting, answers, strict=True):
            first = given.get(place, 0)
            given[place] = first + count
            if answer.offset >= 0:
                hand_off(*place, answer.offset, self._records[place][first : first + count])


def _highest(waiting: list[tuple[_Place, int, Any]], answers: list[Any]) -> Offsets:
    written: Offsets = {}
    for (place, count, _), answer in zip(waiting, answers, strict=True):
        if isinstance(answer, BaseException):
            raise answer
        written[place] = answer.offset + count - 1
    return written


def _batches(producer: Any, records: list[_Record], limit: int) -> Iterator[Any]:
    """The records in as few batches as they fit into. Only what is in one keeps together."""
    batch = producer.create_batch()
    for key, value, headers in records:
        if len(key) + len(value) + _FRAME > limit:
            raise MessageSizeTooLargeError(f"a record of {len(value)} bytes")
        if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
            yield batch
            batch = producer.create_batch()
            batch.append(timestamp=None, key=key, value=value, headers=headers)
    batch.close()
    yield batch
