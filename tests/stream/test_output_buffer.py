from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from app.stream.output_buffer import OutputBuffer
from tests.support.chat import until


class Written(NamedTuple):
    offset: int


class Batch:
    def __init__(self) -> None:
        self.values: list[bytes] = []

    def append(self, *, timestamp: Any, key: bytes, value: bytes, headers: Any) -> bool:
        self.values.append(value)
        return True

    def record_count(self) -> int:
        return len(self.values)

    def close(self) -> None:
        pass


class SlowProducer:
    """Takes what is sent in the order in which it comes, but not at once; answers when told to."""

    max_request_size = 1000

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []
        self.answering = asyncio.Event()

    @property
    def client(self) -> SlowProducer:
        return self

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> Any:
        for _ in range(3):
            await asyncio.sleep(0)
        self.taken += [(topic, value) for value in batch.values]
        return asyncio.ensure_future(self._answer())

    async def has_all(self) -> bool:
        return len(self.taken) == 5

    async def _answer(self) -> Written:
        await self.answering.wait()
        return Written(-1)


def outputs(producer: SlowProducer, value: bytes, *topics: str) -> OutputBuffer:
    found = OutputBuffer(producer)
    for topic in topics:
        found.add(topic, 1, b"room", value)
    return found


async def test_what_is_sent_later_overtakes_nothing_and_waits_for_no_answer() -> None:
    producer = SlowProducer()
    first = asyncio.create_task(outputs(producer, b"1", "a", "b", "c").send())
    await asyncio.sleep(0)
    later = [asyncio.create_task(outputs(producer, b"%d" % i, "c").send()) for i in (2, 3)]
    await until(producer.has_all, within=5)
    assert [value for topic, value in producer.taken if topic == "c"] == [b"1", b"2", b"3"]
    assert not first.done()
    producer.answering.set()
    await asyncio.gather(first, *later)


async def test_who_fails_lets_the_next_one_go_on() -> None:
    producer = SlowProducer()
    producer.answering.set()
    too_large = asyncio.create_task(outputs(producer, b"x" * 1000, "a").send())
    other = asyncio.create_task(outputs(producer, b"y", "a").send())
    assert isinstance((await asyncio.gather(too_large, return_exceptions=True))[0], Exception)
    await other
    assert producer.taken == [("a", b"y")]
