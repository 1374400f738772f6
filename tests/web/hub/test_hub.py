"""The hub against a real Valkey: what it does when messages were lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.delivery import keys
from app.delivery.publisher import Publisher
from app.domain import cursor as cursors
from app.domain.deployment import Deployment
from app.errors import Unreachable
from app.events import EpochBegun
from tests.support.chat import until
from tests.web.support.scene import Recorder, Scene
from web.hub.event import EventBatch
from web.hub.housekeeping import drop_idle_users
from web.server.poll_subscriber import PollSubscriber


async def test_a_gap_is_filled_before_what_comes_after_it(scene: Scene) -> None:
    await scene.lose(scene.a)
    await scene.say(scene.a)
    await scene.has((scene.a, 2), (scene.a, 3))
    gaps = scene.hub.metrics.gaps
    assert (gaps.value("repaired"), gaps.value("lost")) == (1, 0)


async def test_what_was_missed_comes_before_what_is_live(scene: Scene) -> None:
    """Else the cursor would pass by what was missed."""
    scene.hub.subscription.reconnect()
    await scene.say(scene.a)

    async def back() -> bool:
        return scene.hub.subscription.connected

    await until(back)
    await scene.say(scene.b)
    await scene.has((scene.a, 2), (scene.b, 2))
    assert scene.hub.metrics.reconnects.value() == 1


async def test_what_the_window_lacks_is_reset(scene: Scene) -> None:
    await scene.lose(scene.a)
    await scene.redis.delete(keys.log(scene.partition, scene.a))
    await scene.say(scene.a)
    await scene.has((scene.a, 3))
    assert scene.reader.resets == [scene.a]
    metrics = scene.hub.metrics
    assert (metrics.gaps.value("repaired"), metrics.gaps.value("lost")) == (0, 1)
    assert metrics.resets.value() == 1


async def test_who_waits_for_a_mark_goes_on_though_what_it_tells_of_is_looked_up_in_vain(
    scene: Scene,
) -> None:
    await scene.lose(scene.a)
    window, aside = keys.log(scene.partition, scene.a), "aside"
    await scene.redis.rename(window, aside)
    await scene.redis.set(window, "no window")
    waiting = asyncio.create_task(scene.hub.markers.sync([scene.hub.registry.rooms[scene.a]]))

    async def failed() -> bool:
        return scene.hub.subscription.count > 1

    await until(failed)
    await scene.redis.rename(aside, window)
    await asyncio.wait_for(waiting, 30)
    await scene.has((scene.a, 2))


async def test_the_cursor_stands_on_what_was_delivered(scene: Scene) -> None:
    for _ in range(3):
        await scene.say(scene.a)
    await scene.has((scene.a, 2), (scene.a, 3), (scene.a, 4))
    assert scene.hub.state.frontier[scene.partition] == 5


async def test_a_room_that_nobody_reads_is_given_up(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.hub.housekeeping.LINGER", 0.01)
    scene.hub.spawn(drop_idle_users(scene.hub))
    scene.hub.registry.detach(scene.reader)

    async def left() -> bool:
        listening = await scene.redis.pubsub_numsub(keys.channel(scene.partition, scene.a))
        return not scene.hub.registry.rooms and listening[0][1] == 0

    await until(left)


async def test_who_is_removed_hears_of_it_and_of_nothing_after(scene: Scene) -> None:
    await scene.remove(scene.a, "ann")
    await scene.say(scene.a)
    await scene.say(scene.b)
    await scene.has((scene.a, 2), (scene.b, 2))


async def test_a_state_passes_without_moving_the_cursor(scene: Scene) -> None:
    before = scene.hub.state.cursor()
    channel = keys.channel(scene.partition, scene.a)
    await scene.redis.publish(channel, b'- {"kind":"typing"}')

    async def told() -> bool:
        return scene.reader.told == [b'{"kind":"typing"}']

    await until(told)
    assert scene.hub.state.cursor() == before


class Failing(Recorder):
    """A reader whose connection can't be written to."""

    def deliver(self, batch: EventBatch) -> None:
        raise RuntimeError("the transport is closed")

    def end(self, code: str, reason: str) -> None:
        self.resets.append(code)


async def test_a_reader_that_fails_is_ended_and_stops_nobody(scene: Scene) -> None:
    failing = Failing(scene.hub.registry.user("ann"))
    await scene.admission.admit(failing, None)
    await scene.say(scene.a)
    await scene.has((scene.a, 2))
    await scene.say(scene.a)
    await scene.has((scene.a, 2), (scene.a, 3))
    assert failing.resets == ["internal", "internal"]


