"""Polls that follow each other on a connection: in C and in Python, on both kinds of loops."""

from __future__ import annotations

import asyncio
import random
import socket
from array import array
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
import uvloop

from app.embedded.valkey import Valkey
from app.rules.sanctions import Sanction
from app.settings import Settings
from tests.web.polling import PATIENCE, PEOPLE, ROOMS, Door, Poller, door, until
from web.native import built

NATIVE = built("_seats")

POLLERS, BURSTS = 24, 60

Try = Callable[[Callable[[Door], Awaitable[None]]], Awaitable[None]]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> Callable[[], asyncio.AbstractEventLoop]:
    found: Callable[[], asyncio.AbstractEventLoop] = request.param
    return found


@pytest.fixture(params=["C", "Python"])
def served(
    request: pytest.FixtureRequest,
    loop: Callable[[], asyncio.AbstractEventLoop],
    settings: Settings,
    apart: Valkey,
) -> Try:
    """Runs a test against a door of its own, in a loop of its own."""
    native = NATIVE if request.param == "C" else None
    if native is None and request.param == "C":
        pytest.skip("set up without a C compiler")

    async def attempt(test: Callable[[Door], Awaitable[None]]) -> None:
        async with door(replace(settings, redis=apart.url), native) as opened:
            await test(opened)

    async def apart_from_here(test: Callable[[Door], Awaitable[None]]) -> None:
        def run() -> None:
            with asyncio.Runner(loop_factory=loop) as runner:
                runner.run(attempt(test))

        await asyncio.to_thread(run)

    return apart_from_here


# ── whatever happens, nothing is missing, doubled or out of order ────────────────────────────────


async def plainly(poller: Poller) -> None:
    poller.send()
    await poller.answer()


async def in_pieces(poller: Poller) -> None:
    whole = poller.request()
    while whole:
        size = random.choice([1, 1, 3, 50, 300])
        poller.send(whole[:size])
        whole = whole[size:]
        await asyncio.sleep(0)
    await poller.answer()


async def two_at_once(poller: Poller) -> None:
    cursor = poller.cursor
    poller.send(poller.request() + poller.request(timeout=0))
    await poller.answer(cursor)
    await poller.answer(cursor)


async def from_an_older_cursor(poller: Poller) -> None:
    cursor = random.choice(list(poller.had)[-5:])
    poller.send(poller.request(cursor, timeout=0))
    await poller.answer(cursor)


async def again_from_where_it_was(poller: Poller) -> None:
    """The answer got lost, for all that the edge knows."""
    cursor = poller.cursor
    poller.send()
    await poller.answer(cursor)
    poller.send(poller.request(cursor))
    await poller.answer(cursor)


async def with_another_token(poller: Poller) -> None:
    poller.user = random.choice(PEOPLE)
    poller.token = poller.door.token(poller.user, random.randint(1000, 2000))
    await plainly(poller)


async def after_another_request(poller: Poller) -> None:
    poller.send(b"GET /nothing HTTP/1.1\r\nHost: e\r\n\r\n" + poller.request())
    head, _ = await poller.reply()
    assert head.startswith("HTTP/1.1 404")
    await poller.answer()


async def after_breaking_off(poller: Poller) -> None:
    poller.send(random.choice([poller.request(), poller.request()[:-7], b"\r\n"]))
    await asyncio.sleep(random.choice([0, 0.002]))
    poller.writer.close()
    await poller.connect()
    await plainly(poller)


WAYS = (
    *((plainly,) * 24),
    *(in_pieces, two_at_once, from_an_older_cursor, again_from_where_it_was),
    *(with_another_token, after_another_request, after_breaking_off),
)


async def polls_on(poller: Poller, last: dict[str, int]) -> None:
    """Poll, in all ways, until all is there that is said; it has been seen to be exact."""
    while not last or any(poller.had[poller.cursor][room] < last[room] for room in last):
        await random.choice(WAYS)(poller)


