"""The list of rooms, who is in them, and what is read."""

import re
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from playwright.async_api import expect

from tests.browser.person import Person, Room

pytestmark = pytest.mark.browser

Enter = Callable[..., Awaitable[Person]]


async def test_unread_badge_appears_and_clears_on_the_other_device(
    enter: Enter, room: Room
) -> None:
    una = f"una-{uuid4().hex[:6]}"
    await room.post("ann", f"/v1/rooms/{room.name}/members", {"user": una})
    desk, phone = await enter(una, listed=True), await enter(una, listed=True)
    await room.say("ann", "Hello")
    await room.say("ann", f"@{una}?")
    for device in (desk, phone):
        await expect(device.entry(room.name).locator(".badge")).to_have_text(["@1", "2"])
        await expect(device.entry(room.name)).to_contain_text(f"ann: @{una}?")
        await expect(device.page).to_have_title("(2) Parley")
    await desk.entry(room.name).click()
    await desk.sees(f"@{una}?")
    await expect(desk.page.locator(".first-unread .text")).to_have_text("Hello")
    for device in (desk, phone):
        await expect(device.entry(room.name).locator(".badge")).to_have_count(0)
    await expect(phone.page).to_have_title("Parley")
    seq = await room.say("ann", "Never mind")
    await expect(phone.entry(room.name).locator(".badge")).to_have_count(0)
    await expect(phone.entry(room.name)).to_contain_text("Never mind")
    await room.call("ann", "DELETE", f"/v1/rooms/{room.name}/messages/{seq}")
    await expect(phone.entry(room.name)).not_to_contain_text("Never mind")


async def test_deleted_message_counts_no_more(enter: Enter, room: Room) -> None:
    bob = await enter("bob", listed=True)
    await room.say("ann", "one")
    seq = await room.say("ann", "two for @bob")
    await expect(bob.entry(room.name).locator(".badge")).to_have_text(["@1", "2"])
    await room.call("ann", "DELETE", f"/v1/rooms/{room.name}/messages/{seq}")
    await expect(bob.entry(room.name).locator(".badge")).to_have_text(["1"])


async def test_room_with_the_newest_message_stands_first(enter: Enter, room: Room) -> None:
    other = await room.post("ann", "/v1/rooms", {"name": "Other"})
    await room.post("ann", f"/v1/rooms/{other['room']}/members", {"user": "bob"})
    bob = await enter("bob", listed=True)
    first = bob.page.locator(".list-entry").first
    for name, text in ((room.name, "here"), (other["room"], "there"), (room.name, "here again")):
        await room.post("ann", f"/v1/rooms/{name}/messages", {"text": text})
        await expect(first).to_have_attribute("data-room", name)
        await expect(first).to_contain_text(text)
    await first.click()
    await bob.sees("here again")
    await bob.entry(other["room"]).click()
    await bob.sees("there")
    assert [row[2] for row in await bob.rows(1)] == ["there"]
    await bob.page.go_back()
    await bob.sees("here again")


async def test_receipts_say_who_has_read(enter: Enter, room: Room) -> None:
    ann = await enter("ann")
    await ann.say("Seen?")
    await ann.rows(1)
    await expect(ann.page.locator(".read-by")).to_have_count(0)
    bob = await enter("bob")
    await bob.sees("Seen?")
    await expect(ann.message("Seen?").locator(".read-by")).to_have_text("Read by 1")
    await ann.page.click(".read-by")
    await expect(ann.page.locator("#toast")).to_have_text("Read by bob")
    await ann.say("And this?")
    await expect(ann.message("And this?").locator(".read-by")).to_have_text("Read by 1")
    await expect(ann.page.locator(".read-by")).to_have_count(1)


async def test_typing_is_seen_until_it_is_sent(enter: Enter, room: Room) -> None:
    ann, bob = await enter("ann"), await enter("bob")
    await bob.page.locator("#composer-text").press_sequentially("Hel")
    await expect(ann.page.locator("#typing-indicator")).to_have_text("bob is typing …")
    await expect(bob.page.locator("#typing-indicator")).to_have_text("")
    await bob.say("Hello")
    await ann.sees("Hello")
    await expect(ann.page.locator("#typing-indicator")).to_have_text("")
    await bob.page.locator("#composer-text").press_sequentially("x")
    await expect(ann.page.locator("#typing-indicator")).to_have_text("bob is typing …")
    await expect(ann.page.locator("#typing-indicator")).to_have_text("", timeout=8000)


