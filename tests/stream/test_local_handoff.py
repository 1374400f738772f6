"""Records of a worker for itself come in Kafka's order, by hand-off or by fetch."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiokafka import AIOKafkaProducer

from app.kafka.admin import provision
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.topics import Topic
from tests.support.chat import Chat, until

#: Two agents, the second of which reads what the first writes, and notes what it gets.
RELAY = """
from app.stream.consumer_groups import group, raw_topic
from app.stream.consumer import ChunkConsumer
from app.stream.batch_loop import batches

app = group("relay", strict=True)
handed = set()
stock = ChunkConsumer._enqueue


def enqueue(self, place, records, generation, times):
    if self._fetching._skipped.get(place):
        handed.update((place.partition, record.offset) for record in records)
    stock(self, place, records, generation, times)


ChunkConsumer._enqueue = enqueue


@app.agent(raw_topic(app, "relay-in"))
async def first(stream):
    async for batch in batches(stream):
        for record in batch.records:
            batch.send("relay-out", record, record.value)


@app.agent(raw_topic(app, "relay-out"))
async def second(stream):
    async for batch in batches(stream):
        with open("{notes}", "a") as notes:
            for record in batch.records:
                how = (record.partition, record.offset) in handed
                value = record.value.decode()
                notes.write(f"{record.partition} {record.offset} {value} {how:d}\\n")
"""
_PARTITIONS = 2
_COUNT = 150


async def test_what_is_handed_on_and_what_others_write_come_in_kafkas_order_once(
    chat: Chat, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    notes.touch()
    (tmp_path / "relay.py").write_text(RELAY.replace("{notes}", str(notes)))
    await provision(chat.settings, [Topic("relay-in"), Topic("relay-out")])
    worker = chat.start_worker("relay", agents=str(tmp_path), only="relay")
    try:
        await _write(chat.settings, 1)
        await until(lambda: _noted(notes, _PARTITIONS), worker.tail, within=60)
        await _write(chat.settings, _COUNT)
        total = _PARTITIONS * (1 + _COUNT * 3 // 2)
        await until(lambda: _noted(notes, total), worker.tail, within=60)
        assert worker.running
        handed = {line[3] for line in _lines(notes)}
        assert handed == {"0", "1"}, "some are handed on, some are fetched"
        for partition in range(_PARTITIONS):
            got = [line[1:3] for line in _lines(notes) if line[0] == str(partition)]
            assert got == await _in_kafka(chat.settings, partition)
    finally:
        await worker.stop()


async def _write(settings: Settings, count: int) -> None:
    """To the first agent in small pieces, and now and then past it to where the second reads."""
    async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap, acks="all") as producer:
        for number in range(count):
            for partition in range(_PARTITIONS):
                value = f"{number}".encode()
                await producer.send_and_wait("relay-in", value, b"k", partition)
                # A while of its own for each way, and times at which both write.
                if number % 50 >= 25:
                    await producer.send_and_wait("relay-out", b"other-" + value, b"k", partition)
            await asyncio.sleep(0.005)


async def _noted(notes: Path, count: int) -> bool:
    return len(_lines(notes)) >= count


def _lines(notes: Path) -> list[list[str]]:
    return [line.split() for line in notes.read_text().splitlines()]


async def _in_kafka(settings: Settings, partition: int) -> list[list[str]]:
    async with PartitionReader(settings) as reader:
        return [
            [str(record.offset), record.value.decode()]
            async for record in reader.read("relay-out", partition, 0)
        ]
