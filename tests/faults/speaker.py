"""Users that send at a steady rate, and repeat each message until it has its number."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from itertools import count, zip_longest
from typing import NamedTuple

import aiohttp

from tests.faults.proof import Answer, Wish
from tests.support.chat import Chat

_PAUSE = 0.1
_LONGEST_PAUSE = 1.0
#: Seconds by which it falls behind its rate at most when this process has too little time.
_CATCHES_UP = 0.5
_TIMEOUT = aiohttp.ClientTimeout(total=15)


_WISH = "wish-"


def turn_of(wish: Wish) -> int:
    """How many were tried before it; -1 where it is not a speaker's."""
    turn = wish.client_id.removeprefix(_WISH)
    return int(turn) if turn.isdecimal() else -1


class Said(NamedTuple):
    """A wish that was accepted: when it was first tried, when so that it was taken, its end."""

    wish: Wish
    began: float
    #: When the first attempt began that was no failure.
    taken: float
    ended: float
    #: Whether it was told its number.
    numbered: bool

    @property
    def seconds(self) -> float:
        """How long it took, in however many attempts."""
        return self.ended - self.began


class Speaker:
    """Speaks in the rooms in turn, for their people in turn: `rate` wishes a second over all.

    Each wish has a client id of its own.
    Wishes do not wait for one another: the rate stays what it is when answers do not come. An
    attempt that fails is followed by another at the next edge. One that was accepted and has no
    number yet (202) is so for every other wish, which must change nothing; for the rest it is
    over, because accepted is durable.
    """

    def __init__(self, chat: Chat, people: Mapping[str, list[str]], rate: float) -> None:
        #: Every answer that took a wish, repetitions included.
        self.answers: list[Answer] = []
        self.said: list[Said] = []
        #: How many wishes were tried at least once.
        self.begun = 0
        #: Attempts that failed, by what went wrong.
        self.failures: list[str] = []
        self._chat = chat
        self._rate = rate
        self._rooms = len(people)
        self._turns = [
            (room, user)
            for turn in zip_longest(*people.values())
            for room, user in zip(people, turn, strict=True)
            if user
        ]
        self._headers = {user: chat.headers(user) for _, user in self._turns}
        self._wishes: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """Wishes that are not over."""
        return len(self._wishes)

    async def speak(self, stop: asyncio.Event) -> None:
        """Speak until `stop`, and then on until every wish is over."""
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT) as http:
            due = time.monotonic()
            for i in count():
                if stop.is_set():
                    break
                wish = Wish(*self._turns[i % len(self._turns)], f"{_WISH}{i}")
                self.begun = i + 1
                self._wishes.add(asyncio.create_task(self._insist(http, wish, i)))
                due = max(due + 1 / self._rate, time.monotonic() - _CATCHES_UP)
                await asyncio.sleep(due - time.monotonic())
                self._drop_done()
            await asyncio.gather(*self._wishes)
            self._wishes.clear()

    def _drop_done(self) -> None:
        for task in [task for task in self._wishes if task.done()]:
            self._wishes.discard(task)
            task.result()  # an answer that must not come ends the speaking

    async def _insist(self, http: aiohttp.ClientSession, wish: Wish, i: int) -> None:
        began, edges = time.monotonic(), self._chat.urls
        enough = (200, 201) if i // self._rooms % 2 else (200, 201, 202)
        pause, taken = _PAUSE, 0.0
        for turn in count(i):
            tried = time.monotonic()
            status = await self._attempt(http, wish, edges[turn % len(edges)])
            if status in (200, 201, 202):
                taken = taken or tried
            if status in enough:
                break
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        ended, numbered = time.monotonic(), status != 202
        self.said.append(Said(wish, began, taken, ended, numbered=numbered))

    async def _attempt(self, http: aiohttp.ClientSession, wish: Wish, edge: str) -> int:
        """Send once; the status of the answer, 0 where there was none."""
        body = {"text": f"I am {wish.client_id}", "client_id": wish.client_id}
        url, headers = f"{edge}/v1/rooms/{wish.room}/messages", self._headers[wish.by]
        try:
            async with http.post(url, json=body, headers=headers) as reply:
                status, told = reply.status, await reply.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError) as error:
            self.failures.append(repr(error))
            return 0
        if status in (200, 201, 202):
            self.answers.append(Answer(wish, told.get("n", 0), told.get("seq", 0)))
        else:
            assert status >= 500, (status, told)
            self.failures.append(f"{status} {told}")
        return status
