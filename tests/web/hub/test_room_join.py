"""A user who joins a room gets it from the event of joining on, or must reconnect."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.delivery import keys
from app.errors import Unreachable
from tests.support.chat import until
from tests.web.support.scene import Scene
from web.server.poll_subscriber import PollSubscriber


class Ends:
    """Writes down why the scene's reader is sent away."""

    def __init__(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        self.codes: list[str] = []
        monkeypatch.setattr(scene.reader, "end", lambda code, _: self.codes.append(code))

    async def came(self, code: str) -> None:
        async def ended() -> bool:
            return self.codes == [code]

        await until(ended)


async def test_an_event_that_comes_as_the_connection_is_lost_during_a_joining_is_not_missed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes after the room was read, and before the mark that tells where the room stands."""
    hub, room, stock = scene.hub, scene.other(), scene.hub.lookups.mark
    lost = asyncio.Event()

    async def mark(partition: int, rooms: list[str], edge: str, token: int) -> None:
        if room in rooms and not lost.is_set():
            lost.set()
            hub.subscription.reconnect()
            await scene.say(room)
        await stock(partition, rooms, edge, token)

    monkeypatch.setattr(hub.lookups, "mark", mark)
    await scene.say(room)
    await scene.has((room, 1), (room, 2))
    await scene.say(room)
    await scene.has((room, 1), (room, 2), (room, 3))


async def test_a_joining_that_is_found_late_says_what_the_window_lacks(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, room, stock = scene.hub, scene.other(), scene.hub.view.joined

    async def joined(name: str, user: str) -> int | None:
        await scene.say(room)
        await scene.redis.hdel(keys.log(scene.partition, room), "1")
        return await stock(name, user)

    monkeypatch.setattr(hub.view, "joined", joined)
    await scene.say(room)
    await scene.has((room, 2))
    assert scene.reader.resets == [room]


@pytest.mark.parametrize(
    ("error", "code"), [(Unreachable("away"), "unavailable"), (KeyError("a bug"), "internal")]
)
async def test_a_joining_that_fails_sends_away_and_holds_nobody(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    ends = Ends(scene, monkeypatch)

    async def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(scene.hub.view, "joined", fail)
    await scene.say(scene.other())
    await ends.came(code)
    assert not scene.reader.held


async def test_who_polls_on_after_a_joining_that_failed_is_answered(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admission = scene.hub, scene.admission
    answers: list[object] = []
    user = hub.registry.user("ann")
    poll = PollSubscriber(user, answers.append, answers.append, hub.state.cursor)
    await admission.admit(poll, None)
    ends = Ends(scene, monkeypatch)

    async def away(*_: Any) -> None:
        raise Unreachable("away")

    monkeypatch.setattr(hub.view, "joined", away)
    await scene.say(scene.other())
    await ends.came("unavailable")
    cursor = hub.state.cursor()
    assert hub.state.missed(poll.user, cursor) is None, "a room is missing"
    poll.ask(cursor, 100)
    hub.state.hold(poll)
    await admission.admit(poll, hub.state.decode(cursor))
    assert not poll.held
    await scene.say(scene.a)

    async def answered() -> bool:
        return bool(answers)

    await until(answered)
