"""No word is lost: full and forbidden storage, drafts, input methods, many tabs, closed tabs."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from tests.browser.conftest import ARGUMENTS, chromium
from tests.browser.person import Person, Room

pytestmark = pytest.mark.browser

Enter = Callable[..., Awaitable[Person]]

# Really fills both storages, to the last character.
FILL = """() => {
    for (const storage of [localStorage, sessionStorage]) {
        for (let size = 1 << 20, count = 0; size; size >>= 1) {
            try {
                for (;;) storage.setItem(`full ${count++}`, "x".repeat(size));
            } catch {
                // the next smaller ones
            }
        }
    }
}"""


@pytest.fixture
async def without_cookies(browser: Browser, tmp_path: Path) -> AsyncIterator[BrowserContext]:
    """A browser whose user blocks cookies, and with them all storage."""
    profile = tmp_path / "profile" / "Default"
    profile.mkdir(parents=True)
    settings = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (profile / "Preferences").write_text(json.dumps(settings))
    window = await browser.browser_type.launch_persistent_context(
        profile.parent, executable_path=chromium(), args=ARGUMENTS
    )
    yield window
    await window.close()


async def text_of(page: Page) -> str:
    return await page.input_value("#composer-text")


async def test_full_storage_costs_no_message_and_no_draft(enter: Enter) -> None:
    ann = await enter("ann")
    await ann.page.evaluate(FILL)
    await ann.say("sent with no room to store it")
    await ann.sees("sent with no room to store it")
    await expect(ann.page.locator("#outbox .message")).to_have_count(0)
    await ann.page.fill("#composer-text", "a draft")
    await ann.page.reload()
    await ann.is_live()
    assert await text_of(ann.page) == "a draft"


async def test_forbidden_storage_costs_no_message_no_draft_and_no_login(
    without_cookies: BrowserContext, room: Room
) -> None:
    ann = Person("ann", await without_cookies.new_page())
    await ann.page.goto(room.chat.url + room.link("ann"))
    await ann.is_live()
    with pytest.raises(Exception, match=r"SecurityError|Access is denied"):
        await ann.page.evaluate("localStorage.length")
    await ann.say("sent without storage")
    await ann.sees("sent without storage")
    await ann.page.fill("#composer-text", "a draft")
    await ann.page.reload()
    await ann.is_live()
    assert await text_of(ann.page) == "a draft"
    await ann.say("and again")
    assert [row[2] for row in await ann.rows(2)] == ["sent without storage", "and again"]
    assert "token" not in ann.page.url
    assert ann.troubles == []


async def test_a_draft_and_what_it_answers_survive_a_reload_and_another_room(
    enter: Enter, room: Room
) -> None:
    other = await room.post("ann", "/v1/rooms", {"name": "Other"})
    await room.say("bob", "Tea or coffee?")
    ann = await enter("ann")
    await ann.choose("Tea or coffee?", "Reply")
    await ann.page.fill("#composer-text", "Well")
    await ann.page.reload()
    await ann.is_live()
    context = ann.page.locator("#composer .composer-context")
    await expect(context).to_contain_text("Tea or coffee?")
    assert await text_of(ann.page) == "Well"
    await ann.entry(other["room"]).click()
    await expect(ann.page.locator("#composer-text")).to_have_value("")
    await ann.page.go_back()
    await expect(ann.page.locator("#composer-text")).to_have_value("Well")
    await expect(context).to_contain_text("Tea or coffee?")
    await ann.page.press("#composer-text", "Enter")
    await expect(ann.message("Well").locator(".quote")).to_contain_text("Tea or coffee?")
    await ann.page.reload()
    await ann.is_live()
    assert await text_of(ann.page) == ""


async def test_an_edit_leaves_the_draft_alone_and_survives_escape_and_reload(
    enter: Enter,
) -> None:
    ann = await enter("ann")
    await ann.say("Tee at four")
    await ann.rows(1)
    await ann.page.fill("#composer-text", "My draft")
    await ann.choose("Tee at four", "Edit")
    await ann.page.fill("#composer-text", "Tea at fo")
    await ann.page.press("#composer-text", "Escape")
    assert await text_of(ann.page) == "My draft"
    await ann.choose("Tee at four", "Edit")
    assert await text_of(ann.page) == "Tea at fo"
    await ann.page.reload()
    await ann.is_live()
    await expect(ann.page.locator("#composer-text")).to_have_value("Tea at fo")
    await expect(ann.page.locator("#composer .composer-context")).to_contain_text("Editing")
    await ann.say("Tea at four")
    await ann.sees("Tea at four")
    await expect(ann.page.locator("#composer-text")).to_have_value("My draft")


async def test_an_edit_whose_message_is_deleted_meanwhile_becomes_a_draft(
    enter: Enter, room: Room
) -> None:
    ann = await enter("ann")
    await ann.say("Short")
    await ann.rows(1)
    await ann.choose("Short", "Edit")
    await ann.page.fill("#composer-text", "Long and well said")
    await room.call("ann", "DELETE", f"/v1/rooms/{room.name}/messages/1")
    await expect(ann.page.locator("#composer .composer-context")).to_be_hidden()
    assert await text_of(ann.page) == "Long and well said"


async def test_a_threads_draft_survives_escape_and_reload(enter: Enter, room: Room) -> None:
    await room.say("bob", "Who comes?")
    ann = await enter("ann")
    await ann.choose("Who comes?", "Thread")
    await ann.page.fill("#thread-composer-text", "I think that")
    await ann.page.press("#thread-composer-text", "Escape")
    await expect(ann.page.locator("#side-panel")).to_be_hidden()
    await ann.page.reload()
    await ann.is_live()
    assert await text_of(ann.page) == ""
    await ann.choose("Who comes?", "Thread")
    await expect(ann.page.locator("#thread-composer-text")).to_have_value("I think that")


async def test_enter_that_picks_a_word_of_an_input_method_sends_nothing(enter: Enter) -> None:
    ann = await enter("ann")
    devtools = await ann.page.context.new_cdp_session(ann.page)
    await ann.page.focus("#composer-text")
    await devtools.send(
        "Input.imeSetComposition", {"text": "ni", "selectionStart": 2, "selectionEnd": 2}
    )
    key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229}
    await devtools.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **key})
    await devtools.send("Input.insertText", {"text": "你"})
    # Safari: the composition has ended, and the key that ended it still comes.
    await devtools.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **key})
    assert await text_of(ann.page) == "你"
    await expect(ann.page.locator(".message")).to_have_count(0)
    await ann.page.press("#composer-text", "Enter")
    await ann.sees("你")


async def test_a_person_called_constructor_is_a_person_as_any_other(
    enter: Enter, room: Room
) -> None:
    await room.post("ann", f"/v1/rooms/{room.name}/members", {"user": "constructor"})
    ann, other = await enter("ann"), await enter("constructor")
    await other.say("Hello @ann")
    await ann.sees("Hello @ann")
    await ann.choose("Hello @ann", "👍")
    await expect(other.message("Hello @ann").locator(".reaction")).to_have_text("👍 1")
    await ann.page.click("#details-button")
    await expect(ann.page.locator("#members li[data-user=constructor]")).to_be_visible()


async def test_a_fault_of_the_page_is_said_and_is_no_outage(enter: Enter, room: Room) -> None:
    await room.say("bob", "Hello")
    ann = await enter("ann", listed=True)
    await ann.page.add_init_script("Element.prototype.prepend = () => { throw new TypeError() }")
    asked: list[str] = []
    ann.page.on("request", lambda request: asked.append(request.url))
    await ann.page.goto(room.chat.url + "/#room=" + room.name)
    await ann.page.reload()
    await expect(ann.page.locator("#toast")).to_contain_text("Something went wrong")
    await expect(ann.page.locator("#connection-status")).to_have_text("Live")
    assert len([url for url in asked if "/v1/sync" in url]) == 1
    assert ann.troubles
    ann.troubles.clear()


async def test_the_seventh_tab_works_as_the_first(enter: Enter, room: Room) -> None:
    first = await enter("ann")
    tabs = [first, *[await enter("ann", beside=first) for _ in range(6)]]
    await tabs[6].say("from the seventh")
    for tab in tabs:
        await tab.sees("from the seventh")
    await first.page.close()
    await room.say("bob", "the first is gone")
    for tab in tabs[1:]:
        await tab.sees("the first is gone")


async def test_a_tab_whose_snapshot_is_older_than_the_shared_stream_misses_nothing(
    enter: Enter, room: Room
) -> None:
    slow = await enter("ann", listed=True)
    taken, go_on = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        answer = await route.fetch()
        taken.set()
        await go_on.wait()
        await route.fulfill(response=answer)

    # Its stream is the only one: it ends, and the tab takes a snapshot that is long under way.
    await slow.page.route("**/v1/sync", hold, times=1)
    await slow.page.reload(wait_until="commit")
    await taken.wait()
    await room.say("bob", "after the snapshot")
    other = await enter("ann", beside=slow)
    await other.sees("after the snapshot")
    go_on.set()
    await expect(slow.entry(room.name)).to_contain_text("after the snapshot")


async def test_tabs_of_two_people_in_one_browser_stay_apart(enter: Enter, room: Room) -> None:
    ann = await enter("ann")
    bob = await enter("bob", beside=ann)
    await room.say("bob", "@ann, hello")
    for person in (ann, bob):
        await person.sees("@ann, hello")
    await expect(ann.message("@ann, hello").locator(".mention-me")).to_have_count(1)
    await expect(bob.message("@ann, hello").locator(".mention-me")).to_have_count(0)
    await bob.page.close()
    await room.say("bob", "still here?")
    await ann.sees("still here?")


async def test_a_message_that_waits_is_sent_once_after_its_tab_was_closed(
    enter: Enter, room: Room
) -> None:
    ann, bob = await enter("ann"), await enter("bob")

    async def lose(route: Route) -> None:
        if route.request.method == "POST":
            await route.abort("connectionfailed")
        else:
            await route.continue_()

    await ann.page.route("**/messages", lose)
    await ann.say("one")
    await ann.say("two")
    await expect(ann.page.locator("#outbox .text")).to_have_text(["one", "two"])
    beside = await enter("ann", beside=ann, live=False)
    await ann.page.close()
    await beside.is_live()
    for person in (beside, bob):
        assert [row[2] for row in await person.rows(2)] == ["one", "two"]
    assert await beside.page.evaluate("Object.keys(localStorage)") == []


async def test_a_refused_message_is_put_back_where_it_was_written(enter: Enter, room: Room) -> None:
    await room.say("bob", "Who comes?")
    ann = await enter("ann")
    await ann.choose("Who comes?", "Thread")
    await ann.page.fill("#thread-composer-text", "x" * 5000)
    await ann.page.press("#thread-composer-text", "Enter")
    await expect(ann.page.locator("#outbox .delivery-status")).to_contain_text("Not sent: ")
    await ann.page.click("#side-panel-close")
    await ann.page.reload()
    await ann.is_live()
    await ann.page.click("#outbox >> text=Edit")
    await expect(ann.page.locator("#thread-composer-text")).to_have_value("x" * 5000)
    assert await text_of(ann.page) == ""


async def test_a_page_out_of_the_back_forward_cache_begins_anew(enter: Enter, room: Room) -> None:
    ann = await enter("ann")
    await ann.page.fill("#composer-text", "a draft")
    # What a browser does when it takes the page away, and brings it back as it was.
    for name in ("pagehide", "pageshow"):
        await ann.page.evaluate(
            "(name) => dispatchEvent(new PageTransitionEvent(name, { persisted: true }))", name
        )
        await room.say("bob", f"at {name}")
    await ann.sees("at pagehide")
    await ann.sees("at pageshow")
    await ann.is_live()
    assert await text_of(ann.page) == "a draft"
