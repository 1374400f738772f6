import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Route, expect

from tests.browser.person import Person, Room

pytestmark = pytest.mark.browser

Enter = Callable[..., Awaitable[Person]]


async def test_two_people_see_each_others_messages_in_one_order(enter: Enter) -> None:
    ann, bob = await enter("ann"), await enter("bob")
    await ann.say("Tea?")
    await bob.sees("Tea?")
    await bob.say("Yes please")
    await ann.sees("Yes please")

    async def talk(person: Person) -> None:
        for number in range(5):
            await person.say(f"{person.user} {number}")

    await asyncio.gather(talk(ann), talk(bob))
    seen = await ann.rows(12)
    assert seen == await bob.rows(12)
    assert [row[0] for row in seen] == list(range(1, 13))
    assert [row[1:3] for row in seen[:2]] == [("ann", "Tea?"), ("bob", "Yes please")]
    for person in (ann, bob):
        own = [text for _, by, text, _ in seen if by == person.user]
        assert own[1:] == [f"{person.user} {number}" for number in range(5)]
    times = [datetime.fromisoformat(when) for *_, when in seen]
    assert times == sorted(times)
    assert datetime.now(UTC) - times[0] < timedelta(minutes=2)
    await expect(bob.page.locator("#message-list time").first).to_be_visible()
    await expect(bob.page.locator("#message-list .name").first).to_be_visible()


async def test_page_says_which_room_and_who_is_in_it(enter: Enter, room: Room) -> None:
    ann = await enter("ann")
    await expect(ann.page.locator("#room-title")).to_have_text("Tea room")
    await expect(ann.page.locator("#member-count")).to_have_text("2 members")
    await room.post("ann", f"/v1/rooms/{room.name}/members", {"user": "cyd"})
    await expect(ann.page.locator("#member-count")).to_have_text("3 members")
    await ann.page.click("#details-button")
    names = ann.page.locator("#members .name")
    await expect(names).to_have_text(["ann", "bob", "cyd"])
    await expect(ann.page.locator("#members [data-user=ann] .role")).to_have_text("owner")


async def test_reload_shows_the_last_messages(enter: Enter, room: Room) -> None:
    ann = await enter("ann")
    for text in ("one", "two", "three"):
        await ann.say(text)
    before = await ann.rows(3)
    await ann.page.reload()
    await ann.is_live()
    assert await ann.rows(3) == before
    await ann.say("four")
    assert [row[2] for row in await ann.rows(4)] == ["one", "two", "three", "four"]


async def test_scrolling_up_loads_older_messages(enter: Enter, room: Room) -> None:
    await room.fill("bob", 130)
    ann = await enter("ann")
    await ann.sees("130")
    await expect(ann.page.locator("#message-list .message").last).to_be_in_viewport()
    assert await ann.page.locator("#message-list .message").count() < 130
    await ann.scroll_up(130)
    assert [row[2] for row in await ann.rows(130)] == [str(n) for n in range(1, 131)]
    await expect(ann.page.locator("#history-start")).to_have_text("This is where the room begins.")


async def test_html_is_shown_literally(enter: Enter) -> None:
    ann, bob = await enter("ann"), await enter("bob")
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>&amp;"
    await ann.say(evil)
    for person in (ann, bob):
        await person.sees(evil)
        assert await person.page.locator("#message-list img, #message-list script").count() == 0


async def test_message_that_gets_no_answer_is_pending_then_numbered_once(
    enter: Enter, room: Room
) -> None:
    ann, bob = await enter("ann"), await enter("bob")
    client_ids: list[str] = []

    async def lose(route: Route) -> None:
        if route.request.method != "POST":
            return await route.continue_()
        client_ids.append(route.request.post_data_json["client_id"])
        if len(client_ids) == 1:  # never arrives
            return await route.abort("connectionfailed")
        if len(client_ids) == 2:  # arrives; its answer is lost
            await route.fetch()
            return await route.abort("connectionreset")
        return await route.continue_()

    await ann.page.route("**/messages", lose)
    await ann.say("Anybody there?")
    await expect(ann.page.locator("#outbox .text")).to_have_text("Anybody there?")
    await bob.sees("Anybody there?")
    await ann.say("Good")
    for person in (ann, bob):
        rows = await person.rows(2)
        assert [row[2] for row in rows] == ["Anybody there?", "Good"]
    assert len(set(client_ids[:-1])) == 1


async def test_refused_message_shows_the_reason_and_can_be_edited(enter: Enter) -> None:
    ann = await enter("ann")
    await ann.say("x" * 5000)
    await expect(ann.page.locator("#outbox .delivery-status")).to_contain_text("Not sent: ")
    await ann.page.click("#outbox >> text=Edit")
    await expect(ann.page.locator("#composer-text")).to_have_value("x" * 5000)
    await ann.say("shorter")
    assert [row[2] for row in await ann.rows(1)] == ["shorter"]


async def test_stranger_is_told_and_sees_nothing(enter: Enter, room: Room) -> None:
    await room.fill("ann", 1)
    eve = await enter("eve", live=False)
    await expect(eve.page.locator("#notice h2")).to_have_text("This room can't be shown")
    assert await eve.page.locator("#message-list .message").count() == 0
    await expect(eve.page.locator("#composer")).to_be_hidden()
