"""Admission while the view is whole, is being refilled, or is of another log."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest

from app.delivery import keys
from app.domain import cursor as cursors
from app.errors import Unreachable
from tests.delivery.conftest import entry, opened
from tests.support.chat import until
from tests.web.support.scene import Recorder, Scene
from web.hub.backfill import backfill


async def test_what_an_emptied_view_is_filled_with_again_is_no_reset(scene: Scene) -> None:
    await scene.lose(scene.a)
    await scene.redis.flushdb()
    await scene.hear(scene.a)

    async def back() -> bool:
        return scene.hub.subscription.count > 1 and scene.hub.subscription.connected

    await until(back)
    await scene.publisher.publish(scene.log)
    await scene.has((scene.a, 2), (scene.a, 3))
    assert not scene.reader.resets


async def test_who_comes_back_to_an_emptied_view_is_not_reset(scene: Scene) -> None:
    hub = scene.hub
    cursor = hub.state.decode(hub.state.cursor())
    await scene.say(scene.a)
    await scene.has((scene.a, 2))
    await scene.redis.flushdb()
    person = scene.reader.user
    with pytest.raises(Unreachable):
        await backfill(hub.view, person, cursor.nexts)
    await scene.publisher.publish(scene.log)
    items, lost = await backfill(hub.view, person, cursor.nexts)
    assert ([item.n for item in items], lost) == ([2], [])


@pytest.mark.parametrize("look", ["rooms_of_all", "mark"])
async def test_who_comes_while_the_view_is_emptied_gets_nothing_old(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, look: str
) -> None:
    """It is emptied just before the edge looks where they belong, or where their rooms stand."""
    hub = scene.hub
    await scene.say(scene.a)
    await scene.has((scene.a, 2))
    hub.registry.detach(scene.reader)
    hub.state.drop([scene.reader.user])
    stock, emptied = getattr(hub.lookups, look), asyncio.Event()

    async def emptying(*given: object) -> object:
        if not emptied.is_set():
            await scene.redis.flushdb()
            emptied.set()
        return await stock(*given)

    monkeypatch.setattr(hub.lookups, look, emptying)
    scene.reader = Recorder(hub.registry.user("ann"))
    admitting = asyncio.create_task(scene.admission.admit(scene.reader, None))
    await emptied.wait()
    await scene.fill()
    await admitting
    await scene.say(scene.b)
    await scene.say(scene.a)
    await scene.has((scene.b, 2), (scene.a, 3))


async def test_who_left_a_room_does_not_get_it_again_as_the_view_is_filled(scene: Scene) -> None:
    await scene.say(scene.a)
    await scene.remove(scene.a, "ann")
    await scene.has((scene.a, 2), (scene.a, 3))
    await scene.redis.flushdb()
    await scene.fill()
    await scene.say(scene.b)
    await scene.has((scene.a, 2), (scene.a, 3), (scene.b, 2))


async def test_a_reader_is_let_in_while_one_event_follows_the_other(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The edge hears of an event each time between a look at the view and the look at itself."""
    hub, read = scene.hub, scene.hub.lookups.positions

    async def overtaken(partitions: int) -> list[int]:
        positions = await read(partitions)
        seen = hub.state.frontier[scene.partition]
        await scene.say(scene.a)

        async def heard() -> bool:
            return hub.state.frontier[scene.partition] > seen

        await until(heard)
        return positions

    monkeypatch.setattr(hub.lookups, "positions", overtaken)
    await scene.admission.admit(Recorder(hub.registry.user("ann")), None)


def ahead(scene: Scene) -> cursors.Cursor:
    """The cursor of somebody who has seen an event more than there is."""
    nexts = list(scene.hub.state.frontier)
    nexts[scene.partition] += 1
    return cursors.Cursor(scene.hub.state.deployment.digest(), tuple(nexts))


