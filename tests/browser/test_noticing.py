"""What the page points out: the first unread message, mentions in the background, look-alikes."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import expect

from tests.browser.person import Person, Room
from tests.support.chat import until

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


async def test_a_room_of_which_nothing_is_wanted_has_no_badge(enter: Enter, room: Room) -> None:
    ann = await enter("ann")
    await room.say("bob", "one")
    await ann.sees("one")
    await ann.page.click("#details-button")
    section = ann.page.locator("#side-panel details", has_text="Notifications")
    await section.locator("summary").click()
    level = section.get_by_label("Notify me of")
    await expect(level).to_have_value("")
    await level.select_option("Nothing")

    async def stored() -> Any:
        return (await room.call("ann", "GET", f"/v1/rooms/{room.name}/notify"))["level"]

    async def is_off() -> bool:
        return bool(await stored() == "none")

    await until(is_off)
    await ann.page.evaluate("location.hash = ''")
    badge = ann.entry(room.name).locator(".badge")
    await room.say("bob", "@ann two")
    await expect(ann.entry(room.name)).to_contain_text("two")
    await expect(badge).to_have_count(0)
    await ann.entry(room.name).click()
    await ann.sees("@ann two")
    await ann.page.click("#details-button")
    await section.locator("summary").click()
    await expect(level).to_have_value("none")
    await level.select_option("As in all rooms")

    async def is_default() -> bool:
        return await stored() is None

    await until(is_default)
    await ann.page.evaluate("location.hash = ''")
    await room.say("bob", "three")
    await expect(badge).to_have_text("1")
