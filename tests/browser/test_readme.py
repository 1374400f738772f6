"""The README's few lines for a page, run in one."""

from __future__ import annotations

import json

import pytest
from playwright.async_api import Browser

from tests.docs.markdown import ROOT, blocks
from tests.support.chat import Chat
from tests.support.person import Person

pytestmark = pytest.mark.browser


async def test_the_readmes_script_shows_what_it_sends(chat: Chat, browser: Browser) -> None:
    (script,) = blocks(ROOT / "README.md", "js")
    script = script.replace("http://127.0.0.1:8080", chat.url)
    async with Person(chat, "ann") as ann:
        await ann.open_room(room="tea")
    page = await browser.new_page()
    await page.goto(chat.url)
    token = json.dumps(chat.token("ann"))
    async with page.expect_console_message(lambda said: said.text == "ann: Hello, page") as shown:
        await page.evaluate(
            f"(async () => {{ const token = {token};\n{script}\n"
            'stream.addEventListener("hello", () => send("Hello, page")); })()'
        )
        await shown.value
    await page.close()
