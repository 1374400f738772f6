"""Reporting, reviewing, muting and banning on the page, seen in two windows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from playwright.async_api import expect

from app.runtime.dev_tokens import mint
from tests.browser.person import Person, Room
from tests.support.chat import until

pytestmark = pytest.mark.browser

Enter = Callable[..., Awaitable[Person]]


@pytest.fixture
async def rules(chat: Any, room: Room) -> AsyncIterator[None]:
    """Rules for this test's room alone."""
    of_room = f"rooms = ['{room.name}']\n"
    source = "".join(
        f"[[words]]\nwords = ['{word}']\naction = '{action}'\n{of_room}"
        for word, action in (("darn", "mask"), ("heck", "hold"), ("twaddle", "hide"))
    )
    headers = {"Authorization": f"Bearer {mint(chat.settings, 'root', admin=True)}"}
    async with aiohttp.ClientSession(chat.url, headers=headers) as http:

        async def put(text: str) -> int:
            async with http.put("/v1/moderation/rules", json={"source": text}) as answer:
                found: int = (await answer.json())["version"]
                return found

        version = await put(source)
        log = chat.settings.data / "logs" / "w1.log"

        async def known() -> bool:
            return any(
                "rule set in force" in line and str(version) in line
                for line in log.read_text().splitlines()
            )

        await until(known, within=20)
        yield
        await put("")


async def test_a_reported_message_is_removed_for_all_from_the_queue(
    enter: Enter, room: Room
) -> None:
    ann, bob = await enter("ann"), await enter("bob")
    await bob.say("buy my pills")
    await bob.say("anything else?")
    await ann.sees("buy my pills")
    await expect(bob.page.locator("#review-button")).to_be_hidden()
    await ann.choose("buy my pills", "Report …")
    await ann.page.fill("#form-dialog input", "spam")
    await ann.page.click("#form-dialog .primary")
    await expect(ann.page.locator("#toast")).to_have_text("Reported")
    await ann.page.reload()
    await expect(ann.page.locator("#review-count")).to_have_text("1")
    await ann.page.click("#review-button")
    item = ann.page.locator(".queue-item")
    await expect(item).to_contain_text("buy my pills")
    await expect(item).to_contain_text("Reported by ann: spam")
    await item.get_by_text("Remove …").click()
    await ann.page.click("#form-dialog .primary")
    await expect(item).to_have_count(0)
    for person in (ann, bob):
        gone = person.page.locator("#message-list .message").first
        await expect(gone).to_contain_text("A moderator removed this message.")
    await expect(ann.page.locator("#review-count")).to_have_text("")


async def test_a_held_message_appears_when_it_is_approved_and_another_is_given_back(
    enter: Enter, room: Room, rules: None
) -> None:
    ann, bob = await enter("ann"), await enter("bob")
    await bob.say("what the heck")
    waiting = bob.page.locator("#outbox .message")
    await expect(waiting).to_contain_text("Waiting for a moderator")
    await bob.say("oh darn")
    await bob.sees("oh ****")
    await bob.say("such twaddle")
    await bob.sees("such twaddle")
    await bob.say("heck again")
    await ann.sees("oh ****")
    await expect(ann.page.locator("#message-list .message:visible")).to_have_count(1)
    await ann.page.click("#review-button")
    await expect(ann.page.locator(".queue-item")).to_have_count(2)
    await ann.page.locator(".queue-item").first.get_by_text("Approve").click()
    await expect(ann.page.locator(".queue-item")).to_have_count(1)
    await ann.page.locator(".queue-item").get_by_text("Reject …").click()
    await ann.page.fill("#form-dialog input", "not here")
    await ann.page.click("#form-dialog .primary")
    await expect(ann.page.locator(".queue-item")).to_have_count(0)
    for person in (ann, bob):
        await person.sees("what the heck")
    await expect(waiting).to_have_count(1)
    await expect(waiting).to_contain_text("Not sent: not here")
    await bob.page.get_by_text("Discard").click()
    await expect(waiting).to_have_count(0)


async def test_who_is_muted_is_told_and_who_is_banned_is_out(enter: Enter, room: Room) -> None:
    ann, bob = await enter("ann"), await enter("bob")
    await bob.say("la la la")
    await ann.sees("la la la")
    await ann.choose("la la la", "Mute or ban …")
    await ann.page.fill("#form-dialog [name=reason]", "too loud")
    await ann.page.click("#form-dialog .primary")
    await expect(bob.page.locator("#toast")).to_contain_text("You are muted")
    await bob.say("but")
    await expect(bob.page.locator("#outbox .message")).to_contain_text("too loud")
    await ann.page.click("#details-button")
    await ann.page.get_by_text("Muted and banned").click()
    await ann.page.get_by_label("Lift the sanction of bob").click()
    await expect(ann.page.locator(".sanctions li")).to_have_count(0)
    await expect(bob.page.locator("#toast")).to_contain_text("no longer muted")
    await ann.page.get_by_role("button", name="Mute or ban bob").click()
    await ann.page.select_option("#form-dialog [name=sanction]", "ban")
    await ann.page.click("#form-dialog .primary")
    await expect(bob.page.locator("#notice")).to_contain_text("You are banned")
    await expect(bob.entry(room.name)).to_have_count(0)
