"""`parley lag`: how far the groups are behind."""

from __future__ import annotations

import json

from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from app.kafka.group_commits import commit_offsets
from app.topics import RAW, partition_of
from tests.support.chat import Chat, until
from tests.support.person import Person

GROUP = "a-slow-group"


async def lag(chat: Chat, *arguments: str) -> str:
    code, told = await chat.parley("lag", *arguments)
    assert code == 0, told
    return told


async def test_groups_that_have_read_all_are_at_the_end(chat: Chat) -> None:
    async with Person(chat, "ann") as ann:
        await ann.say(await ann.open_room(), "hello")

        async def at_end() -> bool:
            found = json.loads(await lag(chat, "--json"))
            return all(
                found[f"parley-{name}"]["behind"] == 0 and found[f"parley-{name}"]["read"]
                for name in ("pipeline", "fan_out", "archive")
            )

        await until(at_end, within=60)
    lines = [line.split() for line in (await lag(chat)).splitlines()]
    assert lines[0] == ["group", "behind", "seconds"]
    assert ["parley-pipeline", "0", "0"] in lines
    assert "chat.log/0: at " in await lag(chat, "archive")


async def test_a_group_that_nobody_reads_is_behind_and_named(chat: Chat) -> None:
    async with Person(chat, "ann") as ann:
        room = await ann.open_room()
        await ann.say(room, "hello")
    place = TopicPartition(RAW, partition_of(room, chat.settings.partitions))
    await commit_offsets(chat.settings, GROUP, {place: OffsetAndMetadata(0, "")})
    [line] = [line for line in (await lag(chat)).splitlines() if line.startswith(GROUP)]
    assert int(line.split()[1].replace(",", "")) > 0
    assert "no process reads it" in line
    [found] = json.loads(await lag(chat, "--json"))[GROUP]["partitions"]
    assert (found["topic"], found["partition"], found["offset"]) == (RAW, place.partition, 0)
    assert found["seconds"] > 0


async def test_an_unknown_group_is_told_with_the_nearest(chat: Chat) -> None:
    code, told = await chat.parley("lag", "pipelin")
    assert code == 1
    assert "did you mean parley-pipeline?" in told
