"""Many readers that do not read, beside one that does."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path

import pytest

from tests.support.chat import Chat, until
from tests.support.listener import Listener
from tests.support.person import Person
from tests.web.support.raw import request

#: Streams that do not read: each person has as many as one may have.
PEOPLE, EACH = 50, 20

#: More than may wait for a reader, and as long as a message may be.
SAID, LENGTH = 160, 4_000


def memory(pid: int) -> int:
    """Bytes that a process has in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


def files(pid: int) -> int:
    """How many files a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def stall(chat: Chat, user: str) -> socket.socket:
    """A stream of somebody's who reads nothing of it."""
    stalled = socket.socket()
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.connect(("127.0.0.1", int(chat.url.rpartition(":")[2])))
    stalled.send(request(chat, user, "GET /v1/stream"))
    return stalled


@pytest.mark.long
async def test_a_thousand_readers_that_stall_cost_little_and_delay_nobody(chat: Chat) -> None:
    edge, people = chat.edges[0].pid, [f"sid-{i}" for i in range(PEOPLE)]
    async with Person(chat, "ann") as ann, Listener(chat, "leo") as leo:
        room = await ann.open_room("leo", *people)
        opened = files(edge)
        stalled = [stall(chat, user) for user in people for _ in range(EACH)]
        await ann.say(room, "first")
        await leo.until(lambda: leo.messages(room) == ["first"])
        await until(lambda: _async(files(edge) >= opened + len(stalled)))
        before, most, slowest = memory(edge), 0, 0.0
        for number in range(SAID // 20):
            began = time.monotonic()
            texts = [f"{number} {i} ".ljust(LENGTH, ".") for i in range(20)]
            await asyncio.gather(*(ann.say(room, text) for text in texts))
            await leo.until(lambda texts=texts: set(leo.messages(room)[-20:]) == set(texts))
            slowest = max(slowest, time.monotonic() - began)
            most = max(most, memory(edge))
        assert slowest < 8
        assert most - before < 64 * 1024 * 1024, "not a copy for each of them"

        await until(lambda: _async(files(edge) < opened + EACH))
        for one in stalled:
            one.close()


async def _async(value: bool) -> bool:
    return value
