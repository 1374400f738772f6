"""Text that was deleted or edited away is served to no client that resumes, from no memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from app.delivery.erasures import Notice, ViewErasures
from app.events import AnyLogEvent, MessageDeleted, MessageEdited, MessageHidden
from tests.delivery.conftest import PARTITIONS
from tests.support.chat import until
from tests.web.support.scene import Recorder, Scene
from web.hub.event import EventBatch


class Reading(Recorder):
    """A subscriber that keeps the events themselves."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene.hub.registry.user("ann"))
        self.events: list[bytes] = []

    def deliver(self, batch: EventBatch) -> None:
        super().deliver(batch)
        self.events += [event.data for event in batch.events]


def deleted(scene: Scene, n: int, of: int, prev: int) -> AnyLogEvent:
    return MessageDeleted(
        room=scene.a, n=n, by="ann", at_ms=2, id="i", client_id="c", seq=of - 1, of=of, prev=prev
    )


def hidden(scene: Scene, n: int, of: int, prev: int) -> AnyLogEvent:
    return MessageHidden(
        room=scene.a, n=n, by="zoe", at_ms=2, id="i", client_id="c", seq=of - 1, of=of, prev=prev
    )


def edited(scene: Scene, n: int, of: int, prev: int, text: str = "new") -> AnyLogEvent:
    return MessageEdited(
        room=scene.a, n=n, by="ann", at_ms=2, id="i", client_id="c", seq=of - 1, of=of, prev=prev,
        text=text,
    )  # fmt: skip


Change = Callable[[Scene, int, int, int], AnyLogEvent]


async def heard_all(scene: Scene) -> None:
    await scene.hub.markers.sync([], range(len(scene.hub.state.frontier)))
    scene.hub.state.flush()


async def edited_then(scene: Scene, change: Change) -> None:
    """A message that is edited, and then changed again: two events had a text that is gone."""
    await scene.publish(edited(scene, scene.next(scene.a), 2, 0, "old words"))
    await scene.publish(change(scene, scene.next(scene.a), 2, 3))


@pytest.mark.parametrize("change", [deleted, hidden, edited])
async def test_a_client_that_resumes_from_memory_gets_the_present_text(
    scene: Scene, change: Change
) -> None:
    state, user = scene.hub.state, scene.reader.user
    await scene.say(scene.b)
    await heard_all(scene)
    cursor = state.cursor()
    await scene.say(scene.a)
    await heard_all(scene)
    after_message = state.cursor()
    await edited_then(scene, change)
    await scene.say(scene.a)
    await heard_all(scene)
    for since, count in ((cursor, 4), (after_message, 3)):
        missed = state.missed(user, since)
        assert missed is not None, "it comes from memory"
        assert [event.n for event in missed] == list(range(6 - count, 6))
        for event in missed:
            assert b"old words" not in event.data + event.frame
            assert event.n != 2 or b'"text":"2"' not in event.data + event.frame
        window = await scene.hub.view.since(scene.a, 5 - count, 10)
        assert [event.data for event in missed] == [logged.event for logged in window]


@pytest.mark.parametrize("change", [deleted, hidden, edited])
async def test_what_waited_for_a_held_subscriber_comes_with_the_present_text(
    scene: Scene, change: Change, read_while_held: Callable[[Scene], Awaitable[Reading]]
) -> None:
    reading = await read_while_held(scene)
    scene.hub.state.hold(reading)
    await scene.say(scene.a)
    await heard_all(scene)
    await edited_then(scene, change)
    await heard_all(scene)
    scene.hub.state.release(reading)
    window = await scene.hub.view.since(scene.a, 1, 10)
    assert reading.events == [logged.event for logged in window]
    assert b"old words" not in b"".join(reading.events)


@pytest.fixture
def read_while_held() -> Callable[[Scene], Awaitable[Reading]]:
    async def reading(scene: Scene) -> Reading:
        one = Reading(scene)
        await scene.admission.admit(one, None)
        return one

    return reading


async def heard_and_waiting(scene: Scene, reading: Reading) -> str:
    """A message in memory that also waits for a held subscriber; the cursor before it."""
    await scene.say(scene.b)
    await heard_all(scene)
    cursor = scene.hub.state.cursor()
    scene.hub.state.hold(reading)
    await scene.say(scene.a)
    await scene.publish(edited(scene, scene.next(scene.a), 2, 0, "old words"))
    await heard_all(scene)
    return cursor


def texts(scene: Scene, cursor: str) -> bytes:
    missed = scene.hub.state.missed_lately(scene.reader.user, cursor)
    assert missed is not None
    return b"".join(event.data + event.frame for event in missed)


async def test_words_of_forgotten_people_leave_the_memory_of_every_edge(
    scene: Scene, read_while_held: Callable[[Scene], Awaitable[Reading]]
) -> None:
    reading = await read_while_held(scene)
    cursor = await heard_and_waiting(scene, reading)
    end = len(scene.log)
    ends = tuple(end if place == scene.partition else 0 for place in range(PARTITIONS))
    await scene.say(scene.a)
    await ViewErasures(scene.redis).tell_edges(Notice(user="ann", ends=ends))
    await heard_all(scene)
    seen = texts(scene, cursor)
    assert b"old words" not in seen
    assert seen.count(b'"deleted":true') == 2, "as JSON and as a frame"
    assert b'"text":"4"' in seen, "what was said later stays"
    scene.hub.state.release(reading)
    assert [n for room, n in reading.got if room == scene.a] == [2, 3, 4]
    assert b"old words" not in b"".join(reading.events)


async def test_words_that_retention_drops_leave_the_memory_of_every_edge(
    scene: Scene, read_while_held: Callable[[Scene], Awaitable[Reading]]
) -> None:
    reading = await read_while_held(scene)
    cursor = await heard_and_waiting(scene, reading)
    await scene.say(scene.b)
    await ViewErasures(scene.redis).tell_edges(Notice(room=scene.a, before_ms=3))
    await heard_all(scene)
    seen = texts(scene, cursor)
    assert b"old words" not in seen
    assert b'"text":"3"' in seen, "another room stays as it is"
    scene.hub.state.release(reading)
    assert b"old words" not in b"".join(reading.events)


async def test_an_edge_that_was_cut_off_from_an_erasure_serves_nothing_from_memory(
    scene: Scene, read_while_held: Callable[[Scene], Awaitable[Reading]]
) -> None:
    reading = await read_while_held(scene)
    cursor = await heard_and_waiting(scene, reading)
    scene.hub.state.release(reading)
    before = scene.hub.subscription.count
    scene.hub.subscription.reconnect()
    await ViewErasures(scene.redis).tell_edges(Notice(room="another", before_ms=3))

    async def back() -> bool:
        return scene.hub.subscription.connected and scene.hub.subscription.count > before

    await until(back)
    await heard_all(scene)
    assert scene.hub.state.missed_lately(scene.reader.user, cursor) is None
    now = scene.hub.state.cursor()
    assert scene.hub.state.missed_lately(scene.reader.user, now) == []
    await scene.say(scene.a)
    await heard_all(scene)
    assert b'"text":"4"' in texts(scene, now)
