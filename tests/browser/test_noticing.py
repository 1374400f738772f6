"""What the page points out: the first unread message, mentions in the background, look-alikes."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from playwright.async_api import expect

from tests.browser.person import Person, Room

pytestmark = pytest.mark.browser

Enter = Callable[..., Awaitable[Person]]

# A tab in the background, as far as its scripts can tell: headless windows are all in front. What
# the page asks to be shown is noted.
BACKGROUND = """() => {
    window.shown = [];
    window.Notification = new Proxy(Notification, { construct(target, [title, options]) {
        window.shown.push([title, options.body, options.tag]);
        return new target(title, options);
    } });
    Object.defineProperty(document, "hidden", { get: () => true });
    Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
}"""


async def test_a_button_leads_to_the_first_unread_message(enter: Enter, room: Room) -> None:
    una = f"una-{uuid4().hex[:6]}"
    await room.post("ann", f"/v1/rooms/{room.name}/members", {"user": una})
    await room.fill("bob", 120)
    una_there = await enter(una)
    await una_there.sees("120")
    page = una_there.page
    await expect(page.locator("#jump-to-unread")).to_be_visible()
    await page.click("#jump-to-unread")
    await expect(una_there.message("1")).to_be_in_viewport()
    await expect(page.locator(".first-unread .text")).to_have_text("1")
    await expect(page.locator("#jump-to-unread")).to_be_hidden()
    await page.click("#jump-to-end")
    await expect(una_there.message("120")).to_be_in_viewport()
    await page.reload()
    await una_there.sees("120")
    await expect(page.locator("#jump-to-unread")).to_be_hidden()


async def test_mentions_in_the_background_are_notified_once_the_user_wants_it(
    enter: Enter, room: Room
) -> None:
    ann = await enter("ann", permissions=["notifications"])
    notify = ann.page.locator("#notify")
    await expect(notify).to_have_attribute("aria-pressed", "false")
    await ann.page.evaluate(BACKGROUND)
    await room.say("bob", "@ann, not yet")
    await ann.sees("@ann, not yet")
    await notify.click()
    await expect(notify).to_have_attribute("aria-pressed", "true")
    await room.say("bob", "nothing of hers")
    seq = await room.say("bob", "@ann, **tea**?")
    await ann.page.wait_for_function("() => window.shown.length")
    shown = await ann.page.evaluate("window.shown")
    assert shown == [["Tea room", "bob: @ann, **tea**?", f"{room.name}/{seq}"]]
    await notify.click()
    await expect(notify).to_have_attribute("aria-pressed", "false")


async def test_a_name_that_looks_like_anothers_is_marked(enter: Enter, room: Room) -> None:
    await room.post("ann", f"/v1/rooms/{room.name}/members", {"user": "b0b"})
    await room.say("b0b", "It is me, bob")
    await room.say("bob", "No")
    ann = await enter("ann")
    mark = ann.page.locator("#message-list .look-alike")
    await expect(mark).to_have_text(["⚠ not bob", "⚠ not b0b"])
    await room.say("ann", "Who is who?")
    await ann.sees("Who is who?")
    await ann.page.click("#details-button")
    marked = ann.page.locator("#members li[data-user=b0b] .look-alike")
    await expect(marked).to_have_text("⚠ not bob")
    await expect(ann.page.locator("#members .look-alike")).to_have_count(2)
    await room.post("ann", f"/v1/rooms/{room.name}/members", {"user": "аnn"})  # a Cyrillic letter
    await room.say("аnn", "It is me, ann")
    await expect(ann.message("It is me, ann").locator(".look-alike")).to_have_text("⚠ not ann")
