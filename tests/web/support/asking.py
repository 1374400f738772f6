"""Asking a running Parley as somebody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import aiohttp

from tests.support.chat import Chat


class Person:
    """Somebody with a token, at an edge."""

    def __init__(self, http: aiohttp.ClientSession, user: str) -> None:
        self.http = http
        self.user = user

    async def post(
        self, path: str, body: dict[str, Any], headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        async with self.http.post(path, json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def get(self, path: str) -> tuple[int, dict[str, Any]]:
        async with self.http.get(path) as answer:
            return answer.status, await answer.json(content_type=None)

    async def opens(self, *others: str, **more: Any) -> str:
        """A new room of this person's, with others in it."""
        room = uuid4().hex
        status, _ = await self.post("/v1/rooms", {"room": room, **more})
        assert status == 201
        for other in others:
            status, _ = await self.post(f"/v1/rooms/{room}/members", {"user": other})
            assert status == 201
        return room

    async def says(self, room: str, text: str, **more: Any) -> dict[str, Any]:
        """A message that has its number."""
        status, body = await self.post(f"/v1/rooms/{room}/messages", {"text": text, **more})
        assert status == 201, body
        return body


@asynccontextmanager
async def person(chat: Chat, user: str) -> AsyncIterator[Person]:
    """Somebody at the first edge."""
    async with aiohttp.ClientSession(chat.url, headers=chat.headers(user)) as http:
        yield Person(http, user)
