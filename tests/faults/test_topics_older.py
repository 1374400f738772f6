"""Topics that come back other than they were: made anew, or without their end."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from app.embedded.child import Child
from app.kafka.partition_reader import PartitionReader
from app.stream.checkpoint import INTERVAL
from app.topics import LOG, RAW, TOPICS, VERDICTS, changelog, partition_of
from tests.faults.frail import Frail, at_work, kept_running
from tests.support.chat import Chat, until
from tests.support.listener import Listener
from tests.support.person import Person
from tests.support.topic_surgery import commits_kept, cut, make_anew

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

TOPIC = {topic.name: topic for topic in TOPICS}


async def stop_worker(chat: Chat) -> None:
    await chat.workers.pop().stop(30)


async def start_worker(chat: Chat, *, empty: bool = False) -> None:
    if empty:
        shutil.rmtree(chat.settings.data / "workers", ignore_errors=True)
    lives = (chat.settings.data / "logs" / "w1.log").read_text().count("ready")
    await at_work(chat.start_worker("w1"), times=lives + 1)


async def end_of(chat: Chat, topic: str, room: str) -> int:
    async with PartitionReader(chat.settings) as reader:
        return await reader.end(topic, partition_of(room, chat.settings.partitions))


async def ended(child: Child) -> bool:
    return not child.running


async def send(person: Person, room: str, text: str) -> tuple[int, dict[str, Any]]:
    path = f"/v1/rooms/{room}/messages"
    return await person.post(path, {"text": text}, Prefer="wait=20")


async def test_commands_in_a_raw_topic_made_anew_are_decided(standing: Frail) -> None:
    chat = standing.chat
    async with Person(chat, "ann") as ann:
        room = await ann.open_room("ben")
        for number in range(5):
            await ann.say(room, f"before {number}", f"c{number}")
        await stop_worker(chat)
        await make_anew(chat.settings, TOPIC[RAW])
        await start_worker(chat)
        status, answer = await send(ann, room, "after")
        assert (status, answer["seq"]) == (201, 6)
        status, answer = await ann.post(
            f"/v1/rooms/{room}/messages", {"text": "x", "client_id": "c3"}, Prefer="wait=20"
        )
        assert (status, answer["seq"]) == (200, 4)
    code, told = await chat.parley("verify")
    assert code == 0, told


async def test_commands_behind_the_cut_of_a_raw_topic_are_decided(standing: Frail) -> None:
    """The commits are left, and are of records that are not."""
    chat = standing.chat
    async with Person(chat, "ann") as ann:
        room = await ann.open_room("ben")
        partition = partition_of(room, chat.settings.partitions)
        for number in range(3):
            await ann.say(room, f"kept {number}")
        kept = await end_of(chat, RAW, room)
        for number in range(3):
            await ann.say(room, f"cut {number}")
        await stop_worker(chat)
        async with commits_kept(chat.settings, "parley-pipeline", TOPIC[RAW]):
            await cut(chat.settings, TOPIC[RAW], {partition: kept})
        await start_worker(chat)
        for number in range(3):
            status, answer = await send(ann, room, f"after {number}")
            assert (status, answer["seq"]) == (201, 7 + number)
    code, told = await chat.parley("verify")
    assert code == 0, told


async def test_a_table_that_lost_the_end_of_its_changelog_follows_the_log(standing: Frail) -> None:
    chat = standing.chat
    async with Person(chat, "ann") as ann, Person(chat, "ben") as ben:
        room = await ann.open_room("ben")
        partition = partition_of(room, chat.settings.partitions)
        await ben.say(room, "still here")
        await stop_worker(chat)
        before = await end_of(chat, changelog("parley-pipeline", "members").name, room)
        await start_worker(chat)
        path = f"/v1/rooms/{room}/members/ben"
        async with ann.http.delete(path, headers={"Prefer": "wait=20"}) as answer:
            assert answer.status == 200, await answer.text()
        await stop_worker(chat)
        await cut(chat.settings, changelog("parley-pipeline", "members"), {partition: before})
        await start_worker(chat, empty=True)
        status, answered = await send(ben, room, "not here any more")
        assert status == 404, answered
    code, told = await chat.parley("verify")
    assert code == 0, told


async def test_a_log_that_lost_its_end_begins_an_epoch_and_tells_its_readers(
    standing: Frail,
) -> None:
    chat = standing.chat
    async with Person(chat, "ann") as ann:
        room = await ann.open_room("ben")
        partition = partition_of(room, chat.settings.partitions)
        await ann.say(room, "kept")
        kept = await end_of(chat, LOG, room)
        async with Listener(chat, "ben") as before:
            for number in range(3):
                await ann.say(room, f"lost {number}", f"lost-{number}")
            await before.until(lambda: before.messages(room)[-1:] == ["lost 2"])
        await stop_worker(chat)
        await cut(chat.settings, TOPIC[LOG], {partition: kept})
        await start_worker(chat)
        command = asyncio.create_task(send(ann, room, "new"))
        await until(lambda: ended(chat.edges[0]), chat.edges[0].tail)
        await asyncio.gather(command, return_exceptions=True)
        chat.urls[:] = [await chat.start_edge()]
    async with Person(chat, "ann") as ann:
        status, answer = await send(ann, room, "newer")
        assert (status, answer["seq"]) == (201, 3)
        async with Listener(chat, "ben", before.cursor) as after:
            await after.until(lambda: after.messages(room)[-1:] == ["newer"])
            assert after.events[0]["kind"] == "reset"
            assert room in after.events[0]["rooms"]
            assert after.messages(room) == ["new", "newer"]


async def test_a_topic_made_anew_while_workers_run_is_noticed(standing: Frail) -> None:
    chat = standing.chat
    async with Person(chat, "ann") as ann, Person(chat, "ben") as ben:
        room = await ann.open_room()
        status, _ = await send(ben, room, "refused")
        assert status == 404
        async with kept_running(*chat.workers):
            await make_anew(chat.settings, TOPIC[VERDICTS])

            async def refused() -> bool:
                status, _ = await send(ben, room, "refused again")
                return status == 404

            await until(lambda: ended_once(chat.workers[0]), chat.workers[0].tail)
            await until(refused, chat.workers[0].tail)


async def ended_once(worker: Child) -> bool:
    return "chat.verdicts was" in worker.log.read_text()


@pytest.mark.slow
async def test_tables_beside_another_changelog_are_made_anew(frail: Frail) -> None:
    """The changelog was made anew and has grown past the offset at which RocksDB stands."""
    chat = frail.chat
    topic = changelog("parley-pipeline", "members")
    async with Person(chat, "ann") as ann, Person(chat, "cid") as cid:
        room = await ann.open_room("ben")
        grown = partial(end_of, chat, topic.name, room)
        while await grown() < 8:
            await another_role(ann, room)
        await stop_worker(chat)
        stood_at = await grown()
        await make_anew(chat.settings, topic)
        await at_work(chat.start_worker("w2"))
        status, answer = await ann.post(
            f"/v1/rooms/{room}/members", {"user": "cid"}, Prefer="wait=20"
        )
        assert status == 201, answer
        assert await grown() < stood_at
        while await grown() <= stood_at:
            await another_role(ann, room)
        await stop_worker(chat)
        await at_work(chat.start_worker("w1"), times=2)
        status, answer = await send(cid, room, "here")
        assert status == 201, answer
        assert "is another than it was" in chat.workers[0].log.read_text()
    code, told = await chat.parley("verify", "--room", room)
    assert code == 0, told


async def another_role(person: Person, room: str) -> None:
    """Change ben's role, twice; each in a checkpoint of its own."""
    for role in ("moderator", "member"):
        path, wait = f"/v1/rooms/{room}/members/ben", {"Prefer": "wait=20"}
        async with person.http.patch(path, json={"role": role}, headers=wait) as answer:
            assert answer.status in (200, 201), await answer.text()
        await asyncio.sleep(INTERVAL)


@pytest.mark.slow
async def test_a_worker_killed_while_a_topic_was_missing_gets_all_partitions_again(
    frail: Frail,
) -> None:
    chat = frail.chat
    async with Person(chat, "ann") as ann:
        room = await ann.open_room()
        await stop_worker(chat)
        lame = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.faults.lame_member"),
            env={**os.environ, **replace(chat.settings, worker="w1").environ()},
        )
        assert await lame.wait() == 0
        worker = chat.start_worker("w1")
        async with kept_running(worker):

            async def taken() -> bool:
                status, _ = await send(ann, room, "here again")
                return status == 201

            await until(taken, worker.tail)
    assert "its next start gets all" in worker.log.read_text()
