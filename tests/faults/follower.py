"""Readers that reconnect with their cursor to any edge, like real clients."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress
from typing import Any

import aiohttp
import orjson

from tests.faults.proof import Place, place
from tests.support.chat import Chat

_PAUSE = 0.1
_POLL_SECONDS = 5
#: A stream is silent for 15 s at most: then comes a ping.
_SILENT = aiohttp.ClientTimeout(total=None, sock_read=30)


class Follower:
    """Somebody who follows all rooms of their own over one transport; goes on by its cursor.

    A broken connection or an edge that is away (5xx) sends it to the next edge. Anything else
    that it can't use ends its task with an exception. `places` are shared by all, because each
    message is seen by many. `turn` says at which edge it begins.
    """

    def __init__(
        self,
        chat: Chat,
        user: str,
        http: aiohttp.ClientSession,
        places: dict[Place, Place],
        poll: bool,
        turn: int = 0,
    ) -> None:
        self.user = user
        self.seen: dict[str, list[Place]] = defaultdict(list)
        self.resets = 0
        #: Connections that were answered: 1 where it never had to come back.
        self.connections = 0
        self.live = asyncio.Event()
        self._chat = chat
        self._http = http
        self._places = places
        self._attempt = self._poll if poll else self._stream
        self._headers = chat.headers(user)
        self._cursor = ""
        self._turn = turn

    async def follow(self) -> None:
        """Follow until cancelled."""
        while True:
            url = self._chat.urls[self._turn % len(self._chat.urls)]
            with suppress(aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError):
                await self._attempt(url)
            self._turn += 1
            await asyncio.sleep(_PAUSE)

    async def _stream(self, url: str) -> None:
        headers = self._headers | ({"Last-Event-ID": self._cursor} if self._cursor else {})
        async with self._http.get(f"{url}/v1/stream", headers=headers, timeout=_SILENT) as answer:
            if _away(answer):
                return
            self.connections += 1
            rest = b""
            async for chunk in answer.content.iter_any():
                *blocks, rest = (rest + chunk).split(b"\n\n")
                for block in blocks:
                    self._take_block(block)

    def _take_block(self, block: bytes) -> None:
        """A block of a stream. A library would take most of a core for what a full load brings."""
        fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line)
        if b"data" in fields and b"event" not in fields:
            self._take(orjson.loads(fields[b"data"]))
        if b"id" in fields:
            self._cursor = fields[b"id"].decode()
        self.live.set()

    async def _poll(self, url: str) -> None:
        while True:
            query = {"timeout": str(_POLL_SECONDS), "cursor": self._cursor}
            async with self._http.get(
                f"{url}/v1/events", params=query, headers=self._headers, timeout=_SILENT
            ) as answer:
                if _away(answer):
                    return
                page = orjson.loads(await answer.read())
            self.connections += 1
            for event in page["events"]:
                self._take(event)
            self._cursor = page["cursor"]
            self.live.set()

    def _take(self, event: dict[str, Any]) -> None:
        if event["kind"] == "reset":
            self.resets += 1
        elif "n" in event:  # others tell how it stands: who has read, what is unread
            found = place(event)
            self.seen[event["room"]].append(self._places.setdefault(found, found))


def _away(answer: aiohttp.ClientResponse) -> bool:
    if answer.status >= 500:
        return True
    answer.raise_for_status()
    return False
