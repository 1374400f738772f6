"""Readers as they are in life: they come back with their cursor, to whatever edge is there."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress
from typing import Any

import httpx
import orjson
from httpx_sse import aconnect_sse

from tests.chat import Chat
from tests.faults.proof import Place, place

_PAUSE = 0.1
_POLL_SECONDS = 5


class Follower:
    """Somebody who follows all rooms of their own over one transport; goes on by its cursor.

    A broken connection or an edge that is away (5xx) sends it to the next edge. Anything else
    that it can't use ends its task with an exception.
    """

    def __init__(self, chat: Chat, user: str, client: httpx.AsyncClient, poll: bool) -> None:
        self.user = user
        self.seen: dict[str, list[Place]] = defaultdict(list)
        self.resets = 0
        #: Connections that were answered: 1 where it never had to come back.
        self.connections = 0
        self.live = asyncio.Event()
        self._chat = chat
        self._client = client
        self._attempt = self._poll if poll else self._stream
        self._headers = chat.headers(user)
        self._cursor = ""
        self._turn = 0

    async def follow(self) -> None:
        """Follow until cancelled."""
        while True:
            url = self._chat.urls[self._turn % len(self._chat.urls)]
            with suppress(httpx.TransportError):
                await self._attempt(url)
            self._turn += 1
            await asyncio.sleep(_PAUSE)

    async def _stream(self, url: str) -> None:
        headers = self._headers | ({"Last-Event-ID": self._cursor} if self._cursor else {})
        async with aconnect_sse(self._client, "GET", f"{url}/v1/stream", headers=headers) as source:
            if _away(source.response):
                return
            self.connections += 1
            async for event in source.aiter_sse():
                if event.event == "message":
                    self._take(orjson.loads(event.data))
                self._cursor = event.id or self._cursor
                self.live.set()

    async def _poll(self, url: str) -> None:
        while True:
            query = {"timeout": str(_POLL_SECONDS), "cursor": self._cursor}
            answer = await self._client.get(f"{url}/v1/events", params=query, headers=self._headers)
            if _away(answer):
                return
            self.connections += 1
            page = answer.json()
            for event in page["events"]:
                self._take(event)
            self._cursor = page["cursor"]
            self.live.set()

    def _take(self, event: dict[str, Any]) -> None:
        if event["kind"] == "reset":
            self.resets += 1
        else:
            self.seen[event["room"]].append(place(event))


def _away(response: httpx.Response) -> bool:
    if response.status_code >= 500:
        return True
    response.raise_for_status()
    return False
