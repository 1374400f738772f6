"""An edge's subscription: one connection to Valkey, on which everything arrives in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from math import inf
from typing import Any

import structlog
from redis import asyncio as aioredis

from app.patience import AWAY

log = structlog.get_logger()

OnMessage = Callable[[bytes, bytes], Awaitable[None]]
OnBack = Callable[[], Awaitable[None]]

_CHUNK = 500
_PAUSE = 0.2


class Subscription:
    """Keeps its channels subscribed, and says when messages may have been missed.

    `on_message(channel, data)` is awaited for each message, one after the other, in the order in
    which Valkey published them. After a connection was lost, `on_back()` is awaited first, when
    all channels are subscribed again: whatever was published before it has to be looked up,
    whatever is published after it will come. It is awaited at the first connection, too.
    """

    def __init__(self, redis: aioredis.Redis, on_message: OnMessage, on_back: OnBack) -> None:
        self._pool: Any = redis.connection_pool
        self._on_message = on_message
        self._on_back = on_back
        self._channels: dict[bytes, asyncio.Future[None]] = {}
        self._connection: Any = None
        #: How many connections there have been: where it is the same, nothing was missed.
        self.count = 0

    @property
    def connected(self) -> bool:
        """Whether messages arrive at present."""
        return self._connection is not None

    async def add(self, channels: Iterable[str]) -> None:
        """Subscribe; returns when everything published from now on will arrive."""
        loop = asyncio.get_running_loop()
        names = [channel.encode() for channel in channels]
        fresh = [name for name in names if name not in self._channels]
        for name in fresh:
            self._channels[name] = loop.create_future()
        if fresh:
            await self._command(b"SUBSCRIBE", fresh)
        await asyncio.gather(*(asyncio.shield(self._channels[name]) for name in names))

    async def drop(self, channels: Iterable[str]) -> None:
        """Unsubscribe. A message that was under way may still arrive."""
        names = [channel.encode() for channel in channels]
        known = [name for name in names if self._channels.pop(name, None) is not None]
        if known:
            await self._command(b"UNSUBSCRIBE", known)

    async def run(self) -> None:
        """Receive until cancelled; connects again whenever the connection is lost."""
        while True:
            try:
                await self._receive()
            except AWAY as error:
                log.warning("subscription lost, connecting again", error=str(error))
            except Exception:
                # Coming back looks up what was missed, so that is what to do about anything.
                log.exception("subscription failed, connecting again")
            finally:
                await self.reconnect()
            await asyncio.sleep(_PAUSE)

    async def reconnect(self) -> None:
        """Give up the present connection, as if it had been lost."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)

    async def _receive(self) -> None:
        connection = self._pool.make_connection()
        await connection.connect()
        self._connection = connection
        self.count += 1
        early = await self._subscribe_all(connection)
        await self._on_back()
        for reply in early:
            await self._take(reply)
        while True:
            await self._take(await connection.read_response(timeout=inf))

    async def _subscribe_all(self, connection: Any) -> list[list[Any]]:
        """Subscribe every channel; the messages that came before the last was confirmed."""
        missing = set(self._channels)
        names = list(missing)
        early: list[list[Any]] = []
        for start in range(0, len(names), _CHUNK):
            await connection.send_command("SUBSCRIBE", *names[start : start + _CHUNK])
        while missing:
            reply = await connection.read_response(timeout=inf)
            if reply[0] == b"message":
                early.append(reply)
            else:
                missing.discard(reply[1])
                self._confirm(reply)
        return early

    async def _take(self, reply: list[Any]) -> None:
        if reply[0] == b"message":
            await self._on_message(reply[1], reply[2])
        else:
            self._confirm(reply)

    def _confirm(self, reply: list[Any]) -> None:
        waiting = self._channels.get(reply[1])
        if reply[0] == b"subscribe" and waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def _command(self, command: bytes, names: list[bytes]) -> None:
        if self._connection is None:
            return
        try:
            for start in range(0, len(names), _CHUNK):
                await self._connection.send_command(command, *names[start : start + _CHUNK])
        except AWAY:
            await self.reconnect()
