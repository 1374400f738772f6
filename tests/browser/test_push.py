"""Pushes in Chromium, as far as it goes: its own push service can't be reached."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import expect

from tests.browser.person import Person, Room
from tests.support.chat import until
from tests.support.push_service import PushService

pytestmark = pytest.mark.browser

Enter = Callable[..., Awaitable[Person]]

WORKER = "/static/push/service-worker.js"

#: Stands in for the browser's own push service, whose answer would come from the internet.
SUBSCRIBED = """(subscription) => {
    const made = { ...subscription, options: {}, toJSON: () => subscription,
        unsubscribe: async () => { window.subscribed = null; return true; } };
    window.subscribed = null;
    PushManager.prototype.getSubscription = async () => window.subscribed;
    PushManager.prototype.subscribe = async (options) => {
        window.asked = options;
        return (window.subscribed = made);
    };
}"""

SHOWN = """async () => (await self.registration.getNotifications()).map(
    ({ title, body, tag, silent }) => ({ title, body, tag, silent })
)"""

REGISTERED = """async (path) => {
    const { active, installing, waiting } = await navigator.serviceWorker.register(path);
    const worker = active ?? waiting ?? installing;
    while (worker.state !== "activated") await new Promise((done) => setTimeout(done, 20));
}"""


async def test_the_page_offers_it_after_ones_own_message_and_subscribes(
    enter: Enter, room: Room
) -> None:
    async with PushService() as service:
        user, browser = f"una-{uuid4().hex[:6]}", service.browser()
        await room.post("ann", f"/v1/rooms/{room.name}/members", {"user": user})
        una = await enter(user, permissions=["notifications"])
        await una.page.evaluate(SUBSCRIBED, browser.subscription)
        await room.say("ann", "hello")
        await una.sees("hello")
        offer = una.page.locator("#push-offer")
        await expect(offer).to_have_count(0)
        await una.say("hello, ann")
        await offer.get_by_text("Turn on").click()
        await expect(offer).to_have_count(0)
        asked = await una.page.evaluate("window.asked")
        known = await room.call(user, "GET", "/v1/push/subscriptions")
        assert asked == {"userVisibleOnly": True, "applicationServerKey": known["public_key"]}
        assert [one["endpoint"] for one in known["subscriptions"]] == [
            browser.subscription["endpoint"]
        ]


async def test_a_browser_that_is_not_to_notify_is_not_asked_again(enter: Enter, room: Room) -> None:
    bob = await enter("bob", permissions=["notifications"])
    await bob.say("one")
    await bob.page.locator("#push-offer").get_by_text("Not now").click()
    await bob.page.reload()
    await bob.is_live()
    await bob.say("two")
    await bob.sees("two")
    await bob.page.wait_for_timeout(300)
    await expect(bob.page.locator("#push-offer")).to_have_count(0)


async def test_pushes_of_a_room_replace_each_other_and_are_silent_where_a_tab_is_seen(
    enter: Enter, room: Room
) -> None:
    ann = await enter("ann", permissions=["notifications"])
    page, address = ann.page, ann.page.url
    session = await page.context.new_cdp_session(page)
    found: list[str] = []
    session.on("ServiceWorker.workerRegistrationUpdated", lambda event: _note(found, event))
    await session.send("ServiceWorker.enable")
    await page.evaluate(REGISTERED, WORKER)
    push = {"room": room.name, "n": 7, "seq": 5, "at_ms": 1, "unread": 1, "name": "Tea room"}
    said = {**push, "by": "bob", "text": "hello"}

    async def deliver(data: Any) -> None:
        async def is_registered() -> bool:
            return bool(found)

        await until(is_registered)
        await session.send(
            "ServiceWorker.deliverPushMessage",
            {
                "origin": room.chat.url,
                "registrationId": found[-1],
                "data": data if isinstance(data, str) else json.dumps(data),
            },
        )

    (worker,) = page.context.service_workers

    async def left() -> None:
        """Leave the page; the worker may see it for a moment longer."""
        await page.goto("about:blank")

        async def alone() -> bool:
            return bool(await worker.evaluate("async () => !(await tabs()).length"))

        await until(alone, within=20)

    async def shown(*wanted: tuple[str, str, bool]) -> None:
        last: set[tuple[str, str, bool]] = set()

        async def whole() -> bool:
            there = await worker.evaluate(SHOWN)
            last.clear()
            last.update((one["title"], one["body"], bool(one["silent"])) for one in there)
            return last == set(wanted)

        await until(whole, lambda: f"{last}", 20)

    await deliver(said)  # the tab is seen
    await left()
    await deliver({**said, "n": 8, "text": "again", "unread": 2, "mentioned": True})
    await shown(("bob in Tea room", "again (2 unread)", False))
    await deliver({**said, "n": 8, "text": "again", "unread": 2, "mentioned": True})
    await shown(("bob in Tea room", "again (2 unread)", True))
    await deliver({**said, "n": 9, "text": "", "files": 2, "direct": True, "room": "dm-1"})
    await deliver({**push, "name": "", "room": "secret", "unread": 3})
    await deliver("no JSON")
    await shown(
        ("bob in Tea room", "again (2 unread)", True),
        ("bob", "2 files", False),
        ("Parley", "3 new messages", False),
        ("Parley", "A new message", False),
    )
    # The room is opened: nothing of it is shown any more.
    await page.goto(address)
    await ann.is_live()

    async def cleared() -> bool:
        return room.name not in {one["tag"] for one in await worker.evaluate(SHOWN)}

    await until(cleared, within=20)
    # A click opens the room in the tab that is there. Only a real one may bring it to the front.
    await page.evaluate("location.hash = ''")
    await expect(page.locator("#composer")).to_be_hidden()
    click = "room => open({ close() {}, data: { room } }).catch(() => {})"
    await worker.evaluate(click, room.name)
    await ann.is_live()


def _note(found: list[str], event: Any) -> None:
    found += [one["registrationId"] for one in event["registrations"] if not one["isDeleted"]]
