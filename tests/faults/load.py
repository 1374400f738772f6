"""A steady load on a Parley, and the proof that it lost, doubled and disordered nothing.

async with Load(chat) as load:
    await load.acknowledged(100)
    …kill something…
    await load.acknowledged(100)
assert load.faults() == []
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Self

import aiohttp
import httpx

from app.topics import partition_of
from tests.chat import Chat, until
from tests.faults.follower import Follower
from tests.faults.proof import Place, Records, faults, place
from tests.faults.speaker import Speaker
from tests.person import Person

_OWNER = "owner"


class Load:
    """`readers` who follow and speak: `rate` sends a second in all, to a room on each partition.

    Each is in two of the rooms; every tenth polls, the others stream. At the end every wish has
    `patience` seconds to be answered, and then to be seen by all.
    """

    def __init__(
        self, chat: Chat, *, rate: float = 24, readers: int = 20, patience: float = 60.0
    ) -> None:
        rooms = _one_a_partition(chat.settings.partitions)
        #: The members of each room.
        self.people = {
            room: [f"reader-{j}" for j in range(readers) if (i - j) % len(rooms) in (0, 1)]
            for i, room in enumerate(rooms)
        }
        self.followers: dict[str, Follower] = {}
        self.speaker = Speaker(chat, self.people, rate)
        self._chat = chat
        self._readers = readers
        self._patience = patience
        self._records = Records(base={})
        self._client = httpx.AsyncClient(timeout=30, limits=httpx.Limits())
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._furnish()
        for i in range(self._readers):
            user, poll = f"reader-{i}", i % 10 == 9
            self.followers[user] = Follower(self._chat, user, self._client, poll=poll)
        self._tasks = [asyncio.create_task(each.follow()) for each in self.followers.values()]
        for each in self.followers.values():
            await asyncio.wait_for(each.live.wait(), 30)
        self._speaking = asyncio.create_task(self.speaker.speak(self._stop))
        self._tasks.append(self._speaking)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                await self._finish()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._client.aclose()

    async def acknowledged(self, more: int, within: float = 60.0) -> None:
        """Return when `more` wishes that were first tried from now on have been accepted."""
        since = time.monotonic()

        async def enough() -> bool:
            self._check()
            return sum(said.began > since for said in self.speaker.said) >= more

        await until(enough, self.state, within)

    async def everywhere(self, since: float, within: float) -> None:
        """Return when each room has numbered a wish that was first tried after `since`."""

        async def enough() -> bool:
            self._check()
            served = {s.wish.room for s in self.speaker.said if s.numbered and s.began > since}
            return served == self.people.keys()

        await until(enough, self.state, within)

    def slowest(self, since: float) -> float:
        """Seconds of the slowest wish that was first tried after `since` and is over."""
        return max(said.seconds for said in self.speaker.said if said.began >= since)

    def state(self) -> str:
        """Where it stands, for an error message."""
        speaker = self.speaker
        return (
            f"{len(speaker.said)} were accepted, {speaker.waiting} wait,"
            f" failures: {speaker.failures[-5:]}"
        )

    def faults(self) -> list[str]:
        """What is wrong with what was recorded, once the load has ended."""
        return faults(self._records)

    async def _furnish(self) -> None:
        async with Person(self._chat, _OWNER) as owner:
            for room, people in self.people.items():
                await owner.open_room(*people, room=room)
                self._records.base[room] = 1 + len(people)
                self._records.history[room] = []

    def _check(self) -> None:
        for task in self._tasks:
            if task.done():
                task.result()

    async def _finish(self) -> None:
        """Have every wish over, what was accepted in the history, and the history seen."""
        self._stop.set()
        await asyncio.wait([self._speaking], timeout=self._patience)
        self._check()
        self._records.unanswered = self.speaker.waiting
        self._records.answers = list(self.speaker.answers)
        async with Person(self._chat, _OWNER, await self._living()) as owner:
            with suppress(AssertionError):  # the proof will say who lacks what
                await until(partial(self._all_stored, owner), within=self._patience / 2)
                await until(self._all_seen, within=self._patience / 2)
        for user, each in self.followers.items():
            self._records.seen[user] = {room: each.seen[room] for room in self._rooms_of(user)}
            self._records.resets += [user] * each.resets

    async def _all_stored(self, owner: Person) -> bool:
        for room, found in self._records.history.items():
            await self._read_on(owner, room, found)
        stored = {place.wish for found in self._records.history.values() for place in found}
        return stored >= {answer.wish for answer in self._records.answers}

    async def _read_on(self, owner: Person, room: str, found: list[Place]) -> None:
        """Read what a room's history has beyond what was found in it."""
        more = True
        while more:
            after = found[-1].seq if found else 0
            path = f"/v1/rooms/{room}/messages"
            status, page = await owner.get(path, after_seq=after, limit=200)
            more = status < 500 and page["has_more"]
            found += [place(message) for message in page.get("messages", ())]

    async def _all_seen(self) -> bool:
        return all(
            len(each.seen[room]) >= len(self._records.history[room])
            for user, each in self.followers.items()
            for room in self._rooms_of(user)
        )

    def _rooms_of(self, user: str) -> list[str]:
        return [room for room, people in self.people.items() if user in people]

    async def _living(self) -> str:
        async with aiohttp.ClientSession() as http:
            for url in self._chat.urls:
                try:
                    async with http.get(f"{url}/readyz") as answer:
                        if answer.status == 200:
                            return url
                except aiohttp.ClientError:
                    continue
        raise AssertionError("no edge is ready")


def _one_a_partition(partitions: int) -> list[str]:
    rooms: dict[int, str] = {}
    for i in range(1000):
        rooms.setdefault(partition_of(f"room-{i}", partitions), f"room-{i}")
    return [rooms[partition] for partition in range(partitions)]
