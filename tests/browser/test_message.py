"""What people do with messages that are there, seen in two windows."""

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from tests.browser.person import Person, Room

pytestmark = pytest.mark.browser

Enter = Callable[..., Awaitable[Person]]

GONE = "This message was deleted."


async def test_reply_quotes_what_it_answers_and_leads_there(enter: Enter, room: Room) -> None:
    await room.say("ann", "Tea or coffee?")
    ann, bob = await enter("ann"), await enter("bob")
    await bob.choose("Tea or coffee?", "Reply")
    await expect(bob.page.locator("#composer .composer-context")).to_contain_text("Tea or coffee?")
    await bob.say("Tea")
    for person in (ann, bob):
        quote = person.message("Tea").locator(".quote")
        await expect(quote).to_have_text("annTea or coffee?")
        await quote.click()
        await expect(person.message("Tea or coffee?")).to_have_class(re.compile("highlighted"))
    await expect(bob.page.locator("#composer .composer-context")).to_be_hidden()


async def test_reactions_are_counted_once_a_person_and_taken_back(enter: Enter, room: Room) -> None:
    await room.say("ann", "Cake!")
    ann, bob = await enter("ann"), await enter("bob")
    await bob.choose("Cake!", "🎉")
    chip = ann.message("Cake!").locator(".reaction")
    await expect(chip).to_have_text("🎉 1")
    await expect(chip).to_have_attribute("aria-pressed", "false")
    await chip.click()
    for person in (ann, bob):
        mine = person.message("Cake!").locator(".reaction")
        await expect(mine).to_have_text("🎉 2")
        await expect(mine).to_have_attribute("aria-pressed", "true")
        await expect(mine).to_have_attribute("title", "bob, ann")
    await chip.click()
    await expect(bob.message("Cake!").locator(".reaction")).to_have_text("🎉 1")
    await ann.message("Cake!").hover()
    await ann.message("Cake!").locator(".menu-button").click()
    await ann.page.fill("#message-menu input", "🫖")
    await ann.page.press("#message-menu input", "Enter")
    await expect(bob.message("Cake!").locator(".reaction")).to_have_text(["🎉 1", "🫖 1"])
    await bob.page.reload()
    await expect(bob.message("Cake!").locator(".reaction")).to_have_text(["🎉 1", "🫖 1"])


async def test_edited_message_changes_in_both_windows_and_says_so(enter: Enter, room: Room) -> None:
    ann, bob = await enter("ann"), await enter("bob")
    await ann.say("Tee at four")
    await bob.sees("Tee at four")
    await ann.choose("Tee at four", "Edit")
    await expect(ann.page.locator("#composer-text")).to_have_value("Tee at four")
    await ann.say("Tea at four")
    for person in (ann, bob):
        await person.sees("Tea at four")
        await expect(person.message("Tea at four").locator(".edited")).to_have_text("edited")
        await expect(person.page.locator("#message-list .message")).to_have_count(1)
    await expect(ann.page.locator("#composer-text")).to_have_value("")
    await expect(bob.entry(room.name)).to_contain_text("Tea at four")
    await bob.message("Tea at four").hover()
    await bob.message("Tea at four").locator(".menu-button").click()
    await expect(bob.page.locator("#message-menu")).to_contain_text("Reply")
    await expect(bob.page.locator("#message-menu")).not_to_contain_text("Edit")


async def test_deleted_text_is_nowhere_on_the_page_nor_after_a_reload(
    enter: Enter, room: Room
) -> None:
    secret = "the key is under the pot"
    ann, bob = await enter("ann"), await enter("bob")
    await ann.say(secret)
    await bob.sees(secret)
    await bob.choose(secret, "Reply")
    await bob.say("Oh")
    await ann.sees("Oh")
    await ann.choose(secret, "Delete …")
    await ann.page.locator("#confirm-dialog").get_by_text("Delete", exact=True).click()
    for person in (ann, bob):
        await person.sees(GONE)
        await expect(person.message("Oh").locator(".quote")).to_contain_text(GONE)
        assert secret not in await person.page.content()
    await bob.page.reload()
    await bob.sees(GONE)
    await expect(bob.message("Oh").locator(".quote")).to_contain_text(GONE)
    assert secret not in await bob.page.content()


