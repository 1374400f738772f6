"""A user who is forgotten is called nowhere any more."""

from __future__ import annotations

from app.deployment.preparation import prepare
from app.events import NotifyRoom, NotifyUser
from app.kafka.partition_reader import PartitionReader
from app.kafka.producer import new_producer
from app.push.forgotten import forget_notify
from app.push.notify_directory import NotifyDirectory, write
from app.settings import Settings
from app.topics import TOPICS


async def test_all_that_a_user_wanted_goes_and_nothing_of_others(settings: Settings) -> None:
    await prepare(settings, TOPICS)
    producer = new_producer(settings)
    await producer.start()
    try:
        for user in ("forgotten", "forgotten2"):
            for one in (
                NotifyUser(user=user, at_ms=1, level="all"),
                NotifyRoom(user=user, at_ms=1, room="tea", level="none"),
            ):
                await write(producer, settings.partitions, one)
    finally:
        await producer.stop()
    async with PartitionReader(settings) as reader:
        assert await forget_notify(settings, reader, "forgotten") == 2
        assert await forget_notify(settings, reader, "forgotten") == 0
    directory = NotifyDirectory(settings)
    await directory.start()
    await directory.stop()
    assert "forgotten" not in directory.people
    assert directory.levels("forgotten2").of_all.level == "all"
