"""The page on a phone: list, room and panel are screens, and nothing sticks out of them."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from tests.browser.person import Person, Room

pytestmark = pytest.mark.browser

Enter = Callable[..., Awaitable[Person]]

PHONE = {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}

# What sticks out of the window to the left or right; not what an ellipsis stands for.
OUTSIDE = """() => {
    const cut = (node) => node && (getComputedStyle(node).textOverflow === "ellipsis"
        || cut(node.parentElement));
    return [...document.querySelectorAll("body *")].filter((node) => {
        const { left, right, width } = node.getBoundingClientRect();
        const out = width && (left < -1 || right > innerWidth + 1);
        const hidden = node.closest(".visually-hidden, #connection-status");
        return out && !hidden && !cut(node.parentElement);
    }).map((node) => node.outerHTML.slice(0, 80));
}"""


async def fits(person: Person) -> None:
    assert await person.page.evaluate(OUTSIDE) == []
    assert await person.page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_scrolls_sideways(enter: Enter, room: Room, scheme: str) -> None:
    long = "b" * 60
    await room.post("ann", f"/v1/rooms/{room.name}/members", {"user": long})
    changes = {"name": "n" * 80, "topic": "t" * 300}
    await room.call("ann", "PATCH", f"/v1/rooms/{room.name}", changes)
    await room.say("ann", "w" * 300)
    message = f"/v1/rooms/{room.name}/messages"
    for emoji in ("👍", "🎉", "👩🏽\u200d❤️\u200d💋\u200d👨🏻"):
        await room.call(long, "PUT", f"{message}/1/reactions/{emoji}")
    for text in ("https://example.org/" + "path/" * 40, "two\nlines", "short"):
        await room.post(long, message, {"text": text, "reply_to": 1})
    ann = await enter("ann", color_scheme=scheme, listed=True, **PHONE)
    await fits(ann)
    await ann.entry(room.name).tap()
    await ann.sees("short")
    await fits(ann)
    await expect(ann.page.locator("#composer [type=submit]")).to_be_in_viewport()
    await ann.message("short").locator(".menu-button").tap()
    await expect(ann.page.locator("#message-menu")).to_be_in_viewport(ratio=1)
    await fits(ann)
    await ann.page.locator("#message-menu").get_by_text("Thread", exact=True).tap()
    await expect(ann.page.locator("#side-panel .text")).to_have_text("short")
    await fits(ann)
    await ann.page.locator("#side-panel-close").tap()
    await ann.page.locator("#details-button").tap()
    await ann.page.locator("#side-panel summary:text-is('Settings')").tap()
    await expect(ann.page.locator("#members .name")).to_have_count(3)
    await fits(ann)


async def test_list_and_room_are_two_screens(enter: Enter, room: Room) -> None:
    await room.say("bob", "Hello")
    ann = await enter("ann", listed=True, **PHONE)
    await expect(ann.page.locator("#room-view")).to_be_hidden()
    await expect(ann.entry(room.name).locator(".badge")).to_have_text("1")
    await ann.entry(room.name).tap()
    await ann.sees("Hello")
    await expect(ann.page.locator("#sidebar")).to_be_hidden()
    await ann.page.locator("#back-to-rooms").tap()
    await expect(ann.page.locator("#room-view")).to_be_hidden()
    await expect(ann.entry(room.name).locator(".badge")).to_have_count(0)
    # With the list on view, what comes is not read.
    await room.say("bob", "Are you there?")
    await expect(ann.entry(room.name).locator(".badge")).to_have_text("1")
    await ann.page.locator("#new-room").tap()
    await expect(ann.page.locator("#new-room-dialog")).to_be_in_viewport(ratio=1)
    await fits(ann)
