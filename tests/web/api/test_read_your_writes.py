"""What was answered is read at once, everywhere, however far the archive is behind."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote
from uuid import uuid4

from sqlalchemy import make_url

from app.history.store import History
from tests.support.chat import Chat, until
from tests.support.person import Person
from tests.web.api.test_chat import call


@contextmanager
def archive_stands(chat: Chat) -> Iterator[None]:
    """Hold the lock of the store's one writer; readers don't need it."""
    database = make_url(chat.settings.history_url).database
    assert database is not None
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


async def archived(chat: Chat, room: str, seq: int) -> None:
    history = History(chat.settings.history_url)

    async def there() -> bool:
        return await history.newest_seq(room) >= seq

    await until(there)
    await history.close()


async def shown(person: Person, room: str, **query: int) -> dict[int, str]:
    """A page: the text of each message, `-` for a deleted one."""
    status, page = await person.get(f"/v1/rooms/{room}/messages", **query)
    assert status == 200, page
    return {one["seq"]: "-" if one.get("deleted") else one["text"] for one in page["messages"]}


async def found(person: Person, word: str) -> list[tuple[int, str]]:
    status, body = await person.get("/v1/search", q=word)
    assert status == 200, body
    return [(one["seq"], one["message"]["text"]) for one in body["results"]]


async def test_edits_and_deletions_of_old_messages_are_on_the_next_page(chat: Chat) -> None:
    async with Person(chat, "ann") as ann:
        room = await ann.open_room()
        path = f"/v1/rooms/{room}/messages"
        for i in range(80):
            await ann.say(room, f"old {i}")
        await archived(chat, room, 80)
        wrong = []
        for seq in random.sample(range(1, 25), 20):
            if seq % 2:
                status, _ = await call(ann, "PATCH", f"{path}/{seq}", {"text": "new"})
            else:
                status, _ = await call(ann, "DELETE", f"{path}/{seq}")
            assert status == 200
            text = (await shown(ann, room, after_seq=seq - 1, limit=1))[seq]
            if text != ("new" if seq % 2 else "-"):
                wrong.append((seq, text))
        assert not wrong


async def test_while_the_archive_stands_pages_threads_and_searches_show_all_that_was_done(
    chat: Chat,
) -> None:
    word = uuid4().hex
    async with Person(chat, "ann") as ann, Person(chat, "ben") as ben:
        room = await ann.open_room("ben")
        path = f"/v1/rooms/{room}/messages"
        await ann.say(room, f"root {word}")
        for i in range(4):
            await ann.post(path, {"text": f"reply {i} {word}", "thread": 1})
        await archived(chat, room, 5)
        with archive_stands(chat):
            await call(ann, "PATCH", f"{path}/2", {"text": f"edited {word}"})
            await call(ann, "DELETE", f"{path}/3")
            await call(ann, "PATCH", f"{path}/4", {"text": "without it"})
            await ann.post(path, {"text": f"late reply {word}", "thread": 1})
            await ann.say(room, "beside")
            await call(ann, "PATCH", f"{path}/7", {"text": f"beside, edited {word}"})
            after = {
                1: f"root {word}",
                2: f"edited {word}",
                3: "-",
                4: "without it",
                5: f"reply 3 {word}",
                6: f"late reply {word}",
                7: f"beside, edited {word}",
            }
            assert await shown(ben, room) == after
            assert await shown(ben, room, after_seq=2, limit=2) == {3: "-", 4: "without it"}
            thread = {seq: text for seq, text in after.items() if 1 < seq < 7}
            assert await shown(ben, room, thread=1) == thread
            assert await shown(ben, room, thread=1, limit=2) == {5: thread[5], 6: thread[6]}
            assert await shown(ben, room, thread=1, after_seq=1, limit=1) == {2: thread[2]}
            hits = [(seq, text) for seq, text in after.items() if word in text]
            assert await found(ben, word) == hits[::-1]
            assert await found(ben, "without it") == [(4, "without it")]
            _, first = await ben.get("/v1/search", q=word, limit=3)
            seqs = [one["seq"] for one in first["results"]]
            while first["has_more"]:
                _, first = await ben.get("/v1/search", q=word, limit=3, before=first["before"])
                seqs += [one["seq"] for one in first["results"]]
            assert seqs == [seq for seq, _ in hits[::-1]]


async def test_a_message_that_a_moderator_deleted_is_nowhere_while_the_archive_stands(
    chat: Chat,
) -> None:
    word = uuid4().hex
    async with Person(chat, "ann") as ann, Person(chat, "ben") as ben:
        room = await ann.open_room("ben")
        await ben.say(room, f"rude {word}")
        await ann.say(room, "fine")
        await archived(chat, room, 2)
        with archive_stands(chat):
            path = f"/v1/rooms/{room}/messages/1"
            assert (await call(ann, "DELETE", path))[0] == 200
            assert await shown(ben, room) == {1: "-", 2: "fine"}
            assert await found(ben, word) == []


async def test_reactions_are_not_shown_for_a_message_that_was_just_deleted(chat: Chat) -> None:
    async with Person(chat, "ann") as ann:
        room = await ann.open_room()
        await ann.say(room, "liked")
        path = f"/v1/rooms/{room}/messages"
        await call(ann, "PUT", f"{path}/1/reactions/{quote('👍')}")

        async def reacted() -> bool:
            return "reactions" in (await ann.history(room))[0]

        await until(reacted)
        with archive_stands(chat):
            await call(ann, "DELETE", f"{path}/1")
            assert "reactions" not in (await ann.history(room))[0]


async def test_beyond_the_window_a_page_waits_for_the_archive_and_then_says_so(
    chat: Chat,
) -> None:
    narrow = await chat.start_edge(window=5)
    async with Person(chat, "ann") as ann, Person(chat, "ann", narrow) as there:
        room = await ann.open_room()
        await ann.say(room, "first")
        await archived(chat, room, 1)
        with archive_stands(chat):
            for i in range(10):
                await ann.say(room, f"{i}")
            await call(ann, "DELETE", f"/v1/rooms/{room}/messages/1")
            for path in (f"/v1/rooms/{room}/messages", "/v1/search?q=first"):
                status, body = await there.get(path)
                assert (status, body["code"]) == (503, "history_behind")
            later = asyncio.create_task(shown(there, room, after_seq=0, limit=1))
            await asyncio.sleep(0.1)
        assert await later == {1: "-"}