async def test_who_has_seen_more_than_the_log_has_begins_anew(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`chat.log` was made anew in the same cluster; else they would be sent away for ever."""
    monkeypatch.setattr("web.hub.admission_batches.TIMEOUT", 0.3)
    scene.ends = list(scene.hub.state.frontier)
    scene.reader = Recorder(scene.hub.registry.user("ann"))
    await scene.admission.admit(scene.reader, ahead(scene))
    assert scene.reader.lost == sorted([scene.a, scene.b])
    await scene.say(scene.a)
    await scene.has((scene.a, 2))


@pytest.mark.parametrize("emptied", [True, False])
async def test_who_has_seen_what_the_view_is_yet_to_be_filled_with_comes_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, emptied: bool
) -> None:
    monkeypatch.setattr("web.hub.admission_batches.TIMEOUT", 0.3)
    if emptied:
        await scene.redis.flushdb()
        scene.ends = list(scene.hub.state.frontier)
    else:
        scene.ends = list(ahead(scene).nexts)
    with pytest.raises(Unreachable):
        await scene.admission.admit(Recorder(scene.hub.registry.user("ann")), ahead(scene))


async def test_a_cursor_with_another_number_of_partitions_begins_anew(scene: Scene) -> None:
    for nexts in ((0,), (*scene.hub.state.frontier, 0)):
        reader = Recorder(scene.hub.registry.user("ann"))
        await scene.admission.admit(
            reader, cursors.Cursor(scene.hub.state.deployment.digest(), nexts)
        )
        assert reader.lost == sorted([scene.a, scene.b])


def elsewhere(scene: Scene) -> str:
    """A room of another partition than the scene's."""
    names = (f"elsewhere{i}" for i in count())
    return next(name for name in names if scene.hub.view.partition(name) != scene.partition)


async def refill_begins(scene: Scene, partition: int) -> bytes:
    """Of the partition only the memberships are restored so far."""
    await scene.publisher.lost(partition)
    token = await scene.publisher.filling(partition)
    assert await scene.publisher.note_memberships(partition, token)
    return token


async def test_a_partition_that_is_refilled_holds_up_the_users_of_its_rooms_alone(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.hub.admission_batches.TIMEOUT", 0.3)
    registry = scene.hub.registry
    room = elsewhere(scene)
    place = scene.hub.view.partition(room)
    await scene.publisher.publish([entry(place, 0, opened(room, "cat"))])
    token = await refill_begins(scene, place)
    await scene.admission.admit(Recorder(registry.user("ann")), None)
    scene.reader = Recorder(registry.user("ann"))
    cursor = scene.hub.state.decode(scene.hub.state.cursor())
    await scene.say(scene.a)
    await scene.admission.admit(scene.reader, cursor)
    with pytest.raises(Unreachable):
        await scene.admission.admit(Recorder(registry.user("cat")), None)
    assert await scene.publisher.note_whole(place, 1, token)
    await scene.admission.admit(Recorder(registry.user("cat")), None)


async def test_nobody_is_let_in_before_the_memberships_are_back(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user may have rooms in that partition, and would get them as new ones."""
    monkeypatch.setattr("web.hub.admission_batches.TIMEOUT", 0.3)
    place = scene.hub.view.partition(elsewhere(scene))
    await scene.publisher.lost(place)
    with pytest.raises(Unreachable):
        await scene.admission.admit(Recorder(scene.hub.registry.user("ann")), None)


async def test_an_edge_that_connects_again_meanwhile_keeps_the_rooms_that_are_refilled(
    scene: Scene,
) -> None:
    room = elsewhere(scene)
    place = scene.hub.view.partition(room)
    await scene.publisher.publish([entry(place, 0, opened(room, "cat"))])
    cat = Recorder(scene.hub.registry.user("cat"))
    await scene.admission.admit(cat, None)
    await refill_begins(scene, place)
    await scene.redis.delete(keys.members(place, room))
    scene.hub.reconnect()

    async def back() -> bool:
        return scene.hub.subscription.count > 1 and scene.hub.subscription.connected

    await until(back)
    await scene.say(scene.a)
    await scene.has((scene.a, 2))
    assert not cat.resets
    assert [one.name for one in cat.user.rooms] == [room]