async def everybody_polls(door: Door) -> None:
    last: dict[str, int] = {}
    seated = 0
    async with AsyncExitStack() as stack:
        pollers = [
            Poller(door, PEOPLE[i % len(PEOPLE)], limit=random.choice([1, 2, 100, 100, 100]))
            for i in range(POLLERS)
        ]
        polling = [
            asyncio.create_task(polls_on(await stack.enter_async_context(one), last))
            for one in pollers
        ]
        for number in range(BURSTS):
            await door.say(*random.choices((*ROOMS, "other"), k=random.choice([1, 1, 1, 2, 5])))
            await asyncio.sleep(random.choice([0, 0.001, 0.01, 0.02]))
            seated = max(seated, door.seated)
            if number % 20 == 19:
                door.hub.tell(door.hub.roster.rooms["a"].audience().everyone, b'{"kind":"typing"}')
        last.update(door.said())
        async with asyncio.timeout(2 * PATIENCE):
            while not all(task.done() for task in polling):
                # Who has all waits for more before it looks whether that is the end.
                await door.say("a")
                await asyncio.wait(polling, timeout=0.3)
            await asyncio.gather(*polling)
    assert seated or door.entrance.seats is None
    await until(lambda: not any(one.readers for one in door.hub.roster.people.values()))
    assert not door.seated


async def test_however_they_poll_nothing_is_missing_doubled_or_out_of_order(served: Try) -> None:
    await served(everybody_polls)


# ── what else happens while a poll waits ─────────────────────────────────────────────────────────


def waiting(
    test: Callable[[Door, Poller], Awaitable[None]], **query: int
) -> Callable[[Door], Awaitable[None]]:
    """A test of one connection whose poll waits where it is served in C, if anything is."""

    async def attempt(door: Door) -> None:
        async with Poller(door, "ann", **query) as poller:
            await poller.sit()
            assert door.seated == (0 if door.entrance.seats is None else 1)
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
    person = door.hub.roster.people["ann"]
    await until(lambda: not person.readers and not door.entrance.fronts)
    assert not door.seated
    await door.say("a")
    await poller.connect()
    poller.send()
    assert len(await poller.answer()) == 1


async def test_a_client_that_goes_while_it_waits_is_forgotten(served: Try) -> None:
    await served(waiting(client_goes))


async def edge_stops(door: Door, poller: Poller) -> None:
    await door.entrance.drain()
    head, answer = await poller.reply()
    assert "connection: close" in head.lower()
    assert answer["events"] == []
    assert await poller.reader.read() == b""


async def test_an_edge_that_stops_answers_who_waits_and_closes(served: Try) -> None:
    await served(waiting(edge_stops))


async def somebody_types(door: Door, poller: Poller) -> None:
    door.hub.tell(door.hub.roster.rooms["a"].audience().everyone, b'{"kind":"typing"}')
    _, answer = await poller.reply()
    assert answer["events"] == [{"kind": "typing"}]
    await goes_on(door, poller)


async def test_a_state_that_passes_is_told_to_who_waits(served: Try) -> None:
    await served(waiting(somebody_types))


async def room_is_joined(door: Door, poller: Poller) -> None:
    rooms, person = door.hub.roster.rooms, door.hub.roster.people["ann"]
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
    door.entrance.auth.recheck()
    await door.say("a")
    assert len(await poller.answer()) == 1
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


# ── the part in C by itself ──────────────────────────────────────────────────────────────────────

BEFORE, AFTER = b"GET /v1/events?cursor=", b" HTTP/1.1\r\n\r\n"


