"""A steady load on a Parley, and the proof that it lost, doubled and disordered nothing.

async with Load(chat) as load:
    await load.steady(4)
    …kill something…
    await load.steady(4)
assert load.faults() == []
"""

from __future__ import annotations

import asyncio
import random
import time
from types import TracebackType
from typing import NamedTuple, Self

import aiohttp

from app.topics import partition_of
from tests.faults.aftermath import Aftermath
from tests.faults.follower import Follower
from tests.faults.marker import Marker
from tests.faults.meddler import Meddler
from tests.faults.proof import Place, Records, faults
from tests.faults.resumption import Resumption
from tests.faults.speaker import Speaker
from tests.support.chat import Chat, until
from tests.support.person import Person

_OWNER = "owner"
#: Marks for each send, and acts in quiet rooms, of which there are so many.
_MARKS = 0.2
_ACTS = 0.05
_QUIET = 8


class Strength(NamedTuple):
    """`rate` sends a second in all to so many rooms, `readers` who follow and speak."""

    rate: float
    rooms: int
    readers: int


#: For tests of every day, and for those of an hour's kind.
LIGHT = Strength(rate=24, rooms=8, readers=20)
FULL = Strength(rate=200, rooms=20, readers=200)


class Load:
    """People who follow and speak: in rooms on each partition.

    Each is in two of the rooms; every tenth polls, the others stream; they mark what they have
    read. In quiet rooms beside, somebody edits, deletes, reacts, lets in and puts out. `name`
    begins the names of the rooms, where a chat has several loads one after the other. With
    `lenient`, acts may be about messages that are no part of the log any more. At the end every
    wish has `patience` seconds to be answered, and then to be seen by all.
    """

    def __init__(
        self,
        chat: Chat,
        strength: Strength = LIGHT,
        *,
        patience: float = 120.0,
        name: str = "",
        lenient: bool = False,
    ) -> None:
        rooms = _rooms(strength.rooms, chat.settings.partitions, f"{name}room")
        #: The members of each room.
        self.people = {
            room: [f"reader-{j}" for j in range(strength.readers) if (i - j) % len(rooms) in (0, 1)]
            for i, room in enumerate(rooms)
        }
        self.followers: dict[str, Follower] = {}
        self.speaker = Speaker(chat, self.people, strength.rate)
        self._chat = chat
        self._strength = strength
        self._places: dict[Place, Place] = {}
        self._patience = patience
        self._lenient = lenient
        self._quiet = _rooms(_QUIET, chat.settings.partitions, f"{name}quiet")
        #: All that was seen from outside, once the load has ended.
        self.records = Records(base={})
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._furnish()
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        for i in range(self._strength.readers):
            user, poll = f"reader-{i}", i % 10 == 9
            self.followers[user] = Follower(self._chat, user, self._http, self._places, poll, i)
        self._tasks = [asyncio.create_task(each.follow()) for each in self.followers.values()]
        for each in self.followers.values():
            await asyncio.wait_for(each.live.wait(), 30)
        marks = _MARKS * self._strength.rate
        self.marker = Marker(self._chat, self.followers, marks, lenient=self._lenient)
        self._speaking = asyncio.create_task(self.speaker.speak(self._stop))
        self._marking = asyncio.create_task(self.marker.mark(self._http, self._stop))
        rate = _ACTS * self._strength.rate
        meddler = Meddler(self._chat, _OWNER, self._quiet, rate, lenient=self._lenient)
        self._meddling = asyncio.create_task(meddler.meddle(self._http, self._stop))
        self._tasks += [self._speaking, self._marking, self._meddling]
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
            await self._http.close()

    async def steady(self, seconds: float, within: float = 120.0) -> None:
        """Return when what is said in so many seconds has been tried from now on, and accepted.

        It takes up to a second more: what a test does then comes at a random moment.
        """
        since, before = time.monotonic(), len(self.speaker.said)
        seconds += random.random()

        async def enough() -> bool:
            self._check()
            new = self.speaker.said[before:]
            return sum(said.began > since for said in new) >= seconds * self._strength.rate

        await until(enough, self.state, within)

    async def moment(self) -> None:
        """Return after some of the load: what a test does then comes at a random moment."""
        await self.steady(random.uniform(0.5, 4.0))

    async def everywhere(self, within: float) -> dict[str, int]:
        """Return when what is first tried from now on is numbered in each room, and seen by all.

        Of each room, the `seq` of the first that somebody saw.
        """
        resumption = Resumption(self.speaker, self.followers, self.people)

        async def enough() -> bool:
            self._check()
            return resumption.complete()

        await until(enough, lambda: f"{self.state()}; {resumption.state()}", within)
        return resumption.first

    def slowest(self, since: float) -> float:
        """Seconds of the slowest wish that was first tried after `since` and is over."""
        return max(said.seconds for said in self.speaker.said if said.began >= since)

    def refused(self, since: float) -> float:
        """The most seconds until an edge took a wish that was first tried after `since`."""
        said = (said for said in self.speaker.said if said.began >= since)
        return max(one.taken - one.began for one in said)

    def state(self) -> str:
        """Where it stands, for an error message."""
        speaker = self.speaker
        return (
            f"{len(speaker.said)} were accepted, {speaker.waiting} wait,"
            f" failures: {speaker.failures[-5:]}"
        )

    def faults(self) -> list[str]:
        """The faults in the recorded answers and events, once the load has ended."""
        return faults(self.records)

    async def _furnish(self) -> None:
        async with Person(self._chat, _OWNER) as owner:
            opening = (owner.open_room(*there, room=room) for room, there in self.people.items())
            await asyncio.gather(*opening)
            await asyncio.gather(*(owner.open_room(room=room) for room in self._quiet))
        # Another region has them a moment later.
        await asyncio.gather(*(self._known_at(url) for url in self._chat.urls))
        self.records.base = {room: 1 + len(there) for room, there in self.people.items()}
        self.records.history = {room: [] for room in self.people}

    async def _known_at(self, url: str) -> None:
        """Return when an edge knows every room with all its members."""
        async with Person(self._chat, _OWNER, url) as owner:

            async def knows(room: str, members: int) -> bool:
                status, found = await owner.get(f"/v1/rooms/{room}/members", limit=1)
                return status == 200 and found["count"] == members

            there = {room: len(people) for room, people in self.people.items()}
            for room, people in (there | dict.fromkeys(self._quiet, 0)).items():
                await until(lambda room=room, count=people + 1: knows(room, count))  # type: ignore[misc]

    def _check(self) -> None:
        for task in self._tasks:
            if task.done():
                task.result()

    async def _finish(self) -> None:
        """Have every wish over, what was accepted in the history, and the history seen."""
        self._stop.set()
        over = [self._speaking, self._marking, self._meddling]
        await asyncio.wait(over, timeout=self._patience)
        self._check()
        self.records.unanswered = self.speaker.waiting
        self.records.answers = list(self.speaker.answers)
        self.records.marked = self.marker.marked
        rooms_of = {user: self._rooms_of(user) for user in self.followers}
        aftermath = Aftermath(self._chat, rooms_of, self.followers, self._patience)
        await aftermath.read(_OWNER, self.records)

    def _rooms_of(self, user: str) -> list[str]:
        return [room for room, people in self.people.items() if user in people]


def _rooms(count: int, partitions: int, prefix: str) -> list[str]:
    """So many rooms, one of them at least on each partition, as far as they reach."""
    names = [f"{prefix}-{i}" for i in range(1000)]
    firsts = {partition_of(name, partitions): name for name in reversed(names)}
    return list(dict.fromkeys([*firsts.values(), *names]))[:count]