async def test_removal_closes_the_room_for_them_and_for_nobody_else(
    enter: Enter, room: Room
) -> None:
    ann, bob = await enter("ann"), await enter("bob")
    await ann.say("Bye")
    await bob.sees("Bye")
    await ann.page.click("#details-button")
    await ann.page.click("#members [data-user=bob] .remove-member")
    await ann.page.locator("#confirm-dialog").get_by_text("Remove", exact=True).click()
    await expect(bob.page.locator("#notice h2")).to_have_text("You are no longer in this room")
    await expect(bob.page.locator("#composer")).to_be_hidden()
    await expect(bob.entry(room.name)).to_have_count(0)
    assert "Bye" not in await bob.page.content()
    await expect(ann.page.locator("#members .name")).to_have_text(["ann"])
    await ann.page.fill("#side-panel form input", "bob")
    await ann.page.press("#side-panel form input", "Enter")
    await expect(bob.entry(room.name)).to_be_visible()
    await bob.sees("Bye")
    await bob.say("Here again")
    await ann.sees("Here again")


async def test_roles_are_given_and_what_they_allow_is_offered(enter: Enter, room: Room) -> None:
    await room.post("ann", f"/v1/rooms/{room.name}/members", {"user": "cyd"})
    ann, bob = await enter("ann"), await enter("bob")
    for person in (ann, bob):
        await person.page.click("#details-button")
    await expect(bob.page.locator("#members .remove-member")).to_have_count(0)
    await ann.page.select_option("#members [data-user=bob] select", "moderator")
    await expect(bob.page.locator("#members [data-user=bob] .role")).to_have_text("moderator")
    await expect(bob.page.locator("#members .remove-member")).to_have_count(1)
    await ann.page.select_option("#members [data-user=bob] select", "owner")
    await ann.page.locator("#confirm-dialog").get_by_text("Hand over").click()
    await expect(ann.page.locator("#members [data-user=ann] .role")).to_have_text("admin")
    await expect(ann.page.locator("#members [data-user=bob] .role")).to_have_text("owner")


async def test_settings_change_the_room_for_everybody(enter: Enter, room: Room) -> None:
    kept = {"settings": {"retention_days": 30}}
    await room.call("ann", "PATCH", f"/v1/rooms/{room.name}", kept)
    ann, bob = await enter("ann"), await enter("bob")
    await ann.page.click("#details-button")
    await ann.page.click("#side-panel summary:text-is('Settings')")
    await ann.page.get_by_label("Name").fill("Quiet room")
    await ann.page.get_by_label("Topic").fill("Only notices")
    await ann.page.get_by_label("Who may write").select_option("admin")
    await ann.page.get_by_text("Save", exact=True).click()
    await expect(bob.page.locator("#room-title")).to_have_text("Quiet room")
    await expect(bob.page.locator("#room-subtitle")).to_have_text("Only notices")
    await expect(bob.page.locator("#composer-text")).to_be_disabled()
    await expect(bob.entry(room.name)).to_contain_text("Quiet room")
    await ann.say("Closed on Monday")
    await bob.sees("Closed on Monday")
    now = await room.call("ann", "GET", f"/v1/rooms/{room.name}")
    assert (now["settings"]["post"], now["settings"]["retention_days"]) == ("admin", 30)
    await ann.page.click("#side-panel summary:text-is('Settings')")
    await ann.page.get_by_text("Archive this room").click()
    await expect(ann.page.locator("#composer-text")).to_have_attribute(
        "placeholder", "This room is archived"
    )
    await expect(bob.entry(room.name)).to_contain_text("Archived")


async def open_new(person: Person, kind: str, **fields: str) -> None:
    await person.page.click("#new-room")
    await person.page.click(f".tab[data-kind={kind}]")
    for name, value in fields.items():
        await person.page.fill(f"#new-room-dialog [name={name}]", value)
    await person.page.click("#new-room-dialog [type=submit]")


async def test_rooms_are_opened_and_joined_on_the_page(enter: Enter, room: Room) -> None:
    ann, bob = await enter("ann", listed=True), await enter("bob", listed=True)
    await open_new(ann, "group", name="Cake", members="bob")
    await expect(ann.page.locator("#room-title")).to_have_text("Cake")
    await expect(ann.page.locator("#member-count")).to_have_text("2 members")
    await expect(bob.page.locator(".list-entry", has_text="Cake").first).to_be_visible()
    garden = f"garden-{uuid4().hex[:8]}"
    await open_new(ann, "public", name="Garden", room=garden)
    await expect(ann.page.locator("#room-title")).to_have_text("Garden")
    await open_new(bob, "join", room=garden)
    await expect(bob.page.locator("#room-title")).to_have_text("Garden")
    await bob.say("Tulips")
    await ann.sees("Tulips")
    await open_new(bob, "join", room=room.name + "-no")
    await expect(bob.page.locator("#new-room-dialog .error")).not_to_be_empty()


