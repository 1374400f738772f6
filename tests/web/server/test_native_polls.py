"""What may happen to a poll that waits: in C and in Python, on both kinds of loops."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable

from app.domain.sanctions import Sanction
from tests.web.conftest import Try
from tests.web.support.polling import Door, Poller, until
from web.auth.jwt_rules import LEEWAY
from web.server.connection import ClientConnection


def waiting(
    test: Callable[[Door, Poller], Awaitable[None]], **query: int
) -> Callable[[Door], Awaitable[None]]:
    """A test of one connection whose poll waits where it is served in C, if anything is."""

    async def attempt(door: Door) -> None:
        async with Poller(door, "ann", **query) as poller:
            await poller.sit()
            assert door.seated == (0 if door.context.native_polls is None else 1)
            await test(door, poller)

    return attempt


async def goes_on(door: Door, poller: Poller) -> None:
    """The connection is as good as it was."""
    for room in ("a", "b", "a"):
        poller.send()
        await poller.wait()
        await door.say(room)
        assert await poller.answer() == [(room, door.said()[room])]


async def nothing_comes(door: Door, poller: Poller) -> None:
    for _ in range(2):
        assert await poller.answer() == []
        await door.say("b")
        await door.heard()
        poller.send()
        assert await poller.answer() == [("b", door.said()["b"])]
        poller.send()


async def test_a_poll_whose_time_is_over_is_answered_and_asks_again(served: Try) -> None:
    await served(waiting(nothing_comes, timeout=1))


async def client_goes(door: Door, poller: Poller) -> None:
    poller.writer.close()
    person = door.hub.registry.users["ann"]
    await until(lambda: not person.subscribers and not door.manager.connections)
    assert not door.seated
    await door.say("a")
    await poller.connect()
    poller.send()
    assert len(await poller.answer()) == 1


async def test_a_client_that_goes_while_it_waits_is_forgotten(served: Try) -> None:
    await served(waiting(client_goes))


async def edge_stops(door: Door, poller: Poller) -> None:
    await door.manager.drain()
    head, answer = await poller.reply()
    assert "connection: close" in head.lower()
    assert answer["events"] == []
    assert await poller.reader.read() == b""


async def test_an_edge_that_stops_answers_who_waits_and_closes(served: Try) -> None:
    await served(waiting(edge_stops))


async def somebody_types(door: Door, poller: Poller) -> None:
    room = door.hub.registry.rooms["a"]
    door.hub.state.tell(room.audience().subscribers, b'{"kind":"typing"}')
    _, answer = await poller.reply()
    assert answer["events"] == [{"kind": "typing"}]
    await goes_on(door, poller)


async def test_a_state_that_passes_is_told_to_who_waits(served: Try) -> None:
    await served(waiting(somebody_types))


async def room_is_joined(door: Door, poller: Poller) -> None:
    rooms, person = door.hub.registry.rooms, door.hub.registry.users["ann"]
    for name in ("c", "d", "e"):
        await asyncio.gather(door.open(name), door.say("a"))
        lacking = {(name, 1), ("a", door.said()["a"])}
        while lacking:
            lacking -= set(await poller.answer())
            # Only when the room is joined does the next poll come.
            await until(lambda name=name: name in rooms and not person.joining)
            poller.send()
        await poller.wait()
        await door.say(name)
        assert await poller.answer() == [(name, 2)]
        poller.send()
        await poller.wait()


async def test_a_room_that_is_joined_while_a_poll_waits_is_heard_from_its_first_event(
    served: Try,
) -> None:
    await served(waiting(room_is_joined))


async def person_is_banned(door: Door, poller: Poller) -> None:
    door.bans["ann"] = Sanction(0, "ban")
    door.context.authenticator.recheck()
    assert await poller.answer() == []
    poller.send()
    head, problem = await poller.reply()
    assert (head.split()[1], problem["code"]) == ("403", "banned")


async def test_who_is_banned_meanwhile_is_served_no_further_poll(served: Try) -> None:
    await served(waiting(person_is_banned))


async def much_is_said(door: Door, poller: Poller) -> None:
    """More than the kernel takes at once."""
    for size in (2_000_000, 10, 3_000_000):
        await door.say("a", size=size)
        assert await poller.answer() == [("a", door.said()["a"])]
        poller.send()
        await poller.wait()


async def test_an_answer_that_the_kernel_does_not_take_at_once_arrives_whole(served: Try) -> None:
    await served(waiting(much_is_said))


async def too_many_come(door: Door, poller: Poller) -> None:
    await door.say(*"aabba")
    got = await poller.answer()
    while len(got) < 5:
        poller.send()
        some = await poller.answer()
        assert 1 <= len(some) <= 2
        got += some
    await goes_on(door, poller)


async def test_more_events_than_fit_come_with_the_polls_that_follow(served: Try) -> None:
    await served(waiting(too_many_come, limit=2))


async def all_kinds_come_and_go(door: Door) -> None:
    gc.collect()
    gc.disable()
    try:
        async with Poller(door, "ann") as polls, Poller(door, "ben") as asks:
            await polls.sit()
            asks.send(b"GET /nothing HTTP/1.1\r\nHost: e\r\n\r\n")
            await asks.reply()
            await asks.connect()
            asks.send(asks.request().replace(b"/events", b"/stream"))
            assert b"hello" in await asks.reader.readuntil(b"hello")
            await asks.connect()
            asks.send(asks.request()[:-5])
        await until(lambda: not any(type(one) is ClientConnection for one in gc.get_objects()))
    finally:
        gc.enable()


async def test_a_connection_that_has_gone_leaves_nothing_to_the_collector(served: Try) -> None:
    """It looks at what has grown old but once an hour (app/runtime/gc_tuning.py)."""
    await served(all_kinds_come_and_go)


async def token_expires(door: Door) -> None:
    token = door.token("ann", 1 - LEEWAY)
    async with Poller(door, "ann", token) as poller:
        await poller.sit()
        assert await poller.answer() == []
        poller.send()
        head, problem = await poller.reply()
        assert (head.split()[1], problem["code"]) == ("401", "token_expired")


async def test_a_poll_waits_no_longer_than_its_token_holds(served: Try) -> None:
    async with asyncio.timeout(20):
        await served(token_expires)


async def token_is_taken_back(door: Door, poller: Poller) -> None:
    door.revoked.before["ben"] = time.time() + 60
    door.context.authenticator.recheck()
    await goes_on_as_it_was(door, poller)
    door.revoked.before["ann"] = time.time() + 60
    door.context.authenticator.recheck()
    assert await poller.answer() == []
    poller.send()
    head, problem = await poller.reply()
    assert (head.split()[1], problem["code"]) == ("401", "token_revoked")


async def goes_on_as_it_was(door: Door, poller: Poller) -> None:
    """The poll waits on, and the next ones are taken."""
    await door.say("a")
    assert await poller.answer() == [("a", door.said()["a"])]
    poller.send()
    await poller.wait()


async def test_a_poll_whose_token_is_taken_back_is_answered_and_served_no_further(
    served: Try,
) -> None:
    async with asyncio.timeout(20):
        await served(waiting(token_is_taken_back))


async def ticket_expires(door: Door) -> None:
    ticket = door.ticket("ann", -LEEWAY + 5)
    async with Poller(door, "ann", ticket=ticket) as poller:
        await poller.sit()
        began = time.monotonic()
        # Its own timeout is 50 s.
        assert await poller.answer() == []
        assert time.monotonic() - began < 10
        poller.send()
        head, problem = await poller.reply()
        assert (head.split()[1], problem["code"]) == ("401", "token_expired")


async def test_the_life_of_a_ticket_ends_the_polls_on_an_open_connection(served: Try) -> None:
    async with asyncio.timeout(20):
        await served(ticket_expires)
