"""Agents of the kit in processes of their own, on real parts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from app.embedded.child import Child
from app.embedded.ports import free_port
from tests.support.chat import Chat, until
from tests.support.listener import Listener
from tests.support.person import Person

EXAMPLES = Path(__file__).parents[2] / "examples"
KILLS = 3

#: One name for all: a worker under another would wait until Kafka gives this one up.
NAME = "kits"

COUNTING = """
from parley import Agent, Do, MessageCreated, TimerFired

counting = Agent("counting", table=int, rate="1000/second", failures=3)


@counting.on("message.created")
def count(event: MessageCreated, do: Do[int]) -> None:
    if event.text == "boom":
        raise ValueError("not that one")
    if event.text == "later":
        do.after(2, ring)
    do.table[event.by] += 1
    do.say(f"{do.table[event.by]}")


@counting.timer
def ring(timer: TimerFired, do: Do[int]) -> None:
    do.say(f"rang at {sum(do.table.values())}")
"""


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "counting.py").write_text(COUNTING)
    return str(tmp_path)


def said(listener: Listener) -> list[str]:
    """What the agent said, in the order in which it came."""
    return [
        event["text"]
        for event in listener.events
        if event.get("text") and event["by"] == "counting"
    ]


async def logged(worker: Child, text: str) -> bool:
    return text in worker.log.read_text()


@pytest.mark.timeout(180)
async def test_counts_are_exact_and_said_once_though_the_agent_is_killed(
    chat: Chat, folder: str
) -> None:
    agent = chat.start_worker(NAME, agents=folder, only="counting")
    try:
        async with Person(chat, "ann") as ann, Listener(chat, "ann") as listener:
            room = await ann.open_room("counting")
            await until(lambda: logged(agent, "agent is at work"), agent.tail)
            number = 0
            for _ in range(KILLS):
                for _ in range(10):
                    number += 1
                    await ann.say(room, f"message {number}")
                await listener.until(lambda at=number - 9: str(at) in said(listener), 60)
                agent.kill()
                agent = chat.start_worker(NAME, agents=folder, only="counting")
            await ann.say(room, "later")
            await listener.until(lambda: str(number + 1) in said(listener), 60)
            # The timer outlives the process that set it.
            agent.kill()
            agent = chat.start_worker(NAME, agents=folder, only="counting")
            rang = f"rang at {number + 1}"
            await listener.until(lambda: rang in said(listener), 60)
            assert said(listener) == [*map(str, range(1, number + 2)), rang]
    finally:
        await agent.stop()


@pytest.mark.timeout(180)
async def test_an_agent_that_fails_again_and_again_pauses_and_goes_on_when_told(
    chat: Chat, folder: str
) -> None:
    agent = chat.start_worker(NAME, agents=folder, only="counting")

    async def agents(*arguments: str) -> str:
        code, told = await chat.parley("agents", *arguments, PARLEY_AGENTS=folder)
        assert code == 0, told
        return told

    async def listed(text: str) -> bool:
        return text in await agents("list")

    try:
        async with Person(chat, "ann") as ann, Listener(chat, "ann") as listener:
            room = await ann.open_room("counting")
            await until(lambda: logged(agent, "agent is at work"), agent.tail)
            for text in ("one", "boom", "two"):
                await ann.say(room, text)
            await listener.until(lambda: len(said(listener)) == 2, 60)
            assert said(listener) == ["1", "2"]
            _, told = await chat.parley("dead", "list", "--group", "parley-agent-counting")
            assert (
                'ValueError: not that one | counting.py:10 raise ValueError("not that one")' in told
            )
            for _ in range(3):
                await ann.say(room, "boom")
            await until(lambda: listed("paused by counting: 3 events in a row failed"), agent.tail)
            await ann.say(room, "while it is paused")
            assert await agents("resume", "counting") == "counting goes on\n"
            await listener.until(lambda: len(said(listener)) == 3, 60)
            assert said(listener) == ["1", "2", "3"]
            assert await listed("running in 1 process")
            (Path(folder) / "broken.py").write_text(
                "from parley import Agent\n\nother = Agent('other', table=int)\n1 / 0\n"
            )
            told = await agents("list")
            assert "broken.py:4: ZeroDivisionError: division by zero" in told
            assert "running in 1 process" in told
    finally:
        await agent.stop()


TALLY = """
from parley import Agent, Do, MessageCreated

tally = Agent("tally", table=int, rate="1000/second")


