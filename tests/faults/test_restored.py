"""A deployment that is restored from a backup, after its Kafka was lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from app.embedded.kafka import Kafka
from app.embedded.valkey import Valkey
from tests.faults.frail import Frail, at_work
from tests.support.chat import Chat, until
from tests.support.listener import Listener
from tests.support.person import Person

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


async def backed_up(chat: Chat, folder: Path) -> None:
    code, told = await chat.parley("backup", str(folder))
    assert code == 0, told


async def stop(chat: Chat) -> None:
    await chat.stop()
    chat.workers.clear()
    chat.edges.clear()
    chat.urls.clear()


async def start(chat: Chat) -> None:
    log = chat.settings.data / "logs" / "w1.log"
    lives = log.read_text().count("ready") if log.exists() else 0
    worker = chat.start_worker("w1")
    await chat.start_edge()
    await at_work(worker, lives + 1)


@asynccontextmanager
async def restored(chat: Chat, backup: Path, folder: Path) -> AsyncIterator[None]:
    """The chat with another Kafka that has the backup; all else is as it was."""
    await stop(chat)
    async with Kafka(folder / "other") as other:
        chat.settings = replace(chat.settings, broker=other.url)
        code, told = await chat.parley("restore", str(backup))
        assert code == 0, told
        await start(chat)
        try:
            yield
        finally:
            await stop(chat)


async def texts(person: Person, room: str, count: int) -> list[str]:
    """The texts of a room, when there are so many; until then the history may be behind."""
    path, found = f"/v1/rooms/{room}/messages", list[str]()

    async def all_are_there() -> bool:
        status, page = await person.get(path, after_seq=0, limit=100)
        assert status in (200, 503), page
        found[:] = [one["text"] for one in page.get("messages", ())]
        return len(found) >= count

    await until(all_are_there)
    return found


async def agrees(chat: Chat) -> None:
    code, told = await chat.parley("verify")
    assert code == 0, told


@pytest.mark.parametrize(
    "left",
    [pytest.param("Valkey and store are newer", marks=pytest.mark.slow), "all else is lost, too"],
)
async def test_after_a_restore_readers_resume_and_client_ids_keep_their_numbers(
    frail: Frail, tmp_path: Path, left: str
) -> None:
    chat = frail.chat
    async with Person(chat, "ann") as ann, Person(chat, "ben") as ben:
        room = await ann.open_room("ben")
        async with Listener(chat, "ben") as early:
            for number in range(5):
                await ann.say(room, f"said {number}", f"c{number}")
            await early.until(lambda: len(early.messages(room)) == 5)
            kept = early.cursor
        async with ben.http.put(f"/v1/rooms/{room}/read", json={"seq": 4}) as answer:
            assert answer.status == 200
        await backed_up(chat, tmp_path / "backup")
        async with Listener(chat, "ben", kept) as late:
            for number in range(3):
                await ann.say(room, f"lost {number}", f"l{number}")
            await late.until(lambda: len(late.messages(room)) == 3)
            beyond = late.cursor
        async with ben.http.put(f"/v1/rooms/{room}/read", json={"seq": 8}) as answer:
            assert answer.status == 200
    async with Valkey(tmp_path / "new-valkey") as empty:
        if left == "all else is lost, too":
            data = tmp_path / "new-data"
            data.mkdir()
            chat.settings = replace(chat.settings, redis=empty.url, data=data)
        async with restored(chat, tmp_path / "backup", tmp_path):
            async with (
                Person(chat, "ann") as ann,
                Listener(chat, "ben", kept) as true,
                Listener(chat, "ben", beyond) as rewound,
            ):
                path = f"/v1/rooms/{room}/messages"
                again = {"text": "x", "client_id": "c3"}
                status, answer = await ann.post(path, again, Prefer="wait=20")
                assert (status, answer["seq"]) == (200, 4)
                answer = await ann.say(room, "after", "l1", wait=20)
                assert answer["seq"] == 6
                await true.until(lambda: true.messages(room) == ["after"])
                await rewound.until(lambda: rewound.messages(room) == ["after"])
                assert any(one["kind"] == "reset" for one in rewound.events)
                said = [f"said {number}" for number in range(5)]
                assert await texts(ann, room, 6) == [*said, "after"]
            async with Person(chat, "ben") as ben:
                _, snapshot = await ben.get("/v1/sync")
                (one,) = snapshot["rooms"]
                assert one["unread"] == one["seq"] - one["read"]
                assert one["read"] == 4
            await agrees(chat)


@pytest.mark.slow
async def test_a_backup_has_every_command_that_was_accepted_before_it(
    frail: Frail, tmp_path: Path
) -> None:
    chat = frail.chat
    async with Person(chat, "ann") as ann:
        room = await ann.open_room("ben")
        await ann.say(room, "decided")
        await chat.workers[0].stop(30)
        for number in range(4):
            status, _ = await ann.post(
                f"/v1/rooms/{room}/messages", {"text": f"accepted {number}"}, Prefer="wait=0"
            )
            assert status == 202
    await backed_up(chat, tmp_path / "backup")
    async with restored(chat, tmp_path / "backup", tmp_path), Person(chat, "ben") as ben:
        said = [f"accepted {number}" for number in range(4)]
        assert await texts(ben, room, 5) == ["decided", *said]
        await agrees(chat)


@pytest.mark.slow
async def test_a_restore_that_was_killed_goes_on(frail: Frail, tmp_path: Path) -> None:
    chat, backup = frail.chat, tmp_path / "backup"
    async with Person(chat, "ann") as ann:
        room = await ann.open_room()
        for number in range(30):
            await ann.say(room, f"said {number}")
    await backed_up(chat, backup)
    await stop(chat)
    async with Kafka(tmp_path / "other") as other:
        chat.settings = replace(chat.settings, broker=other.url)
        for delay in (1.0, 1.4, 1.8, 2.2):
            process = await chat.command("restore", str(backup))
            try:
                await asyncio.wait_for(process.communicate(), delay)
            except TimeoutError:
                process.kill()
                await process.wait()
        code, told = await chat.parley("restore", str(backup))
        assert code == 0 or "has a deployment" in told, told
        await start(chat)
        async with Person(chat, "ann") as ann:
            assert (await ann.say(room, "after", wait=20))["seq"] == 31
            assert len(await texts(ann, room, 31)) == 31
        await agrees(chat)
        await stop(chat)


@pytest.mark.slow
async def test_a_second_backup_adds_what_has_come_since(frail: Frail, tmp_path: Path) -> None:
    chat, backup = frail.chat, tmp_path / "backup"
    async with Person(chat, "ann") as ann:
        room = await ann.open_room("ben")
        await ann.say(room, "first")
        await backed_up(chat, backup)
        await ann.say(room, "second")
        await backed_up(chat, backup)
        await backed_up(chat, backup)
    code, told = await chat.parley("backup", "--check", str(backup))
    assert code == 0, told
    async with restored(chat, backup, tmp_path), Person(chat, "ben") as ben:
        assert await texts(ben, room, 2) == ["first", "second"]
        await agrees(chat)
