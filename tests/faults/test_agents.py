"""Agents of one's own that are killed, block, crash or take all memory."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

import pytest

from tests.end_to_end.test_agents import COUNTING, logged, said
from tests.faults.frail import Frail
from tests.support.chat import until
from tests.support.listener import Listener
from tests.support.person import Person

pytestmark = [pytest.mark.faults, pytest.mark.slow]

KILLS = 20

#: Seconds for which an agent blocks, and that an answer of the chat may take meanwhile at most.
BLOCKED = 60
ANSWERED = 2.0

MISBEHAVING = f"""
import os
import time

from parley import Agent, Do, MessageCreated

blocking = Agent("blocking")
crashing = Agent("crashing")
eating = Agent("eating")
counting = Agent("counting", table=int, rate="1000/second")


@blocking.on("message.created", text="misbehave")
def block(event: MessageCreated, do: Do) -> None:
    print("blocking agent: began", flush=True)
    time.sleep({BLOCKED})
    do.say("blocking agent: done")


@crashing.on("message.created", text="misbehave")
def crash(event: MessageCreated, do: Do) -> None:
    os._exit(9)


@eating.on("message.created", text="misbehave")
def eat(event: MessageCreated, do: Do) -> None:
    eaten = []
    while True:
        eaten.append(bytearray(64 * 1024 * 1024))


@counting.on("message.created")
def count(event: MessageCreated, do: Do[int]) -> None:
    do.table[event.by] += 1
    do.say(f"{{do.table[event.by]}}")
"""


@pytest.mark.timeout(600)
async def test_counts_are_exact_and_said_once_through_twenty_kills(
    standing: Frail, tmp_path: Path
) -> None:
    chat = standing.chat
    (tmp_path / "counting.py").write_text(COUNTING)

    async with Person(chat, "ann") as ann, Listener(chat, "ann") as listener:
        room = await ann.open_room("counting")
        agent = chat.start_worker("kits", agents=str(tmp_path), only="counting")
        await until(lambda: logged(agent, "agent is at work"), agent.tail)
        stop, sent = asyncio.Event(), 0

        async def speak() -> None:
            nonlocal sent
            while not stop.is_set():
                sent += 1
                await ann.say(room, f"message {sent}")

        speaking = asyncio.create_task(speak())
        try:
            for _ in range(KILLS):
                before = len(said(listener))
                await listener.until(lambda before=before: len(said(listener)) > before + 3, 60)
                await asyncio.sleep(random.uniform(0, 0.7))  # any moment between two commits
                agent.kill()
                agent = chat.start_worker("kits", agents=str(tmp_path), only="counting")
        finally:
            stop.set()
            await speaking
        await listener.until(lambda: len(said(listener)) >= sent, 60)
        assert said(listener) == [str(number) for number in range(1, sent + 1)]
        await agent.stop()


@pytest.mark.timeout(300)
async def test_an_agent_that_misbehaves_delays_neither_the_chat_nor_another_agent(
    standing: Frail, tmp_path: Path
) -> None:
    chat = standing.chat
    (tmp_path / "misbehaving.py").write_text(MISBEHAVING)
    async with Person(chat, "ann") as ann, Listener(chat, "ann") as listener:
        names = ("counting", "blocking", "crashing", "eating")
        room = await ann.open_room(*names)
        worker = chat.start_worker("kits", agents=str(tmp_path), agents_memory=512)

        async def is_dead(agent: str, why: str) -> bool:
            _, told = await chat.parley("dead", "list", "--group", f"parley-agent-{agent}")
            return why in told

        try:
            for name in names:
                at_work = f"agent={name} "
                await until(lambda text=at_work: logged(worker, text), worker.tail)
            await ann.say(room, "misbehave")
            await until(lambda: logged(worker, "blocking agent: began"), worker.tail)
            ends, took = time.monotonic() + BLOCKED - 10, []
            while time.monotonic() < ends:
                began = time.monotonic()
                await ann.say(room, "how are you?")
                took.append(time.monotonic() - began)
                await asyncio.sleep(0.2)
            assert max(took) < ANSWERED, sorted(took)[-5:]
            await listener.until(lambda: len(said(listener)) == len(took) + 1, 20)
            texts = [event.get("text") for event in listener.events]
            assert "blocking agent: done" not in texts
            await listener.until(
                lambda: any(one.get("text") == "blocking agent: done" for one in listener.events),
                60,
            )
            told = worker.log.read_text()
            assert "a handler has not returned" in told
            assert "Agent crashing ended" in told
            await until(lambda: is_dead("crashing", "process ended"), worker.tail)
            assert await is_dead("eating", "MemoryError")
        finally:
            await worker.stop()
