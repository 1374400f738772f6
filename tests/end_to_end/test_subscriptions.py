"""Subscriptions by webhook, on real parts."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from tests.support.chat import Chat, until
from tests.support.person import Person
from tests.support.receiver import Receiver

pytestmark = pytest.mark.timeout(180)


async def subscribe(chat: Chat, receiver: Receiver, *options: str) -> str:
    """Add a subscription, and have the receiver verify its requests; its id."""
    told = await subscriptions(chat, "add", receiver.url, *options)
    found = re.match(r"(sub_\w+)\n.* (whsec_\S+)", told)
    assert found is not None, told
    receiver.secret = found[2]
    return found[1]


async def subscriptions(chat: Chat, *arguments: str) -> str:
    code, told = await chat.parley("subscriptions", *arguments)
    assert code == 0, told
    return told


async def took(receiver: Receiver, room: str, texts: list[str]) -> None:
    async def whole() -> bool:
        return len(receiver.texts(room)) >= len(texts)

    await until(whole, lambda: f"{receiver.texts(room)}, {receiver.forged} forged", 60)
    assert receiver.texts(room) == texts


async def test_each_event_comes_signed_and_in_the_order_of_its_room(chat: Chat) -> None:
    async with Receiver() as receiver, Person(chat, "ann") as ann:
        name = await subscribe(chat, receiver)
        rooms = [await ann.open_room() for _ in range(3)]
        for number in range(10):
            await asyncio.gather(*(ann.say(room, f"{number}") for room in rooms))
        for room in rooms:
            await took(receiver, room, [f"{number}" for number in range(10)])
        assert receiver.forged == 0
        assert len({event["id"] for event in receiver.taken}) == len(receiver.taken)
        first = next(e for e in receiver.taken if e["type"] == "message.created")
        assert first["data"]["by"] == "ann"
        assert "follows" in await subscriptions(chat, "show", name)
        await subscriptions(chat, "remove", name)


async def test_a_room_whose_event_fails_holds_up_no_other_and_comes_in_order(chat: Chat) -> None:
    failing = True

    async def answers(event: dict[str, Any]) -> int:
        return 500 if failing and event["data"].get("text") == "bad" else 200

    async with Receiver(answers) as receiver, Person(chat, "ann") as ann:
        name = await subscribe(chat, receiver)
        one, other = await ann.open_room(), await ann.open_room()
        for text in ("first", "bad", "third"):
            await ann.say(one, text)
            await ann.say(other, f"other {text}")
        await took(receiver, other, ["other first", "other bad", "other third"])
        assert receiver.texts(one) == ["first"]

        async def told() -> bool:
            return f"tried again in {one}: 500" in await subscriptions(chat, "show", name)

        await until(told, within=60)
        failing = False
        await took(receiver, one, ["first", "bad", "third"])
        await subscriptions(chat, "remove", name)


async def test_an_endpoint_that_is_away_gets_everything_when_it_is_back(chat: Chat) -> None:
    async with Receiver() as receiver, Person(chat, "ann") as ann:
        name = await subscribe(chat, receiver, "--batch", "20")
        room = await ann.open_room()
        await ann.say(room, "0")
        await took(receiver, room, ["0"])
        await receiver.stop()
        for number in range(1, 60):
            await ann.say(room, f"{number}")
        await receiver.start()
        await took(receiver, room, [f"{number}" for number in range(60)])
        await subscriptions(chat, "remove", name)


async def test_a_subscription_is_paused_goes_on_and_is_moved_back(chat: Chat) -> None:
    async with Receiver() as receiver, Receiver() as control, Person(chat, "ann") as ann:
        room = await ann.open_room()
        await ann.say(room, "before")
        # It gets the same events, so that it shows when the other one would have had them.
        beside = await subscribe(chat, control, "--room", room)
        options = ("--room", room, "--kind", "message.*", "--name", f"of {room}")
        name = await subscribe(chat, receiver, *options)
        await ann.say(room, "one")
        await took(receiver, room, ["one"])
        await subscriptions(chat, "pause", name)

        async def quiet() -> bool:
            return "paused" in await subscriptions(chat, "list")

        await until(quiet)
        await ann.say(room, "two")
        await took(control, room, ["one", "two"])
        assert receiver.texts(room) == ["one"]
        await subscriptions(chat, "resume", name)
        await took(receiver, room, ["one", "two"])
        receiver.taken.clear()
        await subscriptions(chat, "move", name, "--to-start")
        await took(receiver, room, ["before", "one", "two"])
        one = next(event for event in receiver.taken if event["data"].get("text") == "one")
        receiver.taken.clear()
        assert f"begins with {one['id']}" in await subscriptions(
            chat, "move", name, "--to", one["id"]
        )
        await took(receiver, room, ["one", "two"])
        await subscriptions(chat, "remove", name)

        async def removed() -> bool:
            return name not in await subscriptions(chat, "list")

        await until(removed)
        await ann.say(room, "three")
        await took(control, room, ["one", "two", "three"])
        assert receiver.texts(room) == ["one", "two"]
        await subscriptions(chat, "remove", beside)


async def test_an_endpoint_that_says_gone_is_asked_no_more(chat: Chat) -> None:
    async def gone(_: dict[str, Any]) -> int:
        return 410

    async with Receiver(gone) as receiver, Receiver() as control, Person(chat, "ann") as ann:
        name, beside = await subscribe(chat, receiver), await subscribe(chat, control)
        room = await ann.open_room()

        async def paused() -> bool:
            return "wants no more: 410" in await subscriptions(chat, "show", name)

        await until(paused, within=60)
        asked = receiver.requests
        await ann.say(room, "more")
        await took(control, room, ["more"])
        assert receiver.requests == asked
        for one in (name, beside):
            await subscriptions(chat, "remove", one)
