"""The page for everybody: WCAG 2.2 AA, screen readers, the keyboard alone, all scripts."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from tests.browser.person import Person, Room
from tests.browser.wire import Wire

pytestmark = pytest.mark.browser

Enter = Callable[..., Awaitable[Person]]

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

# The first characters of the room's name that its place in the header shows.
VISIBLE_NAME = """() => {
    const title = document.getElementById("room-title");
    const context = document.createElement("canvas").getContext("2d");
    const { fontWeight, fontSize, fontFamily } = getComputedStyle(title);
    context.font = `${fontWeight} ${fontSize} ${fontFamily}`;
    let text = "";
    for (const one of title.textContent) {
        if (context.measureText(`${text}${one}…`).width > title.clientWidth) break;
        text += one;
    }
    return text;
}"""

GROW = """async () => {
    document.querySelector("#message-list .message:last-child .bubble").style.height = "400px";
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""

FROM_END = """() => {
    const pane = document.getElementById("message-pane");
    return pane.scrollHeight - pane.scrollTop - pane.clientHeight;
}"""


@pytest.fixture
async def wire(chat: Any) -> AsyncIterator[Wire]:
    async with Wire.to(chat.url) as wire:
        yield wire


async def violations(person: Person, view: str) -> list[str]:
    """What axe finds against WCAG in what is shown now."""
    options = {"runOnly": LEVELS}
    # A message that has just been highlighted, or comes in, is between two colours.
    await person.page.wait_for_function(
        "() => document.getAnimations().every(({ playState }) => playState !== 'running')"
    )
    found = await Axe().run(person.page, options=options)
    return [
        f"{view}: {one['id']}: {node['html'][:150]} {node['failureSummary'][:300]}"
        for one in found.response["violations"]
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_no_view_has_a_violation_of_wcag(
    enter: Enter, room: Room, scheme: str, width: int
) -> None:
    await room.post("ann", f"/v1/rooms/{room.name}/members", {"user": "cyd"})
    first = await room.say("bob", "Tea at **four**? See https://example.org, @ann and @room")
    messages = f"/v1/rooms/{room.name}/messages"
    await room.call("ann", "PUT", f"{messages}/{first}/reactions/👍")
    await room.post("bob", messages, {"text": "`Yes`", "reply_to": first})
    await room.post("ann", messages, {"text": "In a thread, says @bob", "thread": first})
    gone = await room.say("ann", "Never mind")
    await room.call("ann", "DELETE", f"{messages}/{gone}")
    await room.say("ann", "Mine, @bob")
    await room.archived(5)
    ann = await enter(
        "ann", color_scheme=scheme, viewport={"width": width, "height": 800}, listed=True
    )
    page, found = ann.page, list[str]()
    found += await violations(ann, "list")
    await page.fill("#search-query", "mind OR tea")
    await expect(page.locator("#results-section")).to_be_visible()
    await expect(page.locator("#search-results li").first).to_be_visible()
    found += await violations(ann, "search")
    await page.fill("#search-query", "")
    await ann.entry(room.name).click()
    await ann.sees("Mine, @bob")
    await ann.say("x" * 5000)
    await expect(page.locator("#outbox .delivery-status")).to_contain_text("Not sent: ")
    found += await violations(ann, "room")
    for text in ("Mine, @bob", "`Yes`"):
        await ann.page.locator("#message-list .message").filter(has_text="four").first.hover()
        button = page.locator("#message-list .message .menu-button").first
        await button.click()
        found += await violations(ann, f"menu {text}")
        await page.keyboard.press("Escape")
    await page.locator(".reply-count").first.click()
    await expect(page.locator("#side-panel .text").first).to_be_visible()
    found += await violations(ann, "thread")
    await page.click("#side-panel-close")
    await page.click("#details-button")
    for summary in await page.locator("#side-panel summary").all():
        await summary.click()
    found += await violations(ann, "details")
    await page.click("#side-panel-close")
    await page.click("#review-button")
    await expect(page.locator("#side-panel .queue")).to_be_visible()
    found += await violations(ann, "review")
    await page.click("#side-panel-close")
    if width < 700:
        await page.click("#back-to-rooms")
    await page.click("#new-room")
    for kind in ("direct", "group", "public", "join"):
        await page.click(f".tab[data-kind={kind}]")
        found += await violations(ann, f"new {kind}")
    await page.keyboard.press("Escape")
    await page.evaluate("location.hash = '#room=nowhere'")
    await expect(page.locator("#notice h2")).to_have_text("This room can't be shown")
    found += await violations(ann, "notice")
    print("\n".join(found))
    assert found == []


async def test_a_new_message_is_announced_once_and_an_old_one_never(
    enter: Enter, room: Room
) -> None:
    await room.say("bob", "old")
    ann = await enter("ann")
    await ann.sees("old")
    announced: list[str] = []
    await ann.page.expose_function("announced", lambda text: announced.append(text))
    await ann.page.evaluate("""() => {
        const tell = (node) => announced(node.textContent);
        const note = ({ addedNodes }) => [...addedNodes].forEach(tell);
        const live = document.querySelectorAll("[aria-live], [role=log], [role=alert]");
        const observer = new MutationObserver((changes) => changes.forEach(note));
        live.forEach((one) => observer.observe(one, { childList: true, subtree: true }));
    }""")
    await room.say("bob", "new")
    await ann.sees("new")
    await room.call("bob", "PATCH", f"/v1/rooms/{room.name}/messages/2", {"text": "newer"})
    await ann.sees("newer")
    await room.call("bob", "PUT", f"/v1/rooms/{room.name}/messages/2/reactions/👍")
    await expect(ann.page.locator(".reaction")).to_have_count(1)
    await ann.say("mine")
    await ann.sees("mine")
    await expect(ann.page.locator("#announcer")).to_have_text("bob: new")
    assert [text for text in announced if text] == ["bob: new"]
    for number in range(5):
        await room.say("bob", f"many {number}")
    await ann.sees("many 4")


async def test_the_keyboard_alone_writes_edits_replies_and_deletes(
    enter: Enter, room: Room
) -> None:
    ann = await enter("ann", listed=True)
    page = ann.page

    async def focused(selector: str) -> bool:
        matches: bool = await page.evaluate(f"document.activeElement.matches({selector!r})")
        return matches

    async def tab_to(selector: str, key: str = "Tab") -> None:
        for _ in range(250):
            if await focused(selector):
                return
            await page.keyboard.press(key)
        raise AssertionError(f"no way to {selector}")

    await tab_to(f'.list-entry[data-room="{room.name}"]')
    await page.keyboard.press("Enter")
    await ann.is_live()
    await tab_to("#composer-text")
    await page.keyboard.type("Tee?")
    await page.keyboard.press("Enter")
    await ann.sees("Tee?")
    await page.keyboard.press("ArrowUp")
    await expect(page.locator("#composer .composer-context")).to_contain_text("Editing")
    await page.keyboard.press("Control+A")
    await page.keyboard.type("Tea?")
    await page.keyboard.press("Enter")
    await ann.sees("Tea?")
    await tab_to(".menu-button", "Shift+Tab")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")  # the first emoji
    await expect(ann.message("Tea?").locator(".reaction")).to_have_text("👍 1")
    await tab_to(".menu-button", "Shift+Tab")
    await page.keyboard.press("Enter")
    await tab_to("#message-menu .menu-item", "ArrowDown")
    assert await page.evaluate("document.activeElement.textContent") == "Reply"
    await page.keyboard.press("Enter")
    await page.keyboard.type("Yes")
    await page.keyboard.press("Enter")
    await ann.sees("Yes")
    await expect(ann.message("Yes").locator(".quote")).to_contain_text("Tea?")
    await tab_to(".menu-button", "Shift+Tab")
    await page.keyboard.press("Enter")
    for _ in range(20):
        await page.keyboard.press("ArrowDown")
        if await page.evaluate("document.activeElement.textContent") == "Delete …":
            break
    await page.keyboard.press("Enter")
    await tab_to("#confirm-dialog .primary")
    await page.keyboard.press("Enter")
    await ann.sees("This message was deleted.")


async def test_dates_are_redrawn_at_midnight(enter: Enter, room: Room) -> None:
    await room.say("bob", "today")
    ann = await enter("ann", listed=True, clock=True, alone=True, timezone_id="UTC")
    time = ann.entry(room.name).locator("time")
    await expect(time).to_have_text(re.compile(":"))
    now = datetime.now().astimezone()
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0)
    await ann.page.clock.fast_forward(
        (midnight - now + timedelta(days=1, minutes=1)).seconds * 1000
    )
    await ann.page.clock.fast_forward(86_400_000)
    await expect(time).not_to_have_text(re.compile(":"))


async def test_a_right_to_left_text_and_name_stand_right(enter: Enter, room: Room) -> None:
    await room.post("ann", f"/v1/rooms/{room.name}/members", {"user": "דנה"})
    await room.call("ann", "PATCH", f"/v1/rooms/{room.name}", {"name": "חדר התה (a)"})
    await room.say("דנה", "שלום, ann!")
    ann = await enter("ann")
    await ann.sees("שלום, ann!")
    direction = "(node) => getComputedStyle(node).direction"
    assert await ann.message("שלום, ann!").locator(".text").evaluate(direction) == "rtl"
    assert await ann.page.locator("#room-title").evaluate(direction) == "rtl"
    await ann.page.fill("#composer-text", "שלום")
    assert await ann.page.locator("#composer-text").evaluate(direction) == "rtl"
    await ann.page.fill("#composer-text", "Hello")
    assert await ann.page.locator("#composer-text").evaluate(direction) == "ltr"


@pytest.mark.parametrize("width", [320, 390])
async def test_a_phones_header_leaves_the_room_its_name(
    enter: Enter, room: Room, width: int
) -> None:
    await room.call("ann", "PATCH", f"/v1/rooms/{room.name}", {"name": "Neighbourhood of the tea"})
    ann = await enter("ann", **{**PHONE, "viewport": {"width": width, "height": 800}})
    await expect(ann.page.locator("#review-button")).to_be_visible()
    await expect(ann.page.locator("#member-count")).to_have_text("2 members")
    shown = await ann.page.evaluate(VISIBLE_NAME)
    print(f"{width}: {shown!r}")
    assert len(shown) > 8


async def test_a_long_room_opens_at_its_very_end_each_time(enter: Enter, room: Room) -> None:
    await room.fill("bob", 70)
    await room.say("ann", "the last line\n" * 5)
    bob = await enter("bob")
    ann = await enter("ann")
    await expect(ann.page.locator(".read-by")).to_be_visible()
    assert bob
    for _ in range(6):
        await ann.page.reload()
        await expect(ann.page.locator(".read-by")).to_be_in_viewport()
        assert await ann.page.evaluate(FROM_END) <= 1
    # What gets higher later, as by a font that comes late, keeps the end in view.
    await ann.page.evaluate(GROW)
    await expect(ann.page.locator(".read-by")).to_be_in_viewport()
    other = await room.post("ann", "/v1/rooms", {"name": "Other"})
    for _ in range(3):
        await ann.entry(other["room"]).click()
        await ann.entry(room.name).click()
        await expect(ann.page.locator(".read-by")).to_be_in_viewport()
        assert await ann.page.evaluate(FROM_END) <= 1


@pytest.mark.parametrize("alone", [False, True])
async def test_live_is_not_shown_while_offline(
    enter: Enter, room: Room, wire: Wire, alone: bool
) -> None:
    ann = await enter("ann", through=wire.url, alone=alone)
    wire.stall()
    await ann.page.context.set_offline(True)
    await expect(ann.page.locator("#connection-status")).not_to_have_text("Live", timeout=3000)
    wire.resume()
    await ann.page.context.set_offline(False)
    await ann.is_live()
    await room.say("bob", "back again")
    await ann.sees("back again")
