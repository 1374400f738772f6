"""Events that an endpoint never takes: given up in the end, listed, and sent again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.end_to_end.test_subscriptions import subscribe, subscriptions, took
from tests.support.apart import chat_apart
from tests.support.chat import Chat, until
from tests.support.person import Person
from tests.support.receiver import Receiver

pytestmark = pytest.mark.timeout(240)

#: Three seconds and a half: for three days no test has the time.
HOURS = 0.001


@pytest.fixture(scope="module")
async def impatient(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chat]:
    async with chat_apart(tmp_path_factory.mktemp("impatient"), webhook_hours=HOURS) as chat:
        yield chat


async def test_an_event_that_is_never_taken_is_given_up_and_can_be_sent_again(
    impatient: Chat,
) -> None:
    failing = True

    async def answers(event: dict[str, Any]) -> int:
        return 500 if failing and event["data"].get("text") == "bad" else 200

    async with Receiver(answers) as receiver, Person(impatient, "ann") as ann:
        name = await subscribe(impatient, receiver, "--kind", "message.created")
        room, other = await ann.open_room(), await ann.open_room()
        for text in ("bad", "next"):
            await ann.say(room, text)
        await ann.say(other, "elsewhere")
        await took(receiver, other, ["elsewhere"])
        await took(receiver, room, ["next"])
        told = await subscriptions(impatient, "failures", name)
        assert told.endswith("1 failed\n")
        assert f"message.created  {room}" in told
        assert "500 Internal Server Error" in told
        failing = False
        assert "1 are sent again" in await subscriptions(impatient, "send-again", name)
        await took(receiver, room, ["next", "bad"])

        async def none() -> bool:
            return await subscriptions(impatient, "failures", name) == "0 failed\n"

        await until(none, within=60)
        await subscriptions(impatient, "remove", name)


async def test_a_subscription_whose_endpoint_takes_nothing_is_paused_and_loses_nothing(
    impatient: Chat,
) -> None:
    failing = True

    async def answers(_: dict[str, Any]) -> int:
        return 503 if failing else 200

    async with Receiver(answers) as receiver, Person(impatient, "ann") as ann:
        room = await ann.open_room()
        name = await subscribe(impatient, receiver, "--room", room, "--kind", "message.*")
        for text in ("one", "two", "three"):
            await ann.say(room, text)

        async def paused() -> bool:
            return "paused: its endpoint took nothing for 0.001 hours: 503" in (
                await subscriptions(impatient, "show", name)
            )

        await until(paused, within=90)
        failing = False
        await subscriptions(impatient, "resume", name)
        await took(receiver, room, ["two", "three"])
        assert "1 are sent again" in await subscriptions(impatient, "send-again", name)
        await took(receiver, room, ["two", "three", "one"])
        await subscriptions(impatient, "remove", name)
