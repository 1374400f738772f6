"""However clients poll, each answer goes on exactly where its cursor stands."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack

from tests.web.conftest import Try
from tests.web.support.polling import PATIENCE, PEOPLE, ROOMS, Door, Poller, until

POLLERS, BURSTS = 24, 60


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
                room = door.hub.registry.rooms["a"]
                door.hub.state.tell(room.audience().subscribers, b'{"kind":"typing"}')
        last.update(door.said())
        async with asyncio.timeout(2 * PATIENCE):
            while not all(task.done() for task in polling):
                # A poller that has all waits for more before it looks whether that is the end.
                await door.say("a")
                await asyncio.wait(polling, timeout=0.3)
            await asyncio.gather(*polling)
    assert seated or door.context.native_polls is None
    await until(lambda: not any(one.subscribers for one in door.hub.registry.users.values()))
    assert not door.seated


async def test_however_they_poll_nothing_is_missing_doubled_or_out_of_order(served: Try) -> None:
    await served(everybody_polls)
