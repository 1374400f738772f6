"""Readers that send read receipts, and repeat them until they are answered."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from itertools import count, cycle

import aiohttp

from tests.faults.follower import Follower
from tests.support.chat import Chat

_PAUSE = 0.1
_TIMEOUT = aiohttp.ClientTimeout(total=15)


class Marker:
    """Has each follower in turn mark what they have seen in one of their rooms, `rate` a second.

    One after the other: while nobody answers nobody marks. What was answered with 202 is durable,
    as with sends, and counts as marked. With `lenient` the message may be no part of the log any
    more.
    """

    def __init__(
        self,
        chat: Chat,
        followers: Mapping[str, Follower],
        rate: float,
        *,
        lenient: bool = False,
    ) -> None:
        #: By reader and room, the last `seq` that was taken.
        self.marked: dict[str, Counter[str]] = {user: Counter() for user in followers}
        self._chat = chat
        self._followers = followers
        self._pause = 1 / rate
        self._lenient = lenient

    async def mark(self, http: aiohttp.ClientSession, stop: asyncio.Event) -> None:
        """Mark until `stop`."""
        for user in cycle(self._followers):
            if stop.is_set():
                break
            for room, places in list(self._followers[user].seen.items()):
                seq = max(place.seq for place in places[-1:])
                if seq > self.marked[user][room]:
                    if await self._insist(http, user, room, seq):
                        self.marked[user][room] = seq
                    break
            await asyncio.sleep(self._pause)

    async def _insist(self, http: aiohttp.ClientSession, user: str, room: str, seq: int) -> bool:
        """Whether the mark was taken; false for a message that is no part of the log any more."""
        headers, edges = self._chat.headers(user), self._chat.urls
        for turn in count():
            url = f"{edges[turn % len(edges)]}/v1/rooms/{room}/read"
            try:
                async with http.put(
                    url, json={"seq": seq}, headers=headers, timeout=_TIMEOUT
                ) as answer:
                    told = await answer.json(content_type=None)
                    if answer.status in (200, 202):
                        assert told.get("read", seq) >= seq, (user, seq, told)
                        return True
                    if self._lenient and told.get("code") == "read_beyond_head":
                        return False
                    assert answer.status >= 500, (answer.status, told)
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(_PAUSE)
        raise AssertionError("`count` has no end")
