"""Several processes use one store at once."""

from __future__ import annotations

import asyncio
import random

from app.events import AnyLogEvent
from app.history.store import History
from app.runtime.retry import retry_while_away
from tests.history.recount import as_now
from tests.history.story import entries_of, story
from tests.history.test_message_state import everything, pages

DEEDS = ["say", "say", "reply", "edit", "edit", "react", "delete", "unreact"]
ROOMS = ("a", "b", "c")


def log_of(room: str, seed: int) -> list[AnyLogEvent]:
    chance = random.Random(seed)
    people = [chance.choice(["ann", "ben"]) for _ in range(400)]
    return story(room, [(chance.choice(DEEDS), who, chance.randrange(12)) for who in people])


async def deliver(url: str, logs: list[list[AnyLogEvent]], seed: int) -> None:
    """An archive's way through all rooms, going back now and then."""
    chance, history = random.Random(seed), History(url)
    places = [0] * len(logs)
    while left := [one for one in range(len(logs)) if places[one] < len(logs[one])]:
        batch: list[AnyLogEvent] = []
        for one in chance.sample(left, chance.randint(1, len(left))):
            batch += logs[one][places[one] : places[one] + 40]
            places[one] += 40 - (chance.randrange(60) if chance.random() < 0.2 else 0)
            places[one] = max(0, places[one])
        # As the archive does: two that lock each other out try again.
        await retry_while_away("history", history.append, entries_of(batch))
    await history.close()


async def test_archives_at_once_leave_what_one_leaves(history: History, url: str) -> None:
    logs = [log_of(room, seed) for seed, room in enumerate(ROOMS)]
    await asyncio.gather(*(deliver(url, logs, seed) for seed in range(4)))
    for room, log in zip(ROOMS, logs, strict=True):
        assert await pages(history, room) == as_now(log)[-100:]


async def test_what_is_forgotten_and_dropped_meanwhile_stays_so(history: History, url: str) -> None:
    logs = [log_of(room, seed) for seed, room in enumerate(ROOMS)]
    middle = logs[0][200].at_ms
    keeper = History(url)

    async def keep() -> None:
        for _ in range(5):
            await retry_while_away("history", keeper.drop_before, "a", middle)
            await retry_while_away("history", keeper.forget, "ann")
            await retry_while_away("history", keeper.tidy)

    await asyncio.gather(keep(), *(deliver(url, logs, seed) for seed in range(3)))
    await keeper.close()
    await history.drop_before("a", middle)
    kept = [one["seq"] for one in as_now(logs[0]) if one["at_ms"] >= middle]
    assert [one["seq"] for one in await pages(history, "a")] == kept[-100:]
    assert await history.kept_from("a") == kept[0]
    for room in ROOMS:
        assert all(one["by"] in ("", "ben") for one in await pages(history, room))
        rows = [row for table in await everything(url, room) for row in table]
        assert not any(row.get("by") == "ann" for row in rows)
        assert all((row.get("seq") or 10**6) >= kept[0] for row in rows if room == "a")
