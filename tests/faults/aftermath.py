"""The results of a load, read from outside."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial

import aiohttp

from tests.faults.follower import Follower
from tests.faults.proof import Count, Records, miscounted, place
from tests.support.chat import Chat, until
from tests.support.person import Person


class Aftermath:
    """Reads history, streams and counts into `records`, until they have what was accepted.

    What is still missing after `patience` seconds stays so: the proof will say who lacks what.
    """

    def __init__(
        self,
        chat: Chat,
        rooms_of: Mapping[str, list[str]],
        followers: Mapping[str, Follower],
        patience: float,
    ) -> None:
        self._chat = chat
        self._rooms_of = rooms_of
        self._followers = followers
        self._patience = patience

    async def read(self, owner: str, records: Records) -> None:
        """Read all of it; `owner` is a member of each room."""
        url = await self._living()
        async with Person(self._chat, owner, url) as person:
            with suppress(AssertionError):
                await until(partial(self._all_stored, person, records), within=self._patience / 2)
                await until(partial(self._all_seen, records), within=self._patience / 2)
        for user, follower in self._followers.items():
            records.seen[user] = {room: follower.seen[room] for room in self._rooms_of[user]}
            records.resets += [user] * follower.resets
        with suppress(AssertionError):
            await until(partial(self._all_counted, url, records), within=self._patience / 2)

    async def _all_stored(self, owner: Person, records: Records) -> bool:
        for room, found in records.history.items():
            more = True
            while more:
                after = found[-1].seq if found else 0
                path = f"/v1/rooms/{room}/messages"
                status, page = await owner.get(path, after_seq=after, limit=200)
                more = status < 500 and page["has_more"]
                found += [place(message) for message in page.get("messages", ())]
        stored = {place.wish for found in records.history.values() for place in found}
        return stored >= {answer.wish for answer in records.answers}

    async def _all_seen(self, records: Records) -> bool:
        return all(
            len(self._followers[user].seen[room]) >= len(records.history[room])
            for user, rooms in self._rooms_of.items()
            for room in rooms
        )

    async def _all_counted(self, url: str, records: Records) -> bool:
        for user in self._followers:
            async with Person(self._chat, user, url) as person:
                status, page = await person.get("/v1/rooms")
            if status != 200:
                return False
            records.counts[user] = {
                room["room"]: Count(room["read"], room["unread"])
                for room in page["rooms"]
                if room["room"] in records.history
            }
        return not list(miscounted(records))

    async def _living(self) -> str:
        async with aiohttp.ClientSession() as http:
            for url in self._chat.urls:
                with suppress(aiohttp.ClientError):
                    async with http.get(f"{url}/readyz") as answer:
                        if answer.status == 200:
                            return url
        raise AssertionError("no edge is ready")