async def test_a_poll_whose_answer_fails_stops_nobody(scene: Scene) -> None:
    def broken(_: EventBatch) -> None:
        raise RuntimeError("the transport is closed")

    hub = scene.hub
    poll = PollSubscriber(hub.registry.user("ann"), broken, lambda _: None, hub.state.cursor)
    await scene.admission.admit(poll, None)
    poll.ask(hub.state.cursor(), 100)
    scene.reader.user.subscribers.reverse()  # the poll's turn comes first
    scene.reader.user.changed()
    await scene.say(scene.a)
    await scene.has((scene.a, 2))


async def test_a_message_that_nobody_can_read_costs_no_event(scene: Scene) -> None:
    channel = keys.channel(scene.partition, scene.a)
    await scene.redis.publish(channel, b"nonsense")
    await scene.say(scene.a)
    await scene.has((scene.a, 2))


async def test_memory_answers_no_cursor_from_before_somebody_was_followed_here(
    scene: Scene,
) -> None:
    """While nobody followed the room, its events went past this edge."""
    hub, admission = scene.hub, scene.admission
    cursor = hub.state.cursor()
    hub.registry.detach(scene.reader)
    hub.state.drop([scene.reader.user])
    await scene.say(scene.a)
    await admission.admit(Recorder(hub.registry.user("ann")), None)
    await scene.say(scene.b)
    person = hub.registry.user("ann")
    assert hub.state.missed(person, hub.state.cursor()) == []
    assert hub.state.missed(person, cursor) is None
    scene.reader = Recorder(person)
    await admission.admit(scene.reader, hub.state.decode(cursor))
    await scene.has((scene.a, 2), (scene.b, 2))


async def test_an_edge_that_is_behind_a_cursor_gives_nothing_twice(scene: Scene) -> None:
    """The reader had the event before; here it arrives while the reader is let in."""
    hub = scene.hub
    ahead = list(hub.state.frontier)
    ahead[scene.partition] += 1
    scene.reader = Recorder(hub.registry.user("ann"))
    cursor = cursors.Cursor(hub.state.deployment.digest(), tuple(ahead))
    admitting = asyncio.create_task(scene.admission.admit(scene.reader, cursor))
    await scene.say(scene.a)
    await admitting
    await scene.say(scene.b)
    await scene.has((scene.b, 2))


async def test_somebody_can_be_sent_away_with_a_reason(scene: Scene) -> None:
    failing = Failing(scene.hub.registry.user("ann"))
    await scene.admission.admit(failing, None)
    scene.hub.registry.detach(scene.reader)
    scene.hub.state.dismiss("ann", "banned", "You are banned.")
    assert failing.resets == ["banned"]


async def test_marks_that_cannot_be_asked_for_are_not_asked_for_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While Valkey is away one is wanted every few seconds, for hours."""
    marks, rooms = scene.hub.markers, list(scene.hub.registry.rooms.values())
    stock, asked = scene.hub.lookups.mark, 0

    async def away(*_: object) -> None:
        raise Unreachable("away")

    async def counting(*given: Any) -> None:
        nonlocal asked
        asked += 1
        await stock(*given)

    monkeypatch.setattr(scene.hub.lookups, "mark", away)
    for _ in range(5):
        with pytest.raises(Unreachable):
            await marks.sync(rooms)
    monkeypatch.setattr(scene.hub.lookups, "mark", counting)
    await marks.request_again()
    assert asked == 0
    assert await marks.sync(rooms)
    assert asked == 1


async def test_an_edge_goes_on_in_an_epoch_that_begins_behind_all_that_it_has_delivered(
    scene: Scene,
) -> None:
    await scene.say(scene.a)
    await scene.has((scene.a, 2))
    state = scene.hub.state
    before = state.decode(state.cursor())
    start = state.frontier[scene.partition]

    def begun(at: int) -> Deployment:
        epoch = EpochBegun(partition=scene.partition, epoch=1, start=at, at_ms=1, why="over")
        return state.deployment._replace(epochs=(epoch,))

    assert not state.adopt(begun(start - 1))
    assert state.decode(state.cursor()) == before
    assert state.adopt(begun(start))
    after = state.decode(state.cursor())
    assert after.nexts == before.nexts
    assert after.digest != before.digest
    # A reader from before loses nothing by it.
    resumed = state.deployment.resumed(before)
    assert resumed is not None
    assert resumed == (before.nexts, frozenset())


async def test_no_event_of_an_epoch_is_delivered_before_the_edge_knows_of_it(scene: Scene) -> None:
    await scene.say(scene.a)
    await scene.has((scene.a, 2))
    await Publisher(scene.redis, 100).begin_epoch(scene.partition, 1, 4)
    channel = keys.channel(scene.partition, scene.a)
    await scene.redis.publish(channel, b'2 3 {"kind":"room.changed","room":"a"}')
    assert not await scene.hub.hears()
    await scene.has((scene.a, 2))
    state = scene.hub.state
    epoch = EpochBegun(partition=scene.partition, epoch=1, start=50, at_ms=1, why="over")
    assert state.adopt(state.deployment._replace(epochs=(epoch,)))
    await until(scene.hub.hears)
