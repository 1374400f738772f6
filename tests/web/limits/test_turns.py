from __future__ import annotations

import asyncio

from app.settings import Settings
from web.limits.limits import Limits


async def test_a_persons_costly_requests_take_turns_and_others_do_not_wait() -> None:
    limits, running, most = Limits(Settings()), 0, 0

    async def ask(user: str) -> None:
        nonlocal running, most
        async with limits.turn(user):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(ask("ann") for _ in range(20)))
    assert most == 1
    await asyncio.gather(*(ask(user) for user in ("ann", "ben", "cat")))
    assert most == 3
    waiting = asyncio.create_task(ask("ann"))
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not limits._turns
