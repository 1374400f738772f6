"""Calls of those who are away, on real parts."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from app.embedded.child import Child
from app.local.supervisor import ROOT
from app.runtime.webhook_signature import PUSH, hook_secret
from tests.moderation.conftest import Admin
from tests.support.chat import Chat, until
from tests.support.person import Person
from tests.support.push_service import Browser, PushService
from tests.support.receiver import Receiver

pytestmark = pytest.mark.timeout(180)


@asynccontextmanager
async def people(chat: Chat, *names: str) -> AsyncIterator[list[Person]]:
    """People whom no other test knows."""
    found = [Person(chat, f"{name}-{uuid4().hex[:8]}") for name in names]
    for person in found:
        await person.__aenter__()
    try:
        yield found
    finally:
        for person in found:
            await person.__aexit__(None, None, None)


async def put(person: Person, path: str, body: Any) -> dict[str, Any]:
    async with person.http.put(path, json=body) as answer:
        said: dict[str, Any] = await answer.json()
        assert answer.status == 200, said
        return said


async def subscribe(person: Person, browser: Browser) -> str:
    status, answer = await person.post("/v1/push/subscriptions", browser.subscription)
    assert status == 201, answer
    return str(answer["id"])


async def direct(person: Person, other: Person) -> str:
    status, answer = await person.post("/v1/rooms", {"type": "direct", "user": other.user})
    assert status == 201, answer
    return str(answer["room"])


async def shown(browser: Browser, room: str, texts: list[str]) -> None:
    """Return when these texts were shown, and no others."""

    async def whole() -> bool:
        return len(browser.texts(room)) >= len(texts)

    await until(whole, lambda: f"{browser.got}", 30)
    assert browser.texts(room) == texts


async def test_an_absent_person_is_called_of_direct_messages_and_mentions(chat: Chat) -> None:
    async with PushService() as service, people(chat, "ann", "ben") as (ann, ben):
        browser = service.browser()
        await subscribe(ben, browser)
        dm, room = await direct(ann, ben), await ann.open_room(ben.user)
        await ann.say(room, "nothing much")
        await ann.say(dm, "hello")
        await ann.say(room, f"@{ben.user} look")
        await shown(browser, dm, ["hello"])
        await shown(browser, room, [f"@{ben.user} look"])
        first, *_ = (one for one in browser.got if one["room"] == dm)
        assert first["by"] == ann.user
        assert first["unread"] == 1
        assert service.wrong == []
        # The author is not called, and those of one room have the same topic.
        await put(ann, "/v1/me/notify", {"level": "all"})
        await ann.say(dm, "more")
        await shown(browser, dm, ["hello", "more"])
        topics = {
            (one["room"], headers["Topic"])
            for one, headers in zip(browser.got, browser.headers, strict=True)
        }
        assert len(topics) == 2


async def test_messages_that_come_together_are_one_call(chat: Chat) -> None:
    async with PushService() as service, people(chat, "ann", "ben") as (ann, ben):
        browser = service.browser()
        await subscribe(ben, browser)
        dm = await direct(ann, ben)
        for number in range(5):
            await ann.say(dm, f"{number}")
        await shown(browser, dm, ["4"])
        assert browser.got[-1]["unread"] == 5


async def test_reading_elsewhere_withdraws_a_call(chat: Chat) -> None:
    async with PushService() as service, people(chat, "ann", "ben") as (ann, ben):
        browser = service.browser()
        await subscribe(ben, browser)
        dm, other = await direct(ann, ben), await ann.open_room(ben.user)
        said = await ann.say(dm, "hello")
        await put(ben, f"/v1/rooms/{dm}/read", {"seq": said["seq"]})
        # A later call of another room comes, so that the first would have come.
        await ann.say(other, f"@{ben.user}")
        await shown(browser, other, [f"@{ben.user}"])
        assert browser.texts(dm) == []


async def test_a_person_who_is_banned_everywhere_is_not_called_until_the_ban_is_lifted(
    chat: Chat,
) -> None:
    async with (
        PushService() as service,
        people(chat, "ann", "ben", "eva") as (ann, ben, eva),
        Admin(chat) as admin,
    ):
        browser, others = service.browser(), service.browser()
        await subscribe(ben, browser)
        await subscribe(eva, others)
        room = await ann.open_room(ben.user, eva.user)
        path = f"/v1/sanctions/{ben.user}"
        assert (await admin.call("PUT", path, {"sanction": "ban"}))[0] == 200
        await ann.say(room, "@everyone without ben")
        await shown(others, room, ["@everyone without ben"])
        assert (await admin.call("DELETE", path))[0] == 200
        await ann.say(room, "@everyone")
        await shown(browser, room, ["@everyone"])


async def test_a_message_that_is_deleted_in_time_is_not_shown_and_an_edit_is(chat: Chat) -> None:
    async with PushService() as service, people(chat, "ann", "ben") as (ann, ben):
        browser = service.browser()
        await subscribe(ben, browser)
        dm, other = await direct(ann, ben), await ann.open_room(ben.user)
        said = await ann.say(dm, "a slip")
        async with ann.http.delete(f"/v1/rooms/{dm}/messages/{said['seq']}") as answer:
            assert answer.status == 200
        said = await ann.say(other, f"@{ben.user} frist")
        path = f"/v1/rooms/{other}/messages/{said['seq']}"
        async with ann.http.patch(path, json={"text": f"@{ben.user} first"}) as answer:
            assert answer.status == 200
        await shown(browser, other, [f"@{ben.user} first"])
        assert browser.texts(dm) == []


async def test_who_is_there_is_not_called_and_is_after_leaving(chat: Chat) -> None:
    async with PushService() as service, people(chat, "ann", "ben", "eva") as (ann, ben, eva):
        browser, others = service.browser(), service.browser()
        await subscribe(ben, browser)
        await subscribe(eva, others)
        room = await ann.open_room(ben.user, eva.user)
        async with ben.http.get("/v1/stream") as stream:
            assert stream.status == 200

            async def online() -> bool:
                _, answer = await ben.get("/v1/presence", user=ben.user)
                return bool(answer["presence"][ben.user]["status"] == "online")

            await until(online)
            await ann.say(room, "@room one")
            await shown(others, room, ["@room one"])
            assert browser.texts(room) == []
            # Away is absent: somebody has said so.
            await ben.http.put("/v1/presence", json={"status": "away"})
            await ann.say(room, "@room two")
            await shown(browser, room, ["@room two"])


async def test_levels_of_rooms_and_mutes_are_kept_to(chat: Chat) -> None:
    async with PushService() as service, people(chat, "ann", "ben") as (ann, ben):
        browser = service.browser()
        await subscribe(ben, browser)
        rooms = {name: await ann.open_room(ben.user) for name in ("all", "none", "muted", "plain")}
        path = "/v1/rooms/{}/notify"
        assert (await put(ben, path.format(rooms["all"]), {"level": "all"}))["counts"] == "all"
        await put(ben, path.format(rooms["none"]), {"level": "none"})
        await put(ben, path.format(rooms["muted"]), {"mute_until_ms": 9_999_999_999_999})
        _, known = await ben.get("/v1/me/notify")
        assert set(known["rooms"]) == {rooms["all"], rooms["none"], rooms["muted"]}
        for name in ("none", "muted", "plain", "all"):
            await ann.say(rooms[name], f"@{ben.user}")
            await ann.say(rooms[name], "hello")
        await shown(browser, rooms["all"], ["hello"])
        await shown(browser, rooms["plain"], [f"@{ben.user}"])
        assert {one["room"] for one in browser.got} == {rooms["all"], rooms["plain"]}
        # Back to what counts everywhere.
        assert (await put(ben, path.format(rooms["none"]), {}))["counts"] == "mentions"
        await ann.say(rooms["none"], f"@{ben.user} again")
        await shown(browser, rooms["none"], [f"@{ben.user} again"])


async def test_nobody_is_called_in_hours_of_quiet(chat: Chat) -> None:
    async with PushService() as service, people(chat, "ann", "ben", "eva") as (ann, ben, eva):
        quiet, others = service.browser(), service.browser()
        await subscribe(ben, quiet)
        await subscribe(eva, others)
        room = await ann.open_room(ben.user, eva.user)
        begins, ends = (datetime.now(UTC) + timedelta(hours=hours) for hours in (-2, 2))
        hours = {"begins": f"{begins:%H:%M}", "ends": f"{ends:%H:%M}", "zone": "UTC"}
        await put(ben, "/v1/me/notify", {"quiet": hours})
        assert (await ben.get("/v1/me/notify"))[1]["quiet"] == hours
        await ann.say(room, "@room in the night")
        await shown(others, room, ["@room in the night"])
        # The same hours are over where it is half a day later.
        await put(ben, "/v1/me/notify", {"quiet": {**hours, "zone": "Pacific/Auckland"}})
        await ann.say(room, "@room in the morning")
        await shown(quiet, room, ["@room in the morning"])


async def test_what_was_set_in_the_meantime_counts(chat: Chat) -> None:
    async with PushService() as service, people(chat, "ann", "ben", "eva") as (ann, ben, eva):
        browser, others = service.browser(), service.browser()
        await subscribe(ben, browser)
        await subscribe(eva, others)
        room = await ann.open_room(ben.user, eva.user)
        await ann.say(room, "@room")
        await put(ben, f"/v1/rooms/{room}/notify", {"level": "none"})
        await shown(others, room, ["@room"])
        assert browser.texts(room) == []


async def test_a_browser_that_is_gone_is_forgotten_and_the_others_are_called(chat: Chat) -> None:
    async with (
        PushService() as service,
        people(chat, "ann", "ben") as (ann, ben),
        Receiver() as receiver,
    ):
        code, told = await chat.parley(
            "subscriptions", "add", receiver.url, "--kind", "push.failed"
        )
        assert code == 0, told
        gone, here = service.browser(), service.browser()
        gone.answers = lambda: 410
        name = await subscribe(ben, gone)
        await subscribe(ben, here)
        dm = await direct(ann, ben)
        await ann.say(dm, "hello")
        await shown(here, dm, ["hello"])

        async def forgotten() -> bool:
            _, answer = await ben.get("/v1/push/subscriptions")
            return name not in {one["id"] for one in answer["subscriptions"]}

        await until(forgotten, within=30)

        async def reported() -> Any:
            return next((one for one in receiver.taken if one["data"]["push"] == name), None)

        data = (await until(reported, within=60))["data"]
        assert (data["user"], data["room"], data["gone"]) == (ben.user, dm, True)
        assert data["why"].startswith("410")
        code, told = await chat.parley("subscriptions", "remove", told.split()[0])
        assert code == 0, told


async def test_a_push_service_that_is_away_gets_the_call_when_it_is_back(chat: Chat) -> None:
    async with (
        PushService() as service,
        PushService() as other,
        people(chat, "ann", "ben", "eva") as (ann, ben, eva),
    ):
        browser, elsewhere = service.browser(), other.browser()
        await subscribe(ben, browser)
        await subscribe(eva, elsewhere)
        room = await ann.open_room(ben.user, eva.user)
        failing = [503, 429, 500]
        browser.answers = lambda: failing.pop() if failing else 201
        await ann.say(room, "@room")
        await shown(elsewhere, room, ["@room"])
        await shown(browser, room, ["@room"])
        assert failing == []
        assert elsewhere.texts(room) == ["@room"]


async def test_a_browser_is_of_the_last_user_who_subscribed_with_it(chat: Chat) -> None:
    async with PushService() as service, people(chat, "ann", "ben", "eva") as (ann, ben, eva):
        shared, own = service.browser(), service.browser()
        await subscribe(ben, shared)
        await subscribe(ben, own)
        name = await subscribe(eva, shared)
        room = await ann.open_room(ben.user, eva.user)
        await ann.say(room, f"@{ben.user} for ben alone")
        await shown(own, room, [f"@{ben.user} for ben alone"])
        assert shared.texts(room) == []
        async with ben.http.delete(f"/v1/push/subscriptions/{name}") as answer:
            assert answer.status == 404
        async with eva.http.delete(f"/v1/push/subscriptions/{name}") as answer:
            assert answer.status == 204


async def test_a_subscription_that_is_none_is_refused(chat: Chat) -> None:
    async with people(chat, "ann") as (ann,):
        good = PushService().browser().subscription
        for wrong, code in (
            ({}, "field_value"),
            ({**good, "endpoint": "ftp://127.0.0.1/x"}, "field_value"),
            ({**good, "endpoint": "http://10.0.0.1/x"}, "field_value"),
            ({**good, "endpoint": "http://[::1]/x"}, "field_value"),
            ({**good, "device": "both"}, "field_value"),
            ({"endpoint": good["endpoint"]}, "field_missing"),
            ({**good, "keys": {"p256dh": "AA", "auth": "AA"}}, "field_value"),
            ({**good, "name": "a\nb"}, "field_value"),
        ):
            status, answer = await ann.post("/v1/push/subscriptions", wrong)
            assert (status, answer["code"]) == (400, code), (wrong, answer)
        assert (await ann.get("/v1/push/subscriptions"))[1]["subscriptions"] == []


@asynccontextmanager
async def example_gateway(chat: Chat) -> AsyncIterator[Callable[[], str]]:
    """The gateway of the examples where the chat expects it; gives what it has printed."""
    url = urlsplit(chat.settings.push_gateway)
    secret = hook_secret(chat.settings.secret, PUSH, chat.settings.push_gateway)
    code = ROOT / "examples" / "push_gateway" / "gateway.py"
    log = chat.settings.data / "logs" / f"gateway-{uuid4().hex}.log"
    child = Child([sys.executable, str(code), secret, "--port", str(url.port)], log, {})
    child.start()
    try:
        yield log.read_text
    finally:
        await child.stop(10)


async def test_the_gateway_of_the_examples_shows_what_it_is_sent(chat: Chat) -> None:
    async with people(chat, "ann", "ben") as (ann, ben):
        for device in (f"print:{ben.user}", "pager:17"):
            status, answer = await ben.post("/v1/push/subscriptions", {"device": device})
            assert status == 201, answer
        dm = await direct(ann, ben)
        await ann.say(dm, "before there is a gateway")
        async with example_gateway(chat) as printed:

            async def has_shown(line: str) -> bool:
                return line in printed()

            line = f"{ben.user}: {ann.user}: before there is a gateway\n"
            await until(lambda: has_shown(line), printed, 60)

            # A device that the gateway does not know is forgotten.
            async def forgotten() -> bool:
                _, answer = await ben.get("/v1/push/subscriptions")
                return [one["device"] for one in answer["subscriptions"]] == [f"print:{ben.user}"]

            await until(forgotten, within=30)
            await ann.say(dm, "and after")
            await until(lambda: has_shown(f"{ben.user}: {ann.user}: and after\n"), printed, 60)
            assert printed().count(line) == 1
