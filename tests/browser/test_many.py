"""The page with many messages and many rooms stays quick, and its memory bounded.

The bytes of stream and history are made here: the server would take minutes to make as many.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Route, expect

from tests.browser.person import Person, Room
from tests.browser.wire import Wire

pytestmark = pytest.mark.browser

Enter = Callable[..., Awaitable[Person]]

BURST = 4000
ROOMS = 5000
SCROLLED = 3000
MOST_LOADED = 450

# Goes back to the first message as a user does, page by page; what is on the page at most.
SCROLL_UP = """async () => {
    const pane = document.getElementById("message-pane");
    const messages = document.getElementById("message-list").children;
    let most = 0;
    const end = performance.now() + 60_000;
    while (messages[0]?.dataset.seq !== "1" && performance.now() < end) {
        pane.scrollTop = 0;
        await new Promise((done) => setTimeout(done, 5));
        most = Math.max(most, messages.length);
    }
    const all = [...messages].map(({ dataset }) => Number(dataset.seq));
    return { most, all };
}"""


NUMBERS = "[...document.querySelectorAll('#message-list .message')].map((one) => +one.dataset.seq)"


@pytest.fixture
async def wire(chat: Any) -> AsyncIterator[Wire]:
    async with Wire.to(chat.url) as wire:
        yield wire


def message(room: str, number: int, *, n: int = 0, by: str = "bob") -> dict[str, Any]:
    return {
        "kind": "message.created",
        "room": room,
        "n": n or number + 10,
        "by": by,
        "at_ms": int(time.time() * 1000) + number,
        "id": f"id-{room}-{number}",
        "client_id": f"c-{number}",
        "seq": number,
        "text": f"message {number}",
    }


class MadeStream:
    """Answers the next connection with these events, and leaves those after it waiting."""

    def __init__(self, rooms: list[str], events: list[dict[str, Any]]) -> None:
        self._rooms = rooms
        self._events = events
        self.sent_at = 0.0

    async def __call__(self, route: Route) -> None:
        if self.sent_at:
            return
        cursor = parse_qs(urlsplit(route.request.url).query)["cursor"][0]
        hello = {"user": "ann", "recovered": True, "cursor": cursor, "rooms": self._rooms}
        parts = [f"event: hello\ndata: {json.dumps(hello)}\nid: {cursor}\n\n"]
        parts += [f"data: {json.dumps(event)}\nid: {cursor}\n\n" for event in self._events]
        self.sent_at = time.monotonic()
        await route.fulfill(content_type="text/event-stream", body="".join(parts))


async def test_a_burst_of_thousands_of_messages_is_shown_within_three_seconds(
    enter: Enter, room: Room, wire: Wire
) -> None:
    ann = await enter("ann", through=wire.url, alone=True)
    made = MadeStream([room.name], [message(room.name, number + 1) for number in range(BURST)])
    await ann.page.route("**/v1/stream?*", made)
    wire.cut()
    last = ann.page.locator(f'#message-list [data-seq="{BURST}"]')
    await expect(last).to_be_in_viewport()
    took = time.monotonic() - made.sent_at
    print(f"{BURST} messages in {took:.2f} s")
    assert took < 3
    assert await ann.page.locator("#message-list .message").count() <= MOST_LOADED
    await expect(ann.entry(room.name)).to_contain_text(f"message {BURST}")


async def test_a_list_of_thousands_of_rooms_opens_and_follows_at_once(
    enter: Enter, room: Room
) -> None:
    names = [f"made-{number}" for number in range(ROOMS)]

    async def with_many(route: Route) -> None:
        answer = await (await route.fetch()).json()
        (real,) = [one for one in answer["rooms"] if one["room"] == room.name]
        made = [{**real, "room": name, "name": f"Made {name}"} for name in names]
        answer["rooms"] = [real, *made]
        await route.fulfill(json=answer)

    events = [message(name, 1 + i, n=1000) for i, name in enumerate(names[:1000])]
    made = MadeStream([room.name, *names], events)
    ann = await enter("ann", listed=True, alone=True)
    page = ann.page
    await page.route("**/v1/sync", with_many)
    await page.route("**/v1/stream?*", made)
    await page.reload()
    first = page.locator(".list-entry").first
    await expect(first).to_have_attribute("data-room", names[999])
    took = time.monotonic() - made.sent_at
    print(f"1000 messages among {ROOMS} rooms in {took:.2f} s")
    assert took < 3
    assert await page.locator(".list-entry").count() <= 200
    # All of them can be scrolled to, and found by their name.
    await page.evaluate("document.getElementById('rooms-section').scrollTop = 1e6")
    await expect(page.locator(".list-entry").nth(150)).to_be_attached()
    await page.fill("#search-query", "MADE-4321")
    await expect(page.locator("#room-list .list-entry")).to_have_count(1)
    await expect(page.locator("#room-list .title")).to_have_text("Made made-4321")
    await page.press("#search-query", "Escape")
    await expect(page.locator("#room-list .list-entry").nth(50)).to_be_attached()
    # A snapshot that the page still asks for has no page to go to.
    await page.unroute_all(behavior="ignoreErrors")


async def test_scrolling_back_through_thousands_of_messages_keeps_a_few_hundred(
    enter: Enter, room: Room
) -> None:
    async def page_of(route: Route) -> None:
        given = parse_qs(urlsplit(route.request.url).query)
        query = {name: int(values[0]) for name, values in given.items()}
        before, limit = query.get("before_seq", SCROLLED + 1), query["limit"]
        first = max(1, query.get("after_seq", before - limit - 1) + 1)
        numbers = range(first, min(first + limit, before))
        messages = [message(room.name, number) for number in numbers]
        await route.fulfill(json={"messages": messages, "has_more": first > 1})

    ann = await enter("ann", listed=True)
    await ann.page.route("**/messages?*", page_of)
    await ann.entry(room.name).click()
    await expect(ann.page.locator(f'#message-list [data-seq="{SCROLLED}"]')).to_be_in_viewport()
    started = time.monotonic()
    found = await ann.page.evaluate(SCROLL_UP)
    print(f"{SCROLLED} messages back in {time.monotonic() - started:.1f} s")
    assert found["most"] <= MOST_LOADED
    assert found["all"] == list(range(1, len(found["all"]) + 1))
    # Down again, without a hole where messages were dropped.
    pane = ann.page.locator("#message-pane")
    for _ in range(30):
        await pane.evaluate("(node) => (node.scrollTop = node.scrollHeight)")
        await ann.page.wait_for_timeout(20)
    numbers = await ann.page.evaluate(NUMBERS)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert numbers[-1] > MOST_LOADED
    assert len(numbers) <= MOST_LOADED
    await ann.page.click("#jump-to-end")
    await expect(ann.page.locator(f'#message-list [data-seq="{SCROLLED}"]')).to_be_in_viewport()
