"""A deployment that moves to another Kafka cluster while people read and write."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from app.embedded.child import Child
from app.embedded.kafka import Kafka
from app.settings import Settings
from tests.faults.frail import Frail, at_work
from tests.faults.load import Load
from tests.support.chat import Chat
from tests.support.listener import Listener
from tests.support.person import Person

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


async def start_at(chat: Chat, broker: Kafka) -> None:
    """Start a worker and an edge with the other broker, the edge where the former one was."""
    port = int(chat.url.rsplit(":", 1)[1])
    chat.settings = replace(chat.settings, broker=broker.url)
    chat.workers.clear()
    chat.edges.clear()
    chat.urls.clear()
    worker = chat.start_worker("w1")
    await chat.start_edge(port=port)
    await at_work(worker, 2)


@pytest.mark.slow
async def test_a_move_loses_nothing_and_readers_keep_their_cursors(
    frail: Frail, tmp_path: Path
) -> None:
    chat = frail.chat
    async with Kafka(tmp_path / "other") as other:
        async with Load(chat) as load:
            await load.steady(3)
            code, told = await chat.parley("move", other.url)
            assert code == 0, told
            await load.steady(2)
            began = time.monotonic()
            code, told = await chat.parley("move", "--now", other.url)
            assert code == 0, told
            assert f"PARLEY_BROKER={other.url}" in told
            await start_at(chat, other)
            await frail.back(load, "a move", stored=True)
            print(f"from the end to the first answer: {time.monotonic() - began:.1f} s\n{told}")
            await load.steady(2)
        await frail.unharmed(load)
        await chat.stop()


async def test_client_ids_keep_their_numbers_and_marks_stay(frail: Frail, tmp_path: Path) -> None:
    chat = frail.chat
    async with Kafka(tmp_path / "other") as other:
        async with Person(chat, "ann") as ann, Person(chat, "ben") as ben:
            room = await ann.open_room("ben")
            for number in range(5):
                await ann.say(room, f"before {number}", f"c{number}")
            async with ben.http.put(f"/v1/rooms/{room}/read", json={"seq": 3}) as answer:
                assert answer.status == 200, await answer.text()
            async with Listener(chat, "ben") as listener:
                cursor = listener.cursor
            await ann.say(room, "on the way")
        code, told = await chat.parley("move", "--now", other.url)
        assert code == 0, told
        await start_at(chat, other)
        async with Person(chat, "ann") as ann, Person(chat, "ben") as ben:
            async with Listener(chat, "ben", cursor) as listener:
                await ann.say(room, "after", wait=20)
                await listener.until(lambda: len(listener.messages(room)) == 2)
                assert listener.messages(room) == ["on the way", "after"]
                assert not listener.hello.get("reset")
            status, answer = await ann.post(
                f"/v1/rooms/{room}/messages", {"text": "x", "client_id": "c3"}
            )
            assert (status, answer["seq"]) == (200, 4)
            _, snapshot = await ben.get("/v1/sync")
            assert [(one["read"], one["unread"]) for one in snapshot["rooms"]] == [(3, 4)]
        code, told = await chat.parley("verify")
        assert code == 0, told
        await chat.stop()


@pytest.mark.slow
async def test_nothing_starts_where_the_deployment_was_or_is_not_yet(
    frail: Frail, tmp_path: Path
) -> None:
    chat, former = frail.chat, frail.chat.settings
    async with Kafka(tmp_path / "other") as other:
        code, told = await chat.parley("move", other.url)
        assert code == 0, told
        assert "is being copied" in await refused(chat, replace(former, broker=other.url))
        code, told = await chat.parley("move", "--now", other.url)
        assert code == 0, told
        for child in chat.workers + chat.edges:
            assert await child.ended(30)
        assert f"has moved to {other.url}" in await refused(chat, former)
        code, told = await chat.parley("doctor")
        assert code == 1
        assert f"has moved to {other.url}" in told
        code, told = await chat.parley("move", "--now", other.url)
        assert code == 0
        assert "already" in told


@pytest.mark.slow
async def test_a_move_that_is_given_up_leaves_the_chat_where_it_was(
    frail: Frail, tmp_path: Path
) -> None:
    chat = frail.chat
    async with Kafka(tmp_path / "other") as other:
        async with Person(chat, "ann") as ann:
            room = await ann.open_room()
            await ann.say(room, "before")
        code, told = await chat.parley("move", "--now", other.url)
        assert code == 0, told
        code, told = await chat.parley("move", "--cancel", other.url)
        assert code == 1
        assert "is complete" in told
    code, told = await chat.parley("move", "--cancel", "kafka://127.0.0.1:1", "--lost")
    assert code == 1
    assert f"moved to {other.url}, not to" in told
    code, told = await chat.parley("move", "--cancel", "--lost", other.url)
    assert code == 0, told
    code, told = await chat.parley("move", "--cancel", other.url)
    assert code == 1
    assert "has not moved" in told
    await start_at(chat, frail.kafka)
    async with Person(chat, "ann") as ann:
        assert (await ann.say(room, "after", wait=20))["seq"] == 2


async def refused(chat: Chat, settings: Settings) -> str:
    """What a worker with these settings says when it ends at once."""
    child: Child = Chat(settings).start_worker("w8")
    assert await child.ended(30), child.tail()
    assert child.exit_code != 0
    return child.tail()
