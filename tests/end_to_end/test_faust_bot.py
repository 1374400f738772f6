"""The example of a plain Faust agent, in a worker of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.embedded.child import Child
from app.events import decode_verdict
from app.kafka.partition_reader import PartitionReader
from app.topics import VERDICTS, partition_of
from tests.support.chat import Chat, until
from tests.support.listener import Listener
from tests.support.person import Person

EXAMPLES = Path(__file__).parents[2] / "examples"
BOT = "faust-bot"
KILLS = 3

#: One name for all: a worker under another would wait until Kafka gives this one up.
NAME = "bots"


def answers(listener: Listener) -> list[str]:
    """What the bot said, in the order in which it came."""
    return [event["text"] for event in listener.events if event["by"] == BOT]


async def given_again(chat: Chat, room: str) -> int:
    """How many of the bot's answers the room had already."""
    partition = partition_of(room, chat.settings.partitions)
    async with PartitionReader(chat.settings) as reader:
        found = [decode_verdict(r.value) async for r in reader.read(VERDICTS, partition, 0)]
    return sum(verdict.repeated for verdict in found if (verdict.room, verdict.by) == (room, BOT))


@pytest.mark.timeout(180)
async def test_the_bot_answers_once_though_it_is_killed(chat: Chat) -> None:
    bots = chat.start_worker(NAME, agents=str(EXAMPLES), only="faust_bot")
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
                bots = chat.start_worker(NAME, agents=str(EXAMPLES), only="faust_bot")
            await ann.say(room, "!echo at last")
            await listener.until(lambda: "at last" in answers(listener), 60)
            assert answers(listener) == [*asked, "at last"]
        assert await given_again(chat, room) > 0, "no kill came between an answer and its commit"
    finally:
        await bots.stop()


async def test_the_bot_keeps_silent_where_it_is_no_member(chat: Chat) -> None:
    bots = chat.start_worker(NAME, agents=str(EXAMPLES), only="faust_bot")
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
from pathlib import Path

from app.events import MessageCreated, decode_log
from app.stream.consumer_groups import group, inbox
from app.topics import LOG

app = group("frail")


@app.agent(inbox(app, LOG))
async def frail(stream):
    async for value in stream:
        event = decode_log(value)
        if isinstance(event, MessageCreated) and "{room}" == event.room:
            if event.text == "boom" and not Path("{mended}").exists():
                raise ValueError("not that one")
            print("frail saw", event.text, flush=True)
"""


async def test_an_event_that_an_agent_of_ones_own_fails_on_can_be_sent_again(
    chat: Chat, tmp_path: Path
) -> None:
    async with Person(chat, "ann") as ann:
        room, mended = await ann.open_room(), tmp_path / "mended"
        agent = FRAIL.replace("{room}", room).replace("{mended}", str(mended))
        (tmp_path / "frail.py").write_text(agent)
        worker = chat.start_worker(NAME, agents=str(tmp_path), only="frail")
        try:
            for text in ("one", "boom", "two"):
                await ann.say(room, text)
            await until(lambda: _said(worker, "frail saw two"), worker.tail)
            _, told = await chat.parley("dead", "list", "--group", "parley-frail")
            assert "not that one" in told
            name = told.split()[1]
            _, told = await chat.parley("dead", "show", name)
            assert '"text": "boom"' in told
            mended.touch()
            assert await chat.parley("dead", "send-again", name) == (0, "1 sent again\n")
            await until(lambda: _said(worker, "frail saw boom"), worker.tail)
            _, told = await chat.parley("dead", "list", "--group", "parley-frail")
            assert told == "0 dead records\n"
        finally:
            await worker.stop()


async def _said(worker: Child, text: str) -> bool:
    return text in worker.log.read_text()
