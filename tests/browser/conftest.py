import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright, expect

from tests.browser.person import Person, Room
from tests.conftest import missing

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

#: A window that reconnects waits longer each time, and a busy machine makes all of it slow.
expect.set_options(timeout=20_000)


def chromium() -> str:
    """The path of the machine's Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        missing("Chromium (Debian: apt-get install chromium)")
    return found or ""


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture
async def room(chat: Any) -> AsyncIterator[Room]:
    """A new room of ann's, with bob in it."""
    async with Room.open(chat, owner="ann", members=["bob"]) as room:
        yield room


@pytest.fixture
async def enter(browser: Browser, room: Room) -> AsyncIterator[Callable[..., Awaitable[Person]]]:
    """`await enter("ann")`: a window of that person's own, in the room, live.

    `through` is another address of the edge, `clock` lets the test move the window's time,
    `listed` opens the list of rooms instead, `beside` opens a tab beside another person's,
    `alone` takes the browser's shared workers away, so that the tab has a stream of its own.
    Nothing may go wrong in any window: no script error, nothing refused by the page's policy.
    """
    people: list[Person] = []

    async def enter(
        user: str,
        *,
        live: bool = True,
        through: str = "",
        clock: bool = False,
        listed: bool = False,
        beside: Person | None = None,
        alone: bool = False,
        **context: Any,
    ) -> Person:
        window = beside.page.context if beside else await browser.new_context(**context)
        if alone:
            await window.add_init_script("delete window.SharedWorker")
        if clock:
            await window.clock.install()
        person = Person(user, await window.new_page())
        people.append(person)
        link = room.list_link(user) if listed else room.link(user)
        await person.page.goto((through or room.chat.url) + link)
        if live:
            await expect(person.page.locator("#connection-status")).to_have_text("Live")
        if live and not listed:
            await person.is_live()
        return person

    yield enter
    for window in {person.page.context for person in people}:
        await window.close()
    assert [trouble for person in people for trouble in person.troubles] == []
