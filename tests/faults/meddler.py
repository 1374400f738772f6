"""Somebody who changes what was said and who belongs, in quiet rooms: `parley verify` judges it.

In rooms where ten messages come a second, what a table has wrong is written over at once. Here it
stays as it was left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple

import aiohttp

from tests.support.chat import Chat

_PAUSE = 0.1
_LONGEST_PAUSE = 1.0
_TIMEOUT = aiohttp.ClientTimeout(total=15)
_THUMB = "%F0%9F%91%8D"


class Act(NamedTuple):
    """A request; `{seq}` in its path is that of the last message."""

    method: str
    path: str
    body: dict[str, Any] | None = None


#: Over and over, in each room.
STORY = (
    Act("POST", "/messages", {"text": "first thoughts"}),
    Act("PATCH", "/messages/{seq}", {"text": "second thoughts"}),
    Act("PUT", f"/messages/{{seq}}/reactions/{_THUMB}"),
    Act("POST", "/members", {"user": "guest"}),
    Act("DELETE", f"/messages/{{seq}}/reactions/{_THUMB}"),
    Act("DELETE", "/messages/{seq}"),
    Act("PATCH", "/members/guest", {"role": "moderator"}),
    Act("POST", "/messages", {"text": "third thoughts"}),
    Act("PUT", f"/messages/{{seq}}/reactions/{_THUMB}"),
    Act("DELETE", "/members/guest"),
)


class Meddler:
    """Acts in each of the rooms in turn, `rate` a second over all: one act after the other.

    Each is insisted on until it has its place in the log. With `lenient` one that is refused is
    given up.
    """

    def __init__(
        self,
        chat: Chat,
        user: str,
        rooms: Sequence[str],
        rate: float,
        *,
        lenient: bool = False,
    ) -> None:
        self._lenient = lenient
        self._chat = chat
        self._user = user
        self._rooms = rooms
        self._pause = 1 / rate
        self._last: dict[str, int] = {}

    async def meddle(self, http: aiohttp.ClientSession, stop: asyncio.Event) -> None:
        """Go on until `stop`."""
        for number, (room, act) in enumerate(self._acts()):
            if stop.is_set():
                break
            await self._insist(http, room, act, f"meddle-{number}")
            await asyncio.sleep(self._pause)

    def _acts(self) -> Iterator[tuple[str, Act]]:
        for step in count():
            for room in self._rooms:
                yield room, STORY[step % len(STORY)]

    async def _insist(
        self, http: aiohttp.ClientSession, room: str, act: Act, client_id: str
    ) -> None:
        path = f"/v1/rooms/{room}{act.path.format(seq=self._last.get(room, 0))}"
        headers = self._chat.headers(self._user) | {"Idempotency-Key": client_id}
        edges, pause = self._chat.urls, _PAUSE
        for turn in count():
            try:
                url = f"{edges[turn % len(edges)]}{path}"
                async with http.request(
                    act.method, url, json=act.body, headers=headers, timeout=_TIMEOUT
                ) as answer:
                    told = await answer.json(content_type=None)
                if answer.status in (200, 201):
                    self._last[room] = told.get("seq") or self._last.get(room, 0)
                    return
                if self._lenient and 400 <= answer.status < 500:
                    return
                assert answer.status == 202 or answer.status >= 500, (act, answer.status, told)
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
