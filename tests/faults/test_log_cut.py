"""A log that has lost its end: history, search and read marks have lost the same."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis import asyncio as aioredis

from app.events import AnyLogEvent, MessageCreated, MessageEdited, RoomCreated, encode
from app.history.entry import Entry
from app.history.store import History
from app.topics import LOG, TOPICS, partition_of
from tests.faults.frail import Frail
from tests.faults.test_topics_older import end_of, ended, send, start_worker, stop_worker
from tests.support.chat import Chat, until
from tests.support.person import Person
from tests.support.topic_surgery import cut

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

[LOG_TOPIC] = [topic for topic in TOPICS if topic.name == LOG]


async def read_to(person: Person, room: str, seq: int) -> None:
    path = f"/v1/rooms/{room}/read"
    async with person.http.put(path, json={"seq": seq}, headers={"Prefer": "wait=20"}) as answer:
        assert (await answer.json())["read"] == seq, await answer.text()


async def unread(person: Person, room: str) -> Any:
    """The person's unread messages, once they are told; the edge or Valkey may be away."""

    async def told() -> Any:
        status, answer = await person.get("/v1/unread")
        return [answer["rooms"].get(room, {}).get("unread", 0)] if status == 200 else None

    [count] = await until(told)
    return count


async def shown(person: Person, room: str) -> list[tuple[str, bool]]:
    """Text of each message, and whether it was edited, once the history tells."""

    async def told() -> Any:
        status, page = await person.get(f"/v1/rooms/{room}/messages", limit=200)
        return page if status == 200 else None

    page = await until(told)
    return [(one["text"], "edited_ms" in one) for one in page["messages"]]


async def stored(chat: Chat, person: Person, room: str, text: str) -> None:
    """Return when the history store has a message; it is found without Valkey's window."""

    async def found() -> bool:
        _, answer = await person.get("/v1/search", q=text, room=room)
        return bool(answer.get("results"))

    await until(found, chat.workers[0].tail)


async def begin_epoch(chat: Chat, room: str, end: int) -> None:
    """Cut the log's partition of a room while no worker runs, and go on with the next command."""
    await cut(chat.settings, LOG_TOPIC, {partition_of(room, chat.settings.partitions): end})
    await start_worker(chat)
    async with Person(chat, "ann") as ann:
        command = asyncio.create_task(send(ann, room, "new one"))
        await until(lambda: ended(chat.edges[-1]), chat.edges[-1].tail)
        await asyncio.gather(command, return_exceptions=True)
    chat.urls[:] = [await chat.start_edge()]


async def agrees(chat: Chat) -> None:
    code, told = await chat.parley("verify")
    assert code == 0, told


async def test_history_and_read_marks_lose_what_the_log_has_lost(frail: Frail) -> None:
    chat = frail.chat
    async with Person(chat, "ann") as ann, Person(chat, "ben") as ben:
        room = await ann.open_room("ben")
        await ann.say(room, "kept one")
        await ann.say(room, "kept two")
        await read_to(ben, room, 1)
        kept = await end_of(chat, LOG, room)
        for number in range(3, 7):
            await ann.say(room, f"lost {number}")
        path = f"/v1/rooms/{room}/messages/1"
        async with ann.http.patch(path, json={"text": "lost edit"}) as answer:
            assert answer.status in (200, 201), await answer.text()
        await ann.http.delete(f"/v1/rooms/{room}/messages/2")
        await read_to(ben, room, 6)
        await stored(chat, ann, room, "lost 6")
    await stop_worker(chat)
    await begin_epoch(chat, room, kept)
    async with Person(chat, "ann") as ann, Person(chat, "ben") as ben:
        texts = [("kept one", False), ("kept two", False), ("new one", False)]
        assert await shown(ben, room) == texts
        assert await unread(ben, room) == 1
        # Up to the numbers that the lost messages had: none of these has been read.
        for number in range(4, 8):
            await ann.say(room, f"new {number}")
        assert await unread(ben, room) == 5
        texts += [(f"new {number}", False) for number in range(4, 8)]
        assert await shown(ben, room) == texts
        await stored(chat, ben, room, "new 7")
        status, found = await ben.get("/v1/search", q="lost")
        assert (status, found["results"]) == (200, [])
        await agrees(chat)
        async with aioredis.from_url(chat.settings.redis) as redis:
            await redis.flushall()
        assert await unread(ben, room) == 5
        await read_to(ben, room, 6)
        assert await unread(ben, room) == 1
    # The next worker reads the marks from the changelog.
    await stop_worker(chat)
    await start_worker(chat, empty=True)
    await agrees(chat)


@pytest.mark.slow
async def test_a_mark_on_its_way_while_the_log_is_cut_reads_no_later_message(
    frail: Frail,
) -> None:
    chat = frail.chat
    async with Person(chat, "ann") as ann, Person(chat, "ben") as ben:
        room = await ann.open_room("ben")
        await ann.say(room, "kept")
        kept = await end_of(chat, LOG, room)
        await ann.say(room, "lost 2")
        await ann.say(room, "lost 3")
        await stop_worker(chat)
        # Kafka has the receipt before the epoch begins, and no worker has taken it.
        path, now = f"/v1/rooms/{room}/read", {"Prefer": "wait=0"}
        async with ben.http.put(path, json={"seq": 3}, headers=now) as answer:
            assert answer.status == 202, await answer.text()
    await begin_epoch(chat, room, kept)
    async with Person(chat, "ann") as ann, Person(chat, "ben") as ben:
        await ann.say(room, "new 3")
        assert await unread(ben, room) == 2
        await agrees(chat)


@pytest.mark.slow
async def test_rebuild_removes_what_is_no_part_of_the_log(frail: Frail) -> None:
    chat = frail.chat
    async with Person(chat, "ann") as ann:
        room = await ann.open_room()
        await ann.say(room, "kept")
        await stored(chat, ann, room, "kept")
    common: dict[str, Any] = {"by": "ann", "at_ms": 1, "client_id": "c"}
    strays: list[AnyLogEvent] = [
        MessageEdited(room=room, n=3, id="a", seq=1, of=2, text="stray edit", **common),
        MessageCreated(room=room, n=4, id="b", seq=2, text="stray message", **common),
        RoomCreated(room="stray", n=1, id="c", type="group", name="", **common),
        MessageCreated(room="stray", n=2, id="d", seq=1, text="stray room", **common),
    ]
    history = History(chat.settings.history_url)
    await history.append([Entry.of(event, encode(event)) for event in strays])
    async with Person(chat, "ann") as ann:
        await ann.say(room, "takes the number of a stray")
        end, partition = await end_of(chat, LOG, room), partition_of(room, chat.settings.partitions)

        async def archived() -> bool:
            return (await history.archived())[partition] >= end

        await until(archived, chat.workers[0].tail)
        assert (await chat.parley("verify"))[0] == 1
        code, told = await chat.parley("rebuild", "--no-view")
        assert code == 0, told
        await agrees(chat)
        texts = [("kept", False), ("takes the number of a stray", False)]
        assert await shown(ann, room) == texts
    assert "stray" not in await history.rooms()
    assert await history.search("stray edit", [room, "stray"]) == []
    await history.close()