async def test_direct_chat_is_one_for_both_and_shows_who_is_there(enter: Enter) -> None:
    dora, emil = (f"{name}-{uuid4().hex[:6]}" for name in ("dora", "emil"))
    one, other = await enter(dora, listed=True), await enter(emil, listed=True)
    await open_new(one, "direct", user=emil)
    await expect(one.page.locator("#room-title")).to_have_text(emil)
    await one.say("Are you there?")
    await expect(other.page.locator(".list-entry")).to_contain_text([dora])
    await expect(other.page.locator(".list-entry .badge")).to_have_text("1")
    await open_new(other, "direct", user=dora)
    await other.sees("Are you there?")
    await expect(other.page.locator(".list-entry")).to_have_count(1)
    for person in (one, other):
        dot = person.page.locator(".list-entry .presence-dot")
        await expect(dot).to_have_attribute("data-status", "online", timeout=25_000)
    await other.page.click("#my-presence")
    await expect(other.page.locator("#my-presence .presence-dot")).to_have_attribute(
        "data-status", "away"
    )
    await other.page.click("#my-presence")
    await expect(other.page.locator("#my-presence .presence-dot")).to_have_attribute(
        "data-status", "online"
    )
    await expect(one.page.locator(".read-by")).to_have_text("Read")


async def test_link_to_a_public_room_offers_to_join_it(enter: Enter, room: Room) -> None:
    public = await room.post("ann", "/v1/rooms", {"name": "Square", "type": "public"})
    eve = await enter(f"eve-{uuid4().hex[:6]}", listed=True)
    await eve.page.evaluate("room => location.hash = `#room=${room}`", public["room"])
    await expect(eve.page.locator("#notice h2")).to_have_text("This room can't be shown")
    await eve.page.click("#join-room")
    await expect(eve.page.locator("#room-title")).to_have_text("Square")
    await eve.say("Hello, square")
    await eve.sees("Hello, square")


async def test_search_finds_old_messages_and_goes_to_them(enter: Enter, room: Room) -> None:
    word = f"needle{uuid4().hex[:8]}"
    await room.say("bob", f"here is the {word}")
    await room.fill("bob", 160)
    bob = await enter("ann", listed=True)
    await bob.page.fill("#search-query", word.upper())
    results = bob.page.locator("#search-results .list-entry")
    await expect(results).to_have_count(1)
    await expect(results.locator("mark")).to_have_text(word)
    await results.click()
    await expect(bob.message(f"here is the {word}")).to_be_in_viewport()
    assert await bob.page.locator("#message-list .message").count() < 160
    await expect(bob.page.locator("#jump-to-end")).to_be_visible()
    await bob.page.click("#jump-to-end")
    await expect(bob.message("160")).to_be_in_viewport()
    await expect(bob.page.locator("#jump-to-end")).to_be_hidden()
    await bob.page.fill("#search-query", word + "x")
    await expect(bob.page.locator("#search-results")).to_have_text("Nothing found.")
    await bob.page.fill("#search-query", "")
    await expect(bob.entry(room.name)).to_be_visible()
    await expect(bob.entry(room.name)).to_have_attribute("aria-current", re.compile("page"))


async def test_the_token_leaves_the_address_the_links_and_the_history(
    enter: Enter, room: Room
) -> None:
    ann = await enter("ann")
    page = ann.page
    assert await page.evaluate("location.hash") == f"#room={room.name}"
    links = await page.evaluate("[...document.querySelectorAll('a')].map((link) => link.href)")
    assert links
    assert not [link for link in links if "token" in link]
    await page.evaluate("location.hash = ''")
    await expect(page.locator("#composer")).to_be_hidden()
    await page.go_back()
    await ann.is_live()
    assert "token" not in page.url
    # The tab keeps it for a reload, and a link for somebody else replaces it.
    await page.reload()
    await ann.is_live()
    await page.evaluate("link => location.assign(link)", room.link("bob"))
    await expect(page.locator("#my-presence")).to_contain_text("bob")
    assert "token" not in page.url
    stranger = await page.context.browser.new_context()  # type: ignore[union-attr]
    other = await stranger.new_page()
    await other.goto(page.url)
    await expect(other.locator("#notice h2")).to_have_text("This page needs a link")
    await stranger.close()