@tally.on("message.created", text=r"^\\+(?P<points>\\d+)")
def add(event: MessageCreated, do: Do[int], points: str) -> None:
    do.table["all"] += int(points) * FACTOR
    do.say(f"{do.table['all']} points", key=f"after {event.seq}")
"""


@pytest.mark.timeout(240)
async def test_a_replay_makes_the_table_anew_and_the_agent_goes_on_with_it(
    chat: Chat, tmp_path: Path
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, factor in ((old, "1"), (new, "2")):
        folder.mkdir()
        (folder / "tally.py").write_text(TALLY.replace("FACTOR", factor))

    async def agents(*arguments: str) -> str:
        code, told = await chat.parley("agents", *arguments, PARLEY_AGENTS=str(new))
        assert code == 0, told
        return told

    agent = chat.start_worker(NAME, agents=str(old), only="tally")
    try:
        async with Person(chat, "ann") as ann, Listener(chat, "ann") as listener:

            def points() -> list[str]:
                found = (one.get("text", "") for one in listener.events if one["by"] == "tally")
                return [text for text in found if text.endswith("points")]

            room = await ann.open_room("tally")
            # A new agent begins now, and the log is that of all workers of this name.
            await until(lambda: logged(agent, "agent=tally"), agent.tail)
            for number in (1, 2, 3):
                await ann.say(room, f"+{number}")
            await listener.until(lambda: points() == ["1 points", "3 points", "6 points"], 60)

            files = [str(folder / "tally.py") for folder in (old, new)]
            told = await agents("diff", *files, "--from-start")
            assert "3 differ, 0 come no more, 0 are new; 1 values differ" in told
            assert f"= {room}/all: 6 → 12" in told
            told = await agents("replay", "tally", "--from-start")
            assert "1 values in its table, 0 events failed" in told
            assert len(points()) == 3

            await agent.stop()
            agent = chat.start_worker(NAME, agents=str(new), only="tally")
            told = await agents("replay", "tally", "--from-start", "--cut-over", "--send")
            assert "tally goes on with the table of this replay, its revision 2" in told
            assert "0 commands sent, 3 messages amended" in told
            await listener.until(lambda: points()[3:] == ["2 points", "6 points", "12 points"], 60)
            await ann.say(room, "+4")
            await listener.until(lambda: points()[6:] == ["20 points"], 60)

            assert "revision 1" in await agents("rollback", "tally")
            await ann.say(room, "+5")
            # It handles +4 once more, which the room has the answer to, and goes on from 6 + 8.
            await listener.until(lambda: points()[7:] == ["24 points"], 60)
    finally:
        await agent.stop()


@pytest.mark.timeout(240)
async def test_a_bridge_to_a_slow_and_failing_service_loses_nothing_and_keeps_the_order(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms_heard: dict[str, list[str]] = {}
    keys: set[str] = set()
    failing, now, most = 6, 0, 0

    async def hear(request: web.Request) -> web.Response:
        nonlocal failing, now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.2)
        now -= 1
        if failing:
            failing -= 1
            return web.Response(status=503)
        message = await request.json()
        if request.headers["Idempotency-Key"] not in keys:
            keys.add(request.headers["Idempotency-Key"])
            rooms_heard.setdefault(message["room"], []).append(message["text"])
        return web.Response()

    server = web.Application()
    server.router.add_post("/", hear)
    runner = web.AppRunner(server)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    monkeypatch.setenv("PARLEY_AGENT_BRIDGE_URL", f"http://127.0.0.1:{port}/")
    agent = chat.start_worker(NAME, agents=str(EXAMPLES), only="bridge")
    try:
        async with Person(chat, "ann") as ann:
            rooms = [await ann.open_room() for _ in range(4)]
            await until(lambda: logged(agent, "agent=bridge"), agent.tail)
            texts = [f"message {number}" for number in range(6)]
            for number, text in enumerate(texts):
                for room in rooms:
                    await ann.say(room, text)
                if number == 2:
                    agent.kill()
                    agent = chat.start_worker(NAME, agents=str(EXAMPLES), only="bridge")

            async def whole() -> bool:
                return all(len(rooms_heard.get(room, ())) == len(texts) for room in rooms)

            await until(whole, agent.tail)
            assert [rooms_heard[room] for room in rooms] == [texts] * len(rooms)
            assert most > 1, "one room waited for another"
    finally:
        await agent.stop()
        await runner.cleanup()
