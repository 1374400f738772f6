"""Records in the format of other programs are read like Parley's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.producer import message_accumulator
from aiokafka.producer import producer as producing
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from app.events import SendMessage, encode
from app.kafka.partition_reader import PartitionReader
from app.topics import RAW, partition_of
from tests.support.chat import Chat, until
from tests.support.person import Person


class NoUtf8(str):
    """A header's key as a client writes it that takes bytes."""

    def encode(self, *_: str) -> bytes:
        return b"\xff\xfe"


@pytest.fixture
async def room(chat: Chat) -> AsyncIterator[str]:
    async with Person(chat, "ann") as ann:
        yield await ann.open_room()


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_what_a_producer_compresses_is_taken(chat: Chat, room: str, codec: str) -> None:
    texts = [f"{codec} {i} " + "so " * 200 for i in range(3)]
    await written(chat, room, texts, compression_type=codec)
    assert await said(chat, room, 3) == texts


@pytest.mark.parametrize("codec", [None, "zstd"])
async def test_a_header_key_that_is_no_utf8_stops_nobody(
    chat: Chat, room: str, codec: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (producing, message_accumulator):
        monkeypatch.setattr(module, "DefaultRecordBatchBuilder", _DefaultRecordBatchBuilderPy)
    headers = [(NoUtf8("odd"), b"1")]
    start = await written(chat, room, ["a", "b", "c"], headers, compression_type=codec)
    assert await said(chat, room, 3) == ["a", "b", "c"]
    async with PartitionReader(chat.settings) as reader:
        partition = partition_of(room, chat.settings.partitions)
        records = [record async for record in reader.read(RAW, partition, start)]
    found = [record for record in records if record.key == room.encode()]
    assert [len(record.headers) for record in found] == [0, 1, 0]
    assert found[1].headers[0] == ("\ufffd\ufffd", b"1")


async def written(
    chat: Chat,
    room: str,
    texts: Iterable[str],
    headers: Iterable[tuple[str, bytes]] = (),
    compression_type: str | None = None,
) -> int:
    """Have a program of somebody's send these texts in one batch; headers with the second.

    Returns the offset of the first.
    """
    producer = AIOKafkaProducer(
        bootstrap_servers=chat.settings.bootstrap, compression_type=compression_type, linger_ms=100
    )
    await producer.start()
    try:
        futures = []
        for place, text in enumerate(texts):
            command = SendMessage(
                room=room, by="ann", id=str(uuid4()), client_id=f"{place}", text=text
            )
            futures.append(
                await producer.send(
                    RAW,
                    encode(command),
                    key=room.encode(),
                    partition=partition_of(room, chat.settings.partitions),
                    headers=list(headers) if place == 1 else [],
                )
            )
        written = await asyncio.gather(*futures)
    finally:
        await producer.stop()
    return min(each.offset for each in written)


async def said(chat: Chat, room: str, count: int) -> list[str]:
    """A room's texts, once there are so many."""
    async with Person(chat, "ann") as ann:

        async def texts() -> list[str]:
            found = [message["text"] for message in await ann.history(room)]
            return found if len(found) >= count else []

        return await until(texts, chat.workers[0].tail)
