"""The browser's own EventSource, with nothing of ours around it."""

from __future__ import annotations

import asyncio
import json

import pytest
from playwright.async_api import Browser

from tests.support.chat import Chat, until
from tests.support.person import Person

pytestmark = pytest.mark.browser

MESSAGES = [f"message {i}" for i in range(25)]
SCRIPT = """([url]) => {
  window.seen = [];
  window.hellos = [];
  const stream = new EventSource(url);
  stream.addEventListener("hello", ({ data }) => window.hellos.push(JSON.parse(data).recovered));
  stream.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    if (event.kind !== "message.created") window.seen.push(event.kind);
    else window.seen.push(event.text);
  };
}"""


async def test_it_gets_each_message_once_over_many_streams_by_its_own_reconnecting(
    chat: Chat, browser: Browser
) -> None:
    url = await chat.start_edge(stream_life=0.7, retry_ms=100)
    page = await browser.new_page()
    await page.goto(url)
    async with Person(chat, "ann", url) as ann, Person(chat, "ben", url) as ben:
        room = await ann.open_room("ben")
        _, ticket = await ben.post("/v1/stream-tickets", {})
        await page.evaluate(SCRIPT, [f"{url}/v1/stream?ticket={ticket['ticket']}"])

        async def seen() -> list[str]:
            found: list[str] = json.loads(await page.evaluate("JSON.stringify(window.seen)"))
            return found

        async def live() -> bool:
            return bool(await page.evaluate("window.hellos.length"))

        async def has_all() -> bool:
            return len(await seen()) >= len(MESSAGES)

        await until(live)
        for text in MESSAGES:
            await ann.say(room, text)
            await asyncio.sleep(0.1)
        await until(has_all)
        assert await seen() == MESSAGES
        hellos = await page.evaluate("window.hellos")
    assert len(hellos) >= 3
    assert all(hellos)
    await page.close()
