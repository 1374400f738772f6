"""A user who leaves a room gets none of its events any more, in every race."""

from __future__ import annotations

from typing import Any

import pytest

from app.delivery import keys
from app.events import MemberAdded, SanctionSet
from tests.support.chat import until
from tests.web.support.scene import Recorder, Scene


def banned(scene: Scene, room: str, user: str) -> SanctionSet:
    return SanctionSet(
        room=room, n=scene.next(room), by="zoe", at_ms=1, id="i", client_id="c", user=user,
        sanction="ban",
    )  # fmt: skip


def added(scene: Scene, room: str, user: str) -> MemberAdded:
    return MemberAdded(
        room=room, n=scene.next(room), by="zoe", at_ms=1, id="i", client_id="c", user=user,
        role="member",
    )  # fmt: skip


async def heard_all(scene: Scene) -> None:
    """Return when whatever was published before has come to the edge."""
    await scene.hub.markers.sync([], range(len(scene.hub.state.frontier)))
    scene.hub.state.flush()


async def come_anew(scene: Scene, cursor: str = "") -> None:
    """The person is no longer known here, and comes, with a cursor perhaps."""
    scene.hub.registry.detach(scene.reader)
    scene.hub.state.drop([scene.reader.user])
    scene.reader = Recorder(scene.hub.registry.user("ann"))
    await scene.admission.admit(scene.reader, scene.admission.decoded(cursor))


def after(monkeypatch: pytest.MonkeyPatch, where: object, name: str, work: Any) -> None:
    """Have something happen each time a look at Valkey has its answer, and nobody knows it yet."""
    stock = getattr(where, name)

    async def late(*given: Any) -> Any:
        found = await stock(*given)
        await work()
        return found

    monkeypatch.setattr(where, name, late)


@pytest.mark.parametrize("banning", [False, True])
async def test_who_is_removed_while_their_rooms_are_looked_up_does_not_hear_them(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, banning: bool
) -> None:
    async def remove() -> None:
        if banning:
            await scene.publish(banned(scene, scene.a, "ann"))
        else:
            await scene.remove(scene.a, "ann")

    after(monkeypatch, scene.hub.lookups, "rooms_of_all", remove)
    await come_anew(scene)
    await scene.say(scene.a)
    await scene.say(scene.b)
    await scene.has((scene.b, 2))
    assert scene.reader.user.room_names() == [scene.b]


