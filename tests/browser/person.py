"""Somebody at the chat page, and the room the page shows."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import aiohttp
from playwright.async_api import ConsoleMessage, Dialog, Locator, Page, expect

# One row for each message on the page: its number, who, what, when.
_ROWS = """() => [...document.querySelectorAll("#message-list .message")].map((item) => [
    Number(item.dataset.seq),
    item.querySelector(".name").textContent,
    item.querySelector(".text").textContent,
    item.querySelector("time").dateTime,
])"""

Row = tuple[int, str, str, str]


class Person:
    """A window of the page; `troubles` is what the browser complained about."""

    def __init__(self, user: str, page: Page) -> None:
        self.user = user
        self.page = page
        self.troubles: list[str] = []
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", self._heard)
        page.on("dialog", self._asked)

    def _heard(self, message: ConsoleMessage) -> None:
        # A failed request is no trouble: some tests are about it.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.troubles.append(message.text)

    async def _asked(self, dialog: Dialog) -> None:
        self.troubles.append(f"dialog: {dialog.message}")
        await dialog.dismiss()

    async def is_live(self) -> None:
        await expect(self.page.locator("#connection-status")).to_have_text("Live")
        await expect(self.page.locator("#composer")).to_be_visible()

    async def say(self, text: str) -> None:
        await self.page.fill("#composer-text", text)
        await self.page.press("#composer-text", "Enter")

    async def sees(self, text: str) -> None:
        said = self.page.locator("#message-list .text", has_text=re.compile(f"^{re.escape(text)}$"))
        await expect(said).to_have_count(1)

    def message(self, text: str) -> Locator:
        """The message on the page that says just this."""
        said = self.page.locator(".text", has_text=re.compile(f"^{re.escape(text)}$"))
        return self.page.locator("#message-list .message").filter(has=said)

    def entry(self, room: str) -> Locator:
        """The room in the list."""
        return self.page.locator(f'.list-entry[data-room="{room}"]')

    async def choose(self, text: str, action: str) -> None:
        """Open the menu of the message that says this, and take something of it."""
        await self.message(text).hover()
        await self.message(text).locator(".menu-button").click()
        await self.page.locator("#message-menu").get_by_text(action, exact=True).click()

    async def scroll_up(self, count: int) -> None:
        """Scroll up until `count` messages are loaded."""
        await self.page.locator("#message-pane").hover()
        async with asyncio.timeout(20):
            while await self.page.locator("#message-list .message").count() < count:
                await self.page.mouse.wheel(0, -2000)
                await self.page.wait_for_timeout(50)

    async def rows(self, count: int) -> list[Row]:
        """The messages on the page, once there are `count` and nothing is left unsent."""
        await expect(self.page.locator("#message-list .message")).to_have_count(count)
        await expect(self.page.locator("#outbox .message")).to_have_count(0)
        return [tuple(row) for row in await self.page.evaluate(_ROWS)]


class Room:
    """A room of this test's own, reached over HTTP as any client does."""

    def __init__(self, chat: Any, name: str, http: aiohttp.ClientSession) -> None:
        self.chat = chat
        self.name = name
        self._http = http

    @classmethod
    @asynccontextmanager
    async def open(cls, chat: Any, owner: str, members: list[str]) -> AsyncIterator[Room]:
        async with aiohttp.ClientSession() as http:
            room = cls(chat, f"room-{uuid4().hex[:12]}", http)
            body = {"room": room.name, "name": "Tea room", "type": "group"}
            await room.post(owner, "/v1/rooms", body)
            for user in members:
                await room.post(owner, f"/v1/rooms/{room.name}/members", {"user": user})
            yield room

    def link(self, user: str) -> str:
        fragment = urlencode({"room": self.name, "token": self.chat.token(user)})
        return f"/#{fragment}"

    def list_link(self, user: str) -> str:
        return f"/#{urlencode({'token': self.chat.token(user)})}"

    async def post(self, user: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return await self.call(user, "POST", path, {"client_id": uuid4().hex, **body})

    async def call(self, user: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.chat.token(user)}", "Prefer": "wait=20"}
        url = f"{self.chat.url}{path}"
        async with self._http.request(method, url, json=body, headers=headers) as got:
            answer: dict[str, Any] = await got.json()
            assert got.status in (200, 201), answer
            return answer

    async def say(self, user: str, text: str) -> int:
        """Send a message past any browser; its `seq`."""
        answer = await self.post(user, f"/v1/rooms/{self.name}/messages", {"text": text})
        seq: int = answer["seq"]
        return seq

    async def fill(self, user: str, messages: int) -> None:
        """So many messages by `user`, "1", "2", "3" …; many are sent several at once."""
        last = 0
        at_once = 1 if messages < 200 else 20
        for start in range(1, messages + 1, at_once):
            numbers = range(start, min(start + at_once, messages + 1))
            said = await asyncio.gather(*(self.say(user, str(number)) for number in numbers))
            last = max(said)
        await self.archived(last)

    async def archived(self, seq: int) -> None:
        """Wait until history has the room up to `seq`."""
        headers = {"Authorization": f"Bearer {self.chat.token('ann')}"}
        path = f"{self.chat.url}/v1/rooms/{self.name}/messages?limit=1"
        async with asyncio.timeout(30):
            while True:
                async with self._http.get(path, headers=headers) as got:
                    messages = (await got.json())["messages"]
                if messages and messages[-1]["seq"] >= seq:
                    return
                await asyncio.sleep(0.05)
