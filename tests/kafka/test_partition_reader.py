from __future__ import annotations

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete

from app.kafka.admin import connected, provision
from app.kafka.partition_reader import PartitionReader
from app.settings import Settings
from app.topics import Topic

TOPIC = "read.shortened"


async def test_a_topic_whose_beginning_is_gone_is_read_from_what_is_left(
    settings: Settings,
) -> None:
    await provision(settings, [Topic(TOPIC)])
    async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap, acks="all") as producer:
        for number in range(10):
            await producer.send_and_wait(TOPIC, b"%d" % number, partition=0)
    async with connected(settings, within=5) as admin:
        await admin.delete_records({TopicPartition(TOPIC, 0): RecordsToDelete(before_offset=6)})
    async with PartitionReader(settings) as reader:
        found = [record.value async for record in reader.read(TOPIC, 0, 0)]
    assert found == [b"6", b"7", b"8", b"9"]