async def test_moderator_deletes_what_others_wrote(enter: Enter, room: Room) -> None:
    ann, bob = await enter("ann"), await enter("bob")
    await bob.say("Buy my tea")
    await ann.choose("Buy my tea", "Delete …")
    await ann.page.locator("#confirm-dialog").get_by_text("Delete", exact=True).click()
    await bob.sees(GONE)


async def test_thread_has_its_own_panel_and_the_root_counts_its_replies(
    enter: Enter, room: Room
) -> None:
    await room.say("ann", "Who comes on Friday?")
    ann, bob = await enter("ann"), await enter("bob")
    await bob.choose("Who comes on Friday?", "Thread")
    panel = bob.page.locator("#side-panel")
    await expect(panel.locator(".text")).to_have_text(["Who comes on Friday?"])
    for text in ("I do", "With cake"):
        await bob.page.fill("#thread-composer-text", text)
        await bob.page.press("#thread-composer-text", "Enter")
    await expect(panel.locator(".text")).to_have_text(["Who comes on Friday?", "I do", "With cake"])
    replies = ann.message("Who comes on Friday?").locator(".reply-count")
    await expect(replies).to_have_text("2 replies")
    await expect(ann.message("I do").locator(".quote")).to_contain_text("In the thread of ann")
    await replies.click()
    await expect(ann.page.locator("#side-panel .text")).to_have_text(
        ["Who comes on Friday?", "I do", "With cake"]
    )
    await bob.choose("With cake", "Delete …")
    await bob.page.locator("#confirm-dialog").get_by_text("Delete", exact=True).click()
    await expect(replies).to_have_text("1 reply")
    await expect(ann.page.locator("#side-panel .text")).to_have_text(
        ["Who comes on Friday?", "I do", GONE]
    )
    await ann.page.reload()
    await expect(replies).to_have_text("1 reply")


async def test_mentions_are_marked_and_mine_stand_out(enter: Enter, room: Room) -> None:
    ann = await enter("ann")
    await room.say("bob", "@ann, @bob and @nobody: x@ann @room!")
    message = ann.page.locator("#message-list .message")
    await expect(message.locator(".mention")).to_have_text(["@ann", "@bob", "@room"])
    await expect(message.locator(".mention-me")).to_have_text(["@ann", "@room"])
    await ann.sees("@ann, @bob and @nobody: x@ann @room!")


async def test_formatting_and_links_are_shown_and_the_text_stays_as_written(
    enter: Enter, room: Room
) -> None:
    text = "**Tea** at _four_, `now`: https://example.org/a_b_c.\n- @bob\n> quoted\n```\n<b>x\n```"
    ann, bob = await enter("ann"), await enter("bob")
    await room.say("ann", text)
    for person in (ann, bob):
        shown = person.page.locator("#message-list .text")
        await expect(shown.locator("strong")).to_have_text("Tea")
        await expect(shown.locator("em")).to_have_text("four")
        await expect(shown.locator("code")).to_have_text(["now", "<b>x"])
        await expect(shown.locator("pre")).to_have_text("<b>x")
        await expect(shown.locator("li .mention")).to_have_text("@bob")
        await expect(shown.locator("blockquote")).to_have_text("quoted")
        link = shown.locator("a")
        await expect(link).to_have_text("https://example.org/a_b_c")
        await expect(link).to_have_attribute("href", "https://example.org/a_b_c")
        await expect(link).to_have_attribute("rel", "noopener noreferrer")
    await ann.page.press("#composer-text", "ArrowUp")
    await expect(ann.page.locator("#composer-text")).to_have_value(text)
