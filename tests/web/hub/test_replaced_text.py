"""Text that was deleted or edited away is served to no client that resumes, from no memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from app.events import AnyLogEvent, MessageDeleted, MessageEdited, MessageHidden
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
