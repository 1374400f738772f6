"""The pipeline with PostgreSQL as its history store."""

from __future__ import annotations

from pathlib import Path

from redis import asyncio as aioredis

from app.delivery import keys
from app.embedded.kafka import Kafka
from app.embedded.valkey import Valkey
from app.settings import Settings
from app.topics import partition_of
from tests.conftest import SECRET
from tests.support.chat import Chat, data_folder, until
from tests.support.person import Person
from tests.support.postgres import Postgres


async def test_history_comes_from_postgresql_when_the_window_is_gone(
    tmp_path: Path, postgres: Postgres
) -> None:
    async with (
        Kafka(tmp_path / "kafka") as kafka,
        Valkey(tmp_path / "valkey") as valkey,
    ):
        settings = Settings(
            broker=kafka.url,
            redis=valkey.url,
            history=postgres.database(),
            data=data_folder(tmp_path),
            secret=SECRET,
        )
        chat = Chat(settings)
        try:
            await chat.start()
            await said_and_read(chat)
        finally:
            await chat.stop()


async def said_and_read(chat: Chat) -> None:
    async with Person(chat, "ann") as ann:
        room = await ann.open_room()
        for i in range(5):
            await ann.say(room, f"naïve {i} 你好")
        partition = partition_of(room, chat.settings.partitions)

        async def archived() -> bool:
            return (await ann.get(f"/v1/rooms/{room}/messages"))[0] == 200

        async with aioredis.from_url(chat.settings.redis) as redis:
            await redis.delete(keys.log(partition, room))
        await until(archived)
        texts = [event["text"] for event in await ann.history(room)]
        assert texts == [f"naïve {i} 你好" for i in range(5)]
