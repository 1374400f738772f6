"""A subscription reports every possible loss, and keeps the order while a message is awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable

import pytest
from redis import asyncio as aioredis

from app.delivery.subscription import Subscription
from tests.support.chat import until

A, B = b"a", b"b"


class Listening:
    """A subscription, and all that it gave out."""

    def __init__(self, redis: aioredis.Redis) -> None:
        self.got: list[bytes] = []
        self.backs = 0
        #: Data upon which the subscription has to wait for `free`.
        self.slow = b""
        self.begun = asyncio.Event()
        self.free = asyncio.Event()
        #: Data that can't be used.
        self.bad = b""
        self.subscription = Subscription(redis, self._on_message, self._on_back)

    def _on_message(self, _: bytes, data: bytes) -> Awaitable[None] | None:
        if data == self.bad:
            self.bad = b""
            raise ValueError(data)
        if data == self.slow:
            return self._wait(data)
        self.got.append(data)
        return None

    async def _wait(self, data: bytes) -> None:
        self.begun.set()
        await self.free.wait()
        self.got.append(data)

    async def _on_back(self) -> None:
        self.backs += 1

    async def gets(self, *data: bytes) -> None:
        await until(lambda: _async(len(self.got) >= len(data)), lambda: str(self.got))
        assert self.got == list(data)

    async def is_back(self, times: int) -> None:
        await until(lambda: _async(self.backs == times and self.subscription.connected))


async def _async(value: bool) -> bool:
    return value


@pytest.fixture
async def listening(redis: aioredis.Redis) -> AsyncIterator[Listening]:
    listening = Listening(redis)
    running = asyncio.create_task(listening.subscription.run())
    await listening.is_back(1)
    yield listening
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_is_published_after_subscribing_comes(
    redis: aioredis.Redis, listening: Listening
) -> None:
    await listening.subscription.add([A])
    await redis.publish(A, "1")
    await listening.gets(b"1")


async def test_who_asks_for_a_channel_that_is_on_its_way_waits_for_it_too(
    redis: aioredis.Redis, listening: Listening
) -> None:
    many = [b"channel-%d" % i for i in range(2000)]
    first = asyncio.create_task(listening.subscription.add(many))
    await asyncio.sleep(0)
    await listening.subscription.add(many[-1:])
    await redis.publish(many[-1], "1")
    await listening.gets(b"1")
    await first


async def test_a_dropped_channel_is_silent(redis: aioredis.Redis, listening: Listening) -> None:
    await listening.subscription.add([A, B])
    listening.subscription.drop([A])
    await until(lambda: _nobody(redis, A))
    await redis.publish(A, "1")
    await redis.publish(B, "2")
    await listening.gets(b"2")


async def _nobody(redis: aioredis.Redis, channel: bytes) -> bool:
    return (await redis.pubsub_numsub(channel))[0][1] == 0


async def test_messages_wait_for_one_that_is_awaited(
    redis: aioredis.Redis, listening: Listening
) -> None:
    await listening.subscription.add([A, B])
    listening.slow = b"2"
    for channel, data in ((A, "1"), (A, "2"), (B, "3"), (A, "4")):
        await redis.publish(channel, data)
    await listening.gets(b"1")
    listening.free.set()
    await listening.gets(b"1", b"2", b"3", b"4")


async def test_a_lost_connection_is_told_and_its_channels_are_back(
    redis: aioredis.Redis, listening: Listening
) -> None:
    await listening.subscription.add([A])
    await redis.client_kill_filter(_type="pubsub")
    await listening.is_back(2)
    await redis.publish(A, "1")
    await listening.gets(b"1")


async def test_a_channel_asked_for_while_there_is_no_connection_is_there_with_the_next(
    redis: aioredis.Redis, listening: Listening
) -> None:
    listening.subscription.reconnect()
    await listening.subscription.add([A])
    await redis.publish(A, "1")
    await listening.gets(b"1")


async def test_a_message_that_cannot_be_used_is_as_a_lost_connection(
    redis: aioredis.Redis, listening: Listening
) -> None:
    await listening.subscription.add([A])
    listening.bad = b"1"
    await redis.publish(A, "1")
    await listening.is_back(2)
    await redis.publish(A, "2")
    await listening.gets(b"2")


async def test_what_waited_behind_a_lost_connection_is_not_given_out(
    redis: aioredis.Redis, listening: Listening
) -> None:
    """A reconnect looks the event up; delivered earlier it would be out of order."""
    await listening.subscription.add([A])
    listening.slow = b"1"
    await redis.publish(A, "1")
    await redis.publish(A, "2")
    await listening.begun.wait()
    listening.subscription.reconnect()
    await listening.is_back(2)
    listening.free.set()
    await redis.publish(A, "3")
    await listening.gets(b"3")