async def test_who_has_come_back_meanwhile_hears_the_room(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def remove_and_add() -> None:
        await scene.remove(scene.a, "ann")
        await scene.publish(added(scene, scene.a, "ann"))

    after(monkeypatch, scene.hub.lookups, "rooms_of_all", remove_and_add)
    await come_anew(scene)
    await scene.say(scene.a)
    await scene.has((scene.a, 3), (scene.a, 4))


async def test_who_is_removed_beyond_the_window_while_the_edge_is_cut_off_hears_nothing_more(
    scene: Scene,
) -> None:
    hub = scene.hub
    before = hub.subscription.count
    hub.subscription.reconnect()
    await scene.say(scene.a)
    await scene.remove(scene.a, "ann")
    await scene.say(scene.a)
    await scene.redis.hdel(keys.log(scene.partition, scene.a), "2", "3")

    async def back() -> bool:
        return hub.subscription.connected and hub.subscription.count > before

    await until(back)
    await scene.say(scene.a)
    await scene.say(scene.b)
    await scene.has((scene.b, 2))
    assert scene.reader.resets == [scene.a], "there is no event to tell it by"


async def test_who_is_removed_beyond_the_window_while_they_come_does_not_get_what_waited(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks when their rooms are known, and they are not yet admitted."""
    hub = scene.hub
    await scene.publish(added(scene, scene.a, "ben"))
    ben = Recorder(hub.registry.user("ben"))
    await scene.admission.admit(ben, None)
    stock, cut = hub.markers.sync, False

    async def sync(*given: Any) -> bool:
        nonlocal cut
        if not cut and not scene.reader.user.settled:
            cut = True
            before = hub.subscription.count
            hub.subscription.reconnect()
            await scene.say(scene.a)
            await scene.remove(scene.a, "ann")
            await scene.say(scene.a)
            await scene.redis.hdel(keys.log(scene.partition, scene.a), "3", "4")

            async def back() -> bool:
                return hub.subscription.count > before and (scene.a, 5) in ben.got

            await until(back)
        return await stock(*given)

    monkeypatch.setattr(hub.markers, "sync", sync)
    await come_anew(scene, hub.state.cursor())
    await scene.say(scene.a)
    await scene.say(scene.b)
    await scene.has((scene.b, 2))
    assert scene.reader.user.room_names() == [scene.b]
    assert ben.got == [(scene.a, 5), (scene.a, 6)]
    assert ben.resets == [scene.a]


async def test_who_is_removed_while_the_edge_is_cut_off_hears_it_and_nothing_after(
    scene: Scene,
) -> None:
    scene.hub.subscription.reconnect()
    await scene.say(scene.a)
    await scene.remove(scene.a, "ann")
    await scene.say(scene.a)
    await scene.publish(added(scene, scene.a, "ann"))
    await scene.say(scene.b)
    await scene.has(*((scene.a, n) for n in (2, 3)), (scene.b, 2), (scene.a, 5))
    assert not scene.reader.resets


async def test_who_left_by_an_event_that_is_lost_for_good_hears_nothing_more(scene: Scene) -> None:
    left = scene.next(scene.a)
    lost = {"n": left, "offset": len(scene.log)}
    await scene.redis.hset(keys.room(scene.partition, scene.a), mapping=lost)
    await scene.redis.set(keys.position(scene.partition), scene.skip())
    await scene.redis.hset(keys.rooms_of("ann"), scene.a, f"-{left}")
    await scene.say(scene.a)
    await scene.say(scene.a)
    await scene.say(scene.b)
    await scene.has((scene.b, 2))
    assert scene.reader.resets == [scene.a]


async def test_who_leaves_before_a_room_that_they_joined_is_read_hears_up_to_that(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, stock = scene.other(), scene.hub.view.room

    async def head(name: str) -> Any:
        await scene.remove(room, "ann")
        await scene.say(room)
        return await stock(name)

    monkeypatch.setattr(scene.hub.view, "room", head)
    await scene.say(room)
    await scene.has((room, 1), (room, 2))
    await scene.say(scene.b)
    await scene.has((room, 1), (room, 2), (scene.b, 2))


async def test_who_leaves_while_it_is_asked_whether_they_have_joined_hears_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = scene.other()

    async def remove() -> None:
        await scene.remove(room, "ann")
        await scene.say(room)
        await heard_all(scene)

    after(monkeypatch, scene.hub.view, "joined", remove)
    await scene.say(room)
    await heard_all(scene)
    await scene.say(scene.b)
    await scene.has((scene.b, 2))


async def test_what_a_held_reader_was_yet_to_get_of_a_room_that_is_left_it_gets(
    scene: Scene,
) -> None:
    scene.hub.state.hold(scene.reader)
    await scene.say(scene.a)
    await scene.remove(scene.a, "ann")
    await scene.say(scene.a)
    await heard_all(scene)
    assert scene.a not in scene.hub.registry.rooms
    scene.hub.state.release(scene.reader)
    await scene.has((scene.a, 2), (scene.a, 3))


async def test_a_room_whose_last_reader_leaves_it_is_given_up(scene: Scene) -> None:
    await scene.remove(scene.a, "ann")
    channel = keys.channel(scene.partition, scene.a)

    async def given_up() -> bool:
        listening = await scene.redis.pubsub_numsub(channel)
        return scene.a not in scene.hub.registry.rooms and listening[0][1] == 0

    await until(given_up)
    await scene.say(scene.b)
    await scene.has((scene.a, 2), (scene.b, 2))
