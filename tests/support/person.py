"""A user of the HTTP interface."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import aiohttp

from tests.support.chat import Chat


class Person:
    """Sends requests as one user, to one edge."""

    def __init__(self, chat: Chat, user: str, url: str = "") -> None:
        self.user = user
        self._url = url or chat.url
        self._headers = chat.headers(user)

    async def __aenter__(self) -> Self:
        self.http = aiohttp.ClientSession(self._url, headers=self._headers)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.http.close()

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, dict[str, Any]]:
        """POST a JSON body; status and answer."""
        async with self.http.post(path, json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def get(self, path: str, **query: Any) -> tuple[int, dict[str, Any]]:
        """GET; status and answer."""
        async with self.http.get(path, params=query) as answer:
            return answer.status, await answer.json(content_type=None)

    async def open_room(self, *members: str, room: str = "") -> str:
        """A new room of one's own, with these people in it."""
        room = room or f"r-{uuid4().hex[:12]}"
        patient = {"Prefer": "wait=20"}
        status, answer = await self.post("/v1/rooms", {"room": room}, **patient)
        assert status == 201, answer
        for member in members:
            path = f"/v1/rooms/{room}/members"
            status, answer = await self.post(path, {"user": member}, **patient)
            assert status == 201, answer
        return room

    async def say(
        self, room: str, text: str, client_id: str = "", wait: int | None = None
    ) -> dict[str, Any]:
        """Send a message that is taken; by default as soon as an edge waits for it."""
        body = {"text": text} | ({"client_id": client_id} if client_id else {})
        headers = {} if wait is None else {"Prefer": f"wait={wait}"}
        status, answer = await self.post(f"/v1/rooms/{room}/messages", body, **headers)
        assert status in (200, 201), (status, answer)
        return answer

    async def history(self, room: str) -> list[dict[str, Any]]:
        """All messages of a room, page by page."""
        found: list[dict[str, Any]] = []
        while True:
            after = found[-1]["seq"] if found else 0
            path = f"/v1/rooms/{room}/messages"
            status, page = await self.get(path, after_seq=after, limit=200)
            assert status == 200, page
            found += page["messages"]
            if not page["has_more"]:
                return found
