"""Calls through everything: who was to be called is called, and shown the newest message last."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.end_to_end.test_push import direct, people, subscribe
from tests.faults.frail import Frail, kept_running
from tests.support.chat import until
from tests.support.push_service import PushService

pytestmark = [pytest.mark.faults, pytest.mark.slow]

#: Seconds for which the push service is away.
AWAY = 5.0

NAMES = tuple(f"p{number}" for number in range(12))


@pytest.mark.timeout(600)
async def test_everybody_is_called_though_all_parts_are_killed(frail: Frail) -> None:
    async with PushService() as service, people(frail.chat, "ann", *NAMES) as (ann, *others):
        browsers = [service.browser() for _ in others]
        for person, browser in zip(others, browsers, strict=True):
            await subscribe(person, browser)
        rooms = [await direct(ann, person) for person in others]
        said = 0

        async def say() -> None:
            nonlocal said
            said += 1
            for room in rooms:
                body = {"text": f"{said}", "client_id": f"{said}"}

                async def is_in(room: str = room, body: dict[str, str] = body) -> bool:
                    status, _ = await ann.post(f"/v1/rooms/{room}/messages", body)
                    return status in (200, 201)

                await until(is_in, frail.chat.workers[0].tail)

        async def called() -> bool:
            return all(
                browser.texts(room)[-1:] == [f"{said}"]
                for browser, room in zip(browsers, rooms, strict=True)
            )

        async with kept_running(*frail.chat.workers):
            for _ in range(3):
                await say()
                await asyncio.sleep(random.uniform(0, 2))
                frail.chat.workers[0].kill()
            await service.stop()
            await say()
            await asyncio.sleep(AWAY)
            frail.valkey.kill()
            await frail.valkey.start()
            await service.start()
            await say()
            await until(called, frail.chat.workers[0].tail)
        for browser, room in zip(browsers, rooms, strict=True):
            assert browser.texts(room) == sorted(browser.texts(room))
        assert service.wrong == []
