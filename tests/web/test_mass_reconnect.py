"""An edge dies, and all its readers come to another one at once."""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack

import orjson

from tests.chat import Chat
from tests.person import Person
from tests.web.raw import Raw, raw, request

READERS = 160
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


async def test_readers_of_a_dead_edge_miss_nothing_and_sends_go_on(chat: Chat) -> None:
    readers = [Reader(f"many-{i}") for i in range(READERS)]
    dying = await chat.start_edge()
    edge = chat.edges[-1]
    async with Person(chat, "ann") as ann, AsyncExitStack() as stack:
        room = await ann.open_room(*(reader.user for reader in readers))
        before = await asyncio.gather(*(one.open(chat, dying, stack) for one in readers))
        await ann.say(room, "before")
        await asyncio.gather(
            *(one.read(at, "before") for one, at in zip(readers, before, strict=True))
        )
        edge.kill()
        await ann.say(room, "between")
        coming = asyncio.gather(*(one.open(chat, chat.url, stack) for one in readers))
        sent = ["between"]
        while not coming.done() or len(sent) < SENDS:
            sent.append(f"meanwhile {len(sent)}")
            await ann.say(room, sent[-1])
        after = await coming
        await asyncio.gather(
            *(one.read(at, sent[-1]) for one, at in zip(readers, after, strict=True))
        )
    for one in readers:
        assert one.texts == ["before", *sent]
        assert one.numbers == list(range(one.numbers[0], one.numbers[0] + len(one.texts)))
