import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Route, expect

from app.settings import Settings
from tests.browser.person import Person, Room
from tests.browser.wire import Wire
from tests.support.chat import until

pytestmark = pytest.mark.browser

SEQS = "(messages) => messages.map(({ dataset }) => Number(dataset.seq))"

Enter = Callable[..., Awaitable[Person]]


@pytest.fixture
async def wire(chat: Any) -> AsyncIterator[Wire]:
    async with Wire.to(chat.url) as wire:
        yield wire


async def test_cut_connection_resumes_without_loss_or_repetition(
    enter: Enter, room: Room, wire: Wire
) -> None:
    ann = await enter("ann", through=wire.url)
    await ann.say("before")
    await ann.rows(1)
    for number in range(3):
        wire.cut()
        await room.say("bob", f"while away {number}")
    await ann.is_live()
    await ann.say("after")
    texts = [row[2] for row in await ann.rows(5)]
    assert texts == ["before", *(f"while away {number}" for number in range(3)), "after"]


async def test_silent_connection_is_found_and_replaced(
    enter: Enter, room: Room, wire: Wire
) -> None:
    ann = await enter("ann", through=wire.url, clock=True, alone=True)
    wire.stall()
    await room.say("bob", "into the void")
    await ann.page.clock.fast_forward(41_000)
    await expect(ann.page.locator("#connection-status")).to_have_text("Reconnecting …")
    wire.resume()
    await ann.page.clock.fast_forward(60_000)
    await ann.sees("into the void")
    await ann.is_live()


async def test_refused_ticket_is_replaced(enter: Enter, room: Room, wire: Wire) -> None:
    ann = await enter("ann", through=wire.url, alone=True)
    tickets: list[str] = []

    async def spoil(route: Route) -> None:
        if not tickets:
            tickets.append("spoilt")
            return await route.fulfill(status=401, json={"code": "ticket-expired"})
        return await route.continue_()

    await ann.page.route("**/v1/stream?*", spoil)
    wire.cut()
    await expect(ann.page.locator("#connection-status")).not_to_have_text("Live")
    await room.say("bob", "still there?")
    await ann.sees("still there?")
    await ann.is_live()
    assert tickets


async def test_refused_cursor_is_given_up(enter: Enter, room: Room, wire: Wire) -> None:
    ann = await enter("ann", through=wire.url, alone=True)
    await ann.say("before")
    await ann.rows(1)

    async def garble(route: Route) -> None:
        url = route.request.url
        await route.continue_(url=re.sub("cursor=[^&]+", "cursor=AAAA", url))

    await ann.page.route("**/v1/stream?*", garble)
    wire.cut()
    await room.say("bob", "while away")
    await ann.is_live()
    assert [row[2] for row in await ann.rows(2)] == ["before", "while away"]


async def test_reset_shows_the_newest_and_lets_older_ones_be_scrolled_to(
    enter: Enter, room: Room, wire: Wire
) -> None:
    ann = await enter("ann", through=wire.url)
    await ann.say("long ago")
    await ann.rows(1)
    wire.stall()
    wire.cut()
    # More than the room's window, so that the stream can't go on where it was.
    await room.fill("bob", Settings.window + 20)
    last = Settings.window + 21
    wire.resume()
    await expect(ann.page.locator(f'#message-list [data-seq="{last}"]')).to_be_in_viewport()
    await ann.is_live()
    loaded = await ann.page.locator("#message-list .message").count()
    assert loaded < Settings.window
    await ann.scroll_up(loaded + 60)

    async def whole() -> bool:
        """Another page of history may come meanwhile."""
        shown = await ann.page.locator("#message-list .message").evaluate_all(SEQS)
        return len(shown) >= loaded + 60 and shown == list(range(last - len(shown) + 1, last + 1))

    await until(whole)


async def test_what_another_device_read_meanwhile_is_read_here_too(
    enter: Enter, room: Room, wire: Wire
) -> None:
    bob = await enter("bob", through=wire.url, listed=True)
    seq = await room.say("ann", "Hello")
    badge = bob.entry(room.name).locator(".badge")
    await expect(badge).to_have_text("1")
    wire.stall()
    wire.cut()
    # Nobody repeats for a device that comes back what passed while it was away.
    await room.call("bob", "PUT", f"/v1/rooms/{room.name}/read", {"seq": seq})
    wire.resume()
    await expect(badge).to_have_count(0, timeout=20_000)


async def test_what_happened_to_messages_while_away_shows_on_return(
    enter: Enter, room: Room, wire: Wire
) -> None:
    bob = await enter("bob", through=wire.url)
    for text in ("one", "two"):
        await room.say("ann", text)
        await bob.sees(text)
    message = f"/v1/rooms/{room.name}/messages"
    wire.stall()
    wire.cut()
    await room.call("ann", "PATCH", f"{message}/1", {"text": "one, rather"})
    await room.call("ann", "DELETE", f"{message}/2")
    # More than the room's window, so that the stream can't tell.
    await room.fill("ann", Settings.window + 20)
    await room.call("ann", "PATCH", f"{message}/{Settings.window + 21}", {"text": "almost last"})
    wire.resume()
    await bob.sees("almost last")
    await bob.is_live()
    assert "two" not in await bob.page.locator("#message-list").inner_text()
    await bob.scroll_up(100)
    await expect(bob.entry(room.name)).to_contain_text(f"{Settings.window + 20}")


async def test_removed_while_away_is_told_on_return(enter: Enter, room: Room, wire: Wire) -> None:
    bob = await enter("bob", through=wire.url)
    await room.say("ann", "Bye")
    await bob.sees("Bye")
    wire.stall()
    wire.cut()
    await room.call("ann", "DELETE", f"/v1/rooms/{room.name}/members/bob")
    wire.resume()
    await expect(bob.page.locator("#notice h2")).to_have_text(
        "You are no longer in this room", timeout=20_000
    )
    await expect(bob.entry(room.name)).to_have_count(0)
