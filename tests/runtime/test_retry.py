"""A group is marked as waiting until its store is back, whatever its other agents do."""

from __future__ import annotations

import asyncio

import pytest

from app.errors import Unreachable
from app.runtime.heartbeat import GROUP, heartbeat_of
from app.runtime.retry import health_probe, retry_while_away


async def away() -> None:
    raise Unreachable("away")


async def there() -> None:
    return None


@pytest.fixture
def group(request: pytest.FixtureRequest) -> str:
    name: str = request.node.name
    GROUP.set(name)
    return name


async def test_one_agents_success_does_not_hide_that_another_waits(group: str) -> None:
    waiting = asyncio.create_task(retry_while_away("history", away))
    await asyncio.sleep(0)
    await retry_while_away("history", there)
    assert heartbeat_of(group).waits_for == "history"
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert heartbeat_of(group).waits_for == ""


async def test_a_look_in_vain_is_told_of_until_one_succeeds(group: str) -> None:
    for action, told in ((away, "Valkey"), (away, "Valkey"), (there, "")):
        with health_probe("Valkey", group, "me"):
            await action()
        assert heartbeat_of(group).waits_for == told
