"""The example of an agent of one's own, in a worker of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.embedded.child import Child
from app.events import decode_dead, decode_verdict
from app.log_reader import LogReader
from app.topics import DEAD, VERDICTS, partition_of
from tests.chat import Chat, until
from tests.listener import Listener
from tests.person import Person

EXAMPLES = Path(__file__).parents[1] / "examples"
BOT = "reply-bot"
KILLS = 3

#: One name for all: a worker under another would wait until Kafka gives this one up.
NAME = "bots"


def answers(listener: Listener) -> list[str]:
    """What the bot said, in the order in which it came."""
    return [event["text"] for event in listener.events if event["by"] == BOT]


async def given_again(chat: Chat, room: str) -> int:
    """How many of the bot's answers the room had already."""
    partition = partition_of(room, chat.settings.partitions)
    async with LogReader(chat.settings) as reader:
        found = [decode_verdict(r.value) async for r in reader.read(VERDICTS, partition, 0)]
    return sum(verdict.repeated for verdict in found if (verdict.room, verdict.by) == (room, BOT))


@pytest.mark.timeout(180)
async def test_the_bot_answers_once_though_it_is_killed(chat: Chat) -> None:
    bots = chat.start_worker(NAME, agents=str(EXAMPLES), only="reply_bot")
    try:
        async with Person(chat, "ann") as ann, Listener(chat, "ann") as listener:
            room = await ann.open_room(BOT)
            asked: list[str] = []
            for _ in range(KILLS):
                for _ in range(5):
                    asked.append(f"{len(asked)}")
                    await ann.say(room, f"!echo {asked[-1]}")
                first = asked[-5]
                await listener.until(lambda first=first: first in answers(listener), 60)
                bots.kill()
                bots = chat.start_worker(NAME, agents=str(EXAMPLES), only="reply_bot")
            await ann.say(room, "!echo at last")
            await listener.until(lambda: "at last" in answers(listener), 60)
            assert answers(listener) == [*asked, "at last"]
        assert await given_again(chat, room) > 0, "no kill came between an answer and its commit"
    finally:
        await bots.stop()


async def test_the_bot_keeps_silent_where_it_is_no_member(chat: Chat) -> None:
    bots = chat.start_worker(NAME, agents=str(EXAMPLES), only="reply_bot")
    try:
        async with Person(chat, "ann") as ann, Listener(chat, "ann") as listener:
            without, within = await ann.open_room(), await ann.open_room(BOT)
            await ann.say(without, "!echo not here")
            await ann.say(within, "!echo here")
            await listener.until(lambda: bool(answers(listener)), 60)
            assert answers(listener) == ["here"]
    finally:
        await bots.stop()


FRAIL = """
from app.events import MessageCreated, decode_log
from app.groups import group
from app.topics import LOG

app = group("frail")


@app.agent(app.topic(LOG, value_type=bytes))
async def frail(stream):
    async for value in stream:
        event = decode_log(value)
        if isinstance(event, MessageCreated) and "{room}" == event.room:
            print("frail saw", event.text, flush=True)
            if event.text == "boom":
                raise ValueError("not that one")
"""


async def test_an_event_that_an_agent_of_ones_own_fails_on_is_buried(
    chat: Chat, tmp_path: Path
) -> None:
    async with Person(chat, "ann") as ann:
        room = await ann.open_room()
        (tmp_path / "frail.py").write_text(FRAIL.replace("{room}", room))
        worker = chat.start_worker(NAME, agents=str(tmp_path), only="frail")
        try:
            for text in ("one", "boom", "two"):
                await ann.say(room, text)
            await until(lambda: _said(worker, "frail saw two"), worker.tail)
            async with LogReader(chat.settings) as reader:
                dead = [
                    decode_dead(record.value)
                    for partition in range(chat.settings.partitions)
                    async for record in reader.read(DEAD, partition, 0)
                ]
            [buried] = [one for one in dead if one.group == "parley-frail"]
            assert "not that one" in buried.reason
            assert b"boom" in buried.value
        finally:
            await worker.stop()


async def _said(worker: Child, text: str) -> bool:
    return text in worker.log.read_text()
