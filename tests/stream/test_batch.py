"""A record that is too large for its outputs, or for `chat.dead`, stops no other."""

from __future__ import annotations

from app.events import decode_dead, decode_moderated, encode
from app.events.dead import dead_of
from app.kafka.partition_reader import PartitionReader
from app.kafka.record import Record
from app.settings import Settings
from app.topics import DEAD, DEAD_BYTES, MODERATED, RAW, partition_of
from tests.agents.test_moderation import message
from tests.support.agents import Buried, Read, running

MIB = 1024 * 1024


async def test_a_record_as_large_as_kafka_takes_is_buried_whole(
    bench: Settings, read: Read, buried: Buried
) -> None:
    from agents.moderation import moderation

    room, partition = "large", partition_of("large", bench.partitions)
    async with PartitionReader(bench) as reader:
        start = await reader.end(MODERATED, partition)
    large = [b"\xff" * MIB, encode(message(room, "x" * (MIB - 300)))]
    async with running(moderation) as put:
        for offset, value in enumerate(large, 7000):
            await put(room.encode(), value, partition, offset)
        await put(room.encode(), encode(message(room, "small")), partition, 7002)
        [only] = await read(MODERATED, partition, 1, start)
        places = [(RAW, partition, offset) for offset in (7000, 7001)]
        dead = await buried("parley-pipeline", *places)
    assert decode_moderated(only.value).src == 7002
    for place in places:
        assert "bytes, where 262144 are the most" in dead[place]
    async with PartitionReader(bench) as reader:
        values = [
            decode_dead(record.value).value
            for place in range(bench.partitions)
            async for record in reader.read(DEAD, place, 0)
        ]
    assert all(value in values for value in large)


def test_of_what_is_larger_still_the_beginning_is_kept_and_the_reason_says_so() -> None:
    for key, value in ((b"k", b"\xff" * 9 * MIB), (b"k" * 2 * MIB, b"v"), (b"k", b'"' * MIB)):
        dead = dead_of(Record(RAW, 1, 2, key, value, ()), "g", "\x01\U0001f600" * MIB)
        assert len(encode(dead)) + len(dead.place) < DEAD_BYTES - 1000
        assert value.startswith(dead.value)
        assert (dead.value == value) == ("bytes there are" not in dead.reason)


def test_a_record_of_a_topic_made_anew_has_a_name_of_its_own() -> None:
    record = Record(RAW, 1, 2, b"k", b"v", ())
    assert dead_of(record, "g", "why").place == "chat.raw/1/2@g"
    assert dead_of(record, "g", "why", 1).place == "chat.raw/1/2~1@g"
