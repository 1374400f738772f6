"""`parley dead`: dead letters are sent again, once or several times, or dropped."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from app.topics import RAW
from tests.faults.frail import frail_chat
from tests.support.chat import Chat, until
from tests.support.person import Person

#: An agent's file, which a worker loads: a moderation that can't use some, until it is mended.
FAILS = """
from pathlib import Path

from agents import moderation

right = moderation.flaw


def flaw(command):
    if "boom" in getattr(command, "text", "") and not Path("MENDED").exists():
        return "it went boom"
    return right(command)


moderation.flaw = flaw
"""


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_dead_commands_are_sent_again_or_dropped(tmp_path: Path) -> None:
    mended = tmp_path / "mended"
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "fails.py").write_text(FAILS.replace("MENDED", str(mended)))
    async with (
        frail_chat(tmp_path, [], agents=str(tmp_path / "agents")) as frail,
        Person(frail.chat, "ann") as ann,
    ):
        chat, room = frail.chat, await ann.open_room()
        for text in ("boom", "boom", "another boom"):  # the first is tried twice
            wish = {"text": text, "client_id": text.replace(" ", "-")}
            status, _ = await ann.post(f"/v1/rooms/{room}/messages", wish, Prefer="wait=0")
            assert status == 202
        await garble(chat)
        names = await listed(chat, "it went boom", 3)
        [garbled] = await listed(chat, "malformed", 1)

        code, told = await chat.parley("dead", "send-again", names[0])
        assert (code, told) == (0, "1 sent again\n")
        names = await listed(chat, "it went boom", 3)  # in vain, so it is back

        mended.touch()
        assert await chat.parley("dead", "drop", garbled) == (0, "1 dropped\n")
        assert await chat.parley("dead", "send-again", *names[:1]) == (0, "1 sent again\n")
        assert await chat.parley("dead", "send-again", "--all") == (0, "2 sent again\n")
        await listed(chat, "", 0)

        async def both() -> bool:
            return len(await ann.history(room)) == 2

        await until(both)
        await ann.say(room, "after all of it")
        said = [message["text"] for message in await ann.history(room)]
        assert sorted(said) == ["after all of it", "another boom", "boom"]

        await garble(chat)
        await garble(chat)
        names = await listed(chat, "malformed", 2)
        assert await chat.parley("dead", "drop", "--all") == (0, "2 dropped\n")
        await listed(chat, "", 0)
        code, told = await chat.parley("dead", "drop", names[0])
        assert (code, "no dead record is named" in told) == (1, True), told
        code, told = await chat.parley("dead", "drop")
        assert (code, "say --all" in told) == (2, True), told


async def garble(chat: Chat) -> None:
    """Write what is no command to `chat.raw`."""
    async with AIOKafkaProducer(bootstrap_servers=chat.settings.bootstrap) as producer:
        await producer.send_and_wait(RAW, b"malformed", partition=0)


async def listed(chat: Chat, reason: str, count: int) -> list[str]:
    """The names of the dead records with this reason, when there are so many."""

    found: list[str] = []

    async def are() -> bool:
        code, told = await chat.parley("dead", "list")
        assert code == 0, told
        found[:] = [line.split()[1] for line in told.splitlines()[:-1] if reason in line]
        return len(found) == count

    await until(are)
    return found
