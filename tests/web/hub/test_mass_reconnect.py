"""An edge dies, and all its readers come to another one at once."""

from __future__ import annotations

import asyncio
import re
import resource
from collections.abc import Iterator
from contextlib import AsyncExitStack

import orjson
import pytest

from tests.support.chat import Chat
from tests.support.person import Person
from tests.web.support.raw import Raw, raw, request

LOCAL_READERS = 160
CROWD = 5_000
SENDS = 20

_BLOCK = re.compile(rb'data: (\{"kind":"message.created".*\})\nid: (\S+)')


class Reader:
    """A stream over bare bytes: hundreds of them cost little."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.cursor = ""
        self.texts: list[str] = []
        self.numbers: list[int] = []

    async def open(self, chat: Chat, url: str, stack: AsyncExitStack) -> Raw:
        """Connect where the reader stands; returns behind the `hello`."""
        query = f"?cursor={self.cursor}" if self.cursor else ""
        connection = await stack.enter_async_context(raw(url))
        connection.writer.write(request(chat, self.user, f"GET /v1/stream{query}"))
        hello = await connection.until(b"\n\n")
        assert b'"recovered":true' in hello, hello
        return connection

    async def read(self, connection: Raw, last: str) -> None:
        """Take events up to the message `last`."""
        while not self.texts or self.texts[-1] != last:
            found = _BLOCK.search(await connection.until(b"\n\n"))
            if found is not None:
                event = orjson.loads(found[1])
                self.texts.append(event["text"])
                self.numbers.append(event["n"])
                self.cursor = found[2].decode()


async def everybody_moves(
    chat: Chat, readers: list[Reader], edges: list[str], pause: float
) -> None:
    """The last of the chat's edges, which is the first of these, dies; all come to the second."""
    dying, other = edges
    edge = chat.edges[chat.urls.index(dying)]
    async with Person(chat, "ann", other) as ann, AsyncExitStack() as stack:
        room = await ann.open_room(*{reader.user for reader in readers})
        before = await asyncio.gather(*(one.open(chat, dying, stack) for one in readers))
        await ann.say(room, "before")
        await asyncio.gather(
            *(one.read(at, "before") for one, at in zip(readers, before, strict=True))
        )
        edge.kill()
        await ann.say(room, "between")
        coming = asyncio.gather(*(one.open(chat, other, stack) for one in readers))
        sent = ["between"]
        while not coming.done() or len(sent) < SENDS:
            sent.append(f"meanwhile {len(sent)}")
            await ann.say(room, sent[-1])
            await asyncio.sleep(pause)
        after = await coming
        await asyncio.gather(
            *(one.read(at, sent[-1]) for one, at in zip(readers, after, strict=True))
        )
    for one in readers:
        assert one.texts == ["before", *sent]
        assert one.numbers == list(range(one.numbers[0], one.numbers[0] + len(one.texts)))


async def test_readers_of_a_dead_edge_miss_nothing_and_sends_go_on(chat: Chat) -> None:
    readers = [Reader(f"many-{i}") for i in range(LOCAL_READERS)]
    await everybody_moves(chat, readers, [await chat.start_edge(), chat.url], 0)


@pytest.fixture
def many_files() -> Iterator[None]:
    """As many open files as the system lets this process, and those that it starts, have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 3 * CROWD:
        pytest.skip(f"{CROWD} streams need {3 * CROWD} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.long
@pytest.mark.usefixtures("many_files")
async def test_five_thousand_readers_of_a_dead_edge_miss_nothing_and_sends_go_on(
    chat: Chat,
) -> None:
    """Each person has several streams: adding five thousand members is not what is tried here."""
    readers = [Reader(f"crowd-{i % 250}") for i in range(CROWD)]
    edges = [await chat.start_edge() for _ in range(2)]
    await everybody_moves(chat, readers, edges, 0.2)
    await asyncio.gather(*(edge.stop(10) for edge in chat.edges[-2:]))
