"""Faults at random, the next one often before the last is over."""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
import time
from collections.abc import Callable, Coroutine
from contextlib import closing, suppress
from functools import partial

from redis import asyncio as aioredis
from redis.exceptions import RedisError

from app.embedded.child import Child
from app.embedded.server import Server
from tests.faults.frail import Frail

Fault = Callable[[], Coroutine[None, None, None]]

#: Seconds from the beginning of one fault to that of the next, at most.
_APART = 5.0


class Mischief:
    """Does something to any part of a Parley whose workers and edges are kept running.

    What it does and when follows from `seed` alone; what comes of it does not.
    """

    def __init__(self, frail: Frail, seed: int) -> None:
        self._frail = frail
        self._random = random.Random(seed)
        self._began = time.monotonic()
        self._starting: set[Server] = set()
        #: The faults so far, with their times, for an error message.
        self.done = [f"seed {seed}"]

    async def go_on(self, seconds: float) -> None:
        """Begin faults for so long; returns when the last is over."""
        until = time.monotonic() + seconds
        async with asyncio.TaskGroup() as group:
            while time.monotonic() < until:
                what, fault = self._random.choice(self._faults())
                self.done.append(f"{time.monotonic() - self._began:.1f} s: {what}")
                group.create_task(fault())
                await asyncio.sleep(self._random.uniform(0.2, _APART))

    def _faults(self) -> list[tuple[str, Fault]]:
        chat, seconds = self._frail.chat, self._random.uniform
        worker = self._random.choice(chat.workers)
        edge = self._random.choice(chat.edges)
        kafka, valkey = self._frail.kafka, self._frail.valkey
        return [
            ("kill -9 of a worker", partial(_kill, worker)),
            ("SIGTERM of a worker", partial(_end, worker)),
            ("a worker sleeps", partial(_sleep, worker, seconds(1, 20))),
            ("kill -9 of an edge", partial(_kill, edge)),
            ("an edge sleeps", partial(_sleep, edge, seconds(1, 5))),
            ("Valkey is emptied", partial(_empty, self._frail)),
            ("kill -9 of Valkey", partial(self._start_anew, valkey)),
            ("Valkey sleeps", partial(_sleep, valkey.child, seconds(1, 10))),
            ("kill -9 of Kafka", partial(self._start_anew, kafka)),
            ("Kafka sleeps", partial(_sleep, kafka.child, seconds(1, 10))),
            ("SQLite is locked", partial(_lock, self._frail, seconds(1, 10))),
        ]

    async def _start_anew(self, server: Server) -> None:
        if server not in self._starting:
            self._starting.add(server)
            server.kill()
            await server.start()
            self._starting.discard(server)


async def _kill(child: Child) -> None:
    child.kill()


async def _end(child: Child) -> None:
    child.send(signal.SIGTERM)


async def _sleep(child: Child, seconds: float) -> None:
    child.send(signal.SIGSTOP)
    await asyncio.sleep(seconds)
    child.send(signal.SIGCONT)


async def _empty(frail: Frail) -> None:
    with suppress(RedisError, OSError):
        async with aioredis.from_url(frail.chat.settings.redis, socket_timeout=5) as redis:
            await redis.flushall()


async def _lock(frail: Frail, seconds: float) -> None:
    path = frail.chat.settings.data / "history.db"
    other = sqlite3.connect(path, isolation_level=None)
    with closing(other), suppress(sqlite3.OperationalError):  # somebody is writing
        other.execute("BEGIN IMMEDIATE")
        await asyncio.sleep(seconds)