@pytest.mark.skipif(NATIVE is None, reason="set up without a C compiler")
class TestSeats:
    """One seat; the client's socket is `there`."""

    @pytest.fixture(autouse=True)
    def seat(self) -> Iterator[None]:
        assert NATIVE is not None
        self.seats = NATIVE.Seats()
        here, self.there = socket.socketpair()
        with here, self.there:
            self.here = here
            #: It waits until 10, is asked again within 5 s, and known until 100.
            self.number = self.seats.sit(here.fileno(), BEFORE, AFTER, 3, 5.0, 100.0, 1, 10.0)
            yield

    def ask(self, cursor: bytes) -> bytes:
        self.there.send(BEFORE + cursor + AFTER)
        return BEFORE + cursor + AFTER

    def answered(self) -> bool:
        numbers = array("i", [self.number])
        assert self.seats.answer(numbers, b"answer", 3, 20.0) == []
        return bool(self.there.recv(99) == b"answer")

    def test_a_request_of_now_waits_and_is_answered_once(self) -> None:
        assert self.answered()
        assert not self.seats.asked(self.number)
        assert self.seats.answer(array("i", [self.number]), b"more", 1, 20.0) == []
        self.ask(b"two")
        assert self.seats.take(30.0, 0.0, 1, ["one", "two"]) == (1, [], [])
        assert self.seats.asked(self.number)
        assert self.seats.deadline(self.number) == 35.0
        assert self.answered()

    @pytest.mark.parametrize(
        ("wall", "era", "behind"), [(99.0, 1, True), (100.0, 1, False), (99.0, 2, False)]
    )
    def test_an_older_cursor_is_told_and_who_is_no_longer_known_is_another_matter(
        self, wall: float, era: int, behind: bool
    ) -> None:
        assert self.answered()
        request = self.ask(b"one")
        told = (0, [(self.number, "one")], []) if behind else (0, [], [self.number])
        assert self.seats.take(30.0, wall, era, ["two"]) == told
        self.there.send(b"ahead")
        assert self.seats.take(30.0, wall, era, ["one"]) == (0, [], [])
        assert self.seats.rise(self.number) == (False, 20.0, request)
        assert self.here.recv(99) == b"ahead"

    @pytest.mark.parametrize("sent", [BEFORE, AFTER, b"G", BEFORE + AFTER, b"x" * 40_000])
    def test_anything_else_is_left_to_python_whole(self, sent: bytes) -> None:
        assert self.answered()
        self.there.sendall(sent)
        assert self.seats.take(0.0, 0.0, 1, ["one"]) == (0, [], [self.number])
        asked, _, unread = self.seats.rise(self.number)
        self.there.shutdown(socket.SHUT_WR)
        while more := self.here.recv(99_999):
            unread += more
        assert (asked, unread) == (False, sent)

    def test_bytes_that_come_while_it_waits_and_its_end_are_told(self) -> None:
        request = self.ask(b"one")
        assert self.seats.take(0.0, 0.0, 1, ["one"]) == (0, [], [self.number])
        assert self.answered()
        assert self.seats.rise(self.number) == (False, 20.0, request)
        number = self.seats.sit(self.here.fileno(), BEFORE, AFTER, 3, 5.0, 100.0, 1, 10.0)
        self.there.close()
        assert self.seats.take(0.0, 0.0, 1, ["one"]) == (0, [], [number])
        assert self.seats.rise(number) == (True, 10.0, b"")

    def test_a_request_that_ends_the_connection_is_not_kept_waiting(self) -> None:
        assert self.answered()
        self.ask(b"one")
        self.there.shutdown(socket.SHUT_WR)
        assert self.seats.take(0.0, 0.0, 1, ["one"]) == (0, [], [self.number])

    def test_what_is_not_sent_whole_or_has_too_many_events_is_handed_back(self) -> None:
        numbers = array("i", [self.number, 7, -1, 1 << 20])
        assert self.seats.answer(numbers, b"answer", 4, 20.0) == [(self.number, -1)]
        assert self.seats.asked(self.number)
        ((number, taken),) = self.seats.answer(numbers, b"x" * (16 << 20), 3, 20.0)
        assert number == self.number
        assert 0 < taken < 16 << 20

    def test_nobody_is_where_nobody_sits(self) -> None:
        self.seats.rise(self.number)
        for ask in (self.seats.rise, self.seats.asked, self.seats.deadline):
            with pytest.raises(IndexError):
                ask(self.number)
        others = [socket.socketpair() for _ in range(200)]
        taken = [
            self.seats.sit(one.fileno(), BEFORE, AFTER, 3, 5.0, 100.0, 1, 10.0) for one, _ in others
        ]
        assert sorted(taken) == list(range(200))
        for pair in others:
            for one in pair:
                one.close()
