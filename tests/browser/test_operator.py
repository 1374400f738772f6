"""The operator's page in Chromium: for admins alone, live, and with a way to send again."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any
from uuid import uuid4

import aiohttp
import jwt
import pytest
from aiokafka import AIOKafkaProducer
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from app.events import Dead, SendMessage, encode
from app.runtime.dev_tokens import mint
from app.topics import DEAD, RAW, partition_of
from tests.browser.test_readable import LEVELS
from tests.support.chat import Chat, until
from tests.support.listener import Listener
from tests.support.person import Person

pytestmark = pytest.mark.browser


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context()
    page = await context.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(
        "console",
        lambda said: (
            troubles.append(said.text)
            if said.type == "error" and "Failed to load resource" not in said.text
            else None
        ),
    )
    yield page
    await context.close()
    assert troubles == []


def link(chat: Chat, user: str = "olga", *, admin: bool = True) -> str:
    return f"{chat.url}/operator#token={mint(chat.settings, user, admin=admin)}"


async def bury(chat: Chat, room: str, text: str) -> str:
    """A dead letter with a message that the pipeline could not process; its name."""
    partition = partition_of(room, chat.settings.partitions)
    command = SendMessage(
        id=uuid4().hex, room=room, by="ann", client_id=text.replace(" ", "-"), text=text
    )
    dead = Dead(
        topic=RAW,
        partition=partition,
        offset=10**9 + time.time_ns() % 10**9,
        group="parley-pipeline",
        reason="it went boom",
        value=encode(command),
        key=room.encode(),
    )
    async with AIOKafkaProducer(bootstrap_servers=chat.settings.bootstrap) as producer:
        await producer.send_and_wait(
            DEAD, encode(dead), key=dead.place.encode(), partition=partition
        )
    return dead.place


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_shows_the_deployment_and_has_no_violation_of_wcag(
    shared_chat: Chat, page: Page, scheme: Any
) -> None:
    await page.emulate_media(color_scheme=scheme)
    await page.goto(link(shared_chat))
    await expect(page.locator("#status")).to_have_text("Live")
    assert "token" not in page.url
    await expect(page.locator("#groups")).to_contain_text("parley-pipeline")
    await expect(page.locator("#groups")).to_contain_text("Stable")
    await expect(page.locator("#edges")).to_contain_text("(this one)")
    found = await Axe().run(page, options={"runOnly": LEVELS})
    assert [
        f"{one['id']}: {node['html'][:150]} {node['failureSummary'][:300]}"
        for one in found.response["violations"]
        for node in one["nodes"]
    ] == []


async def test_a_dead_letter_that_the_button_sends_again_arrives(
    shared_chat: Chat, page: Page
) -> None:
    text = f"back from the dead {uuid4().hex[:6]}"
    async with Person(shared_chat, "ann") as ann:
        room = await ann.open_room()
        name = await bury(shared_chat, room, text)
        await page.goto(link(shared_chat))
        await page.get_by_label(f"Send {name} again").check()
        await page.get_by_role("button", name="Send the chosen ones again").click()
        dialog = page.get_by_role("dialog", name="Send it again?")
        await dialog.get_by_role("button", name="Send again").click()
        await expect(page.locator("#outcome")).to_contain_text("1 sent again.")
        await expect(page.get_by_label(f"Send {name} again")).to_have_count(0)
        await ann.say(room, "after it")
        assert [one["text"] for one in await ann.history(room)] == [text, "after it"]


async def test_it_says_where_a_user_is_connected(shared_chat: Chat, page: Page) -> None:
    await page.goto(link(shared_chat))
    await expect(page.locator("#status")).to_have_text("Live")

    async def found() -> bool:
        await page.fill("#user-name", "uwe")
        await page.get_by_role("button", name="Look up").click()
        return "uwe has streams at " in await page.locator("#user-found").inner_text()

    async with Listener(shared_chat, "uwe"):
        await until(found)


async def test_others_are_told_that_it_is_for_admins(shared_chat: Chat, page: Page) -> None:
    await page.goto(link(shared_chat, "ben", admin=False))
    await expect(page.get_by_role("heading", level=2)).to_have_text("This page is for admins (403)")
    await expect(page.locator("#refused-text")).to_contain_text("parley_admin")
    await expect(page.locator("#board")).to_be_hidden()
    await page.goto(f"{shared_chat.url}/operator")
    await page.reload()
    await expect(page.get_by_role("heading", level=2)).to_have_text("No token")


async def test_the_stream_ends_when_the_token_is_taken_back(shared_chat: Chat) -> None:
    now, jti = int(time.time()), uuid4().hex
    claims = {"sub": "olaf", "iat": now, "exp": now + 600, "jti": jti, "parley_admin": True}
    revoked = jwt.encode(claims, shared_chat.settings.secret, algorithm="HS256")
    async with aiohttp.ClientSession() as http:
        stream = await http.get(
            f"{shared_chat.url}/v1/operator/events", headers={"Authorization": f"Bearer {revoked}"}
        )
        assert (await event(stream))[0] == "snapshot"
        admin = {"Authorization": f"Bearer {mint(shared_chat.settings, 'olga', admin=True)}"}
        path = f"{shared_chat.url}/v1/revocations"
        async with http.post(path, json={"jti": jti}, headers=admin) as answer:
            assert answer.status == 201
        name, data = "snapshot", {}
        while name == "snapshot":
            name, data = await event(stream)
        assert (name, data["code"]) == ("goodbye", "token_revoked")
        assert await stream.content.read() == b""
        stream.close()


async def test_one_snapshot_a_second_serves_all_readers(shared_chat: Chat) -> None:
    admin = {"Authorization": f"Bearer {mint(shared_chat.settings, 'olga', admin=True)}"}
    url = f"{shared_chat.url}/v1/operator/events?count=3"
    async with aiohttp.ClientSession(headers=admin) as http:
        streams = [await http.get(url) for _ in range(5)]
        told = [[(await event(one))[1]["at_ms"] for _ in range(3)] for one in streams]
        for one in streams:
            one.close()
    times = sorted({at_ms for of_one in told for at_ms in of_one})
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(gaps) >= 900
    assert len(times) <= 5


async def event(stream: aiohttp.ClientResponse) -> tuple[str, dict[str, Any]]:
    """The next event's name and data."""
    block = await stream.content.readuntil(b"\n\n")
    name, data = block.decode().strip().split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))
