"""A log that was written before events had positions goes on, and so do its cursors."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer

from app.domain import cursor as cursors
from app.embedded.kafka import Kafka
from app.embedded.valkey import Valkey
from app.events import POS, MemberAdded, MessageCreated, RoomCreated, decode_log, encode
from app.kafka.admin import cluster_id, provision
from app.kafka.log_positions import header_of
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.topics import LOG, TOPICS, partition_of
from tests.conftest import SECRET
from tests.support.chat import Chat, data_folder
from tests.support.listener import Listener
from tests.support.person import Person

ROOM = "old"


async def write_as_before(settings: Settings) -> None:
    """A room with a message, no header `pos`, and at the end a record that is no event."""
    common = {"room": ROOM, "by": "ann", "at_ms": 1}
    events = [
        RoomCreated(**common, n=1, id=f"{UUID(int=1)}", client_id="1", type="group", name=""),
        MemberAdded(**common, n=2, id=f"{UUID(int=2)}", client_id="2", user="ben", role="member"),
        MessageCreated(**common, n=3, id=f"{UUID(int=3)}", client_id="3", seq=1, text="before"),
    ]
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap)
    await producer.start()
    partition = partition_of(ROOM, settings.partitions)
    try:
        for src, value in enumerate([*map(encode, events), b"no event"]):
            headers = [("src", b"%d" % src)]
            await producer.send_and_wait(
                LOG, value, key=ROOM.encode(), partition=partition, headers=headers
            )
    finally:
        await producer.stop()


@pytest.mark.timeout(240)
async def test_a_log_without_positions_goes_on_and_its_cursors_resume(tmp_path: Path) -> None:
    async with Kafka(tmp_path / "kafka") as kafka, Valkey(tmp_path / "valkey") as valkey:
        settings = Settings(
            broker=kafka.url, redis=valkey.url, data=data_folder(tmp_path), secret=SECRET
        )
        await provision(settings, [topic for topic in TOPICS if topic.name == LOG])
        await write_as_before(settings)
        chat = Chat(settings)
        try:
            await chat.start()
            async with Person(chat, "ann") as ann:
                assert (await ann.say(ROOM, "after"))["seq"] == 2
                assert (await ann.say(ROOM, "x", "3"))["seq"] == 1
            partition = partition_of(ROOM, settings.partitions)
            async with PartitionReader(settings) as reader:
                # A room with which the chat was tried at its start may be on the partition, too.
                records = [record async for record in reader.read(LOG, partition, 4)]
            [last] = [record for record in records if record.key == ROOM.encode()]
            assert decode_log(last.value).n == 4
            # Behind the record that is no event: a cursor of before may be behind it, too.
            assert header_of(last, POS) == b"%d" % last.offset

            nexts = [0] * settings.partitions
            nexts[partition] = 2
            secret = blake2b(SECRET.encode(), digest_size=32, person=b"cursor").digest()
            digest = cursors.digest_of(await cluster_id(settings))
            cursor = cursors.encode(digest, nexts, secret)
            async with Listener(chat, "ben", cursor) as listener:
                await listener.until(lambda: listener.messages(ROOM)[-1:] == ["after"])
                assert listener.messages(ROOM) == ["before", "after"]
                assert listener.hello["recovered"] is True
            code, told = await chat.parley("verify")
            assert code == 0, told
        finally:
            await chat.stop()
