"""A topic that is deleted or created anew is noticed by its id."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest

from app.kafka.admin import connected, provision
from app.kafka.topic_ids import topic_ids
from app.kafka.topic_watch import topic_ids_of, watch_topics
from app.settings import Settings
from app.topics import Topic
from tests.support.chat import until
from tests.support.topic_surgery import make_anew

KEPT, CHANGED = Topic("watch.kept"), Topic("watch.changed")


@pytest.fixture(autouse=True)
def looks(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What each look has seen; they come often."""
    found: list[object] = []

    async def look(settings: Settings, names: Collection[str]) -> dict[str, object] | None:
        seen = await topic_ids_of(settings, names)
        found.append(seen)
        return seen

    monkeypatch.setattr("app.kafka.topic_watch._EVERY", 0.2)
    monkeypatch.setattr("app.kafka.topic_watch.topic_ids_of", look)
    return found


async def seen(settings: Settings, looks: list[object], fault: str) -> str:
    await provision(settings, [KEPT, CHANGED])
    told: list[str] = []
    watching = asyncio.create_task(watch_topics(settings, [KEPT.name, CHANGED.name], told.append))

    async def looked() -> bool:
        return len(looks) > 3

    await until(looked)
    assert not watching.done()
    if fault == "anew":
        await make_anew(settings, CHANGED)
    else:
        async with connected(settings, 30) as admin:
            await admin.delete_topics([CHANGED.name])
    async with asyncio.timeout(30):
        await watching
    return told[0]


async def test_a_topic_created_anew_is_told(settings: Settings, looks: list[object]) -> None:
    assert await seen(settings, looks, "anew") in {
        "the topic watch.changed was created anew",
        "the topic watch.changed was deleted",  # it was away for two looks
    }


async def test_a_deleted_topic_is_told(settings: Settings, looks: list[object]) -> None:
    assert await seen(settings, looks, "deleted") == "the topic watch.changed was deleted"


async def test_a_topic_created_anew_has_another_id(settings: Settings) -> None:
    await provision(settings, [KEPT, CHANGED])
    async with connected(settings, 30) as admin:
        before = await topic_ids(admin, [KEPT.name, CHANGED.name, "watch.never"])
        await make_anew(settings, CHANGED)
        after = await topic_ids(admin, [KEPT.name, CHANGED.name])
    assert before.keys() == {KEPT.name, CHANGED.name}
    assert before[KEPT.name] == after[KEPT.name]
    assert before[CHANGED.name] != after[CHANGED.name]
