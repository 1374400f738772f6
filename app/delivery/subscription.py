"""The subscription of an edge: one connection to Valkey, on which messages arrive in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, Final

import structlog
from redis import asyncio as aioredis

from app.delivery.channels import Channels
from app.delivery.connection import ValkeyConnection, open_connection
from app.delivery.ordered_dispatch import OnMessage, OrderedDispatch
from app.runtime.retry import AWAY

log = structlog.get_logger()

OnBack = Callable[[], Awaitable[None]]

_PAUSE: Final = 0.2


class Subscription:
    """Keeps its channels subscribed, and calls back when messages may have been missed.

    `on_message(channel, data)` is called for each message in the order in which Valkey published
    them; while the awaitable that it returned is pending, later messages wait. On each connection,
    the first included, `on_back()` is awaited before any message, when all channels are subscribed:
    messages published before it have to be looked up, messages published after it will arrive.
    """

    def __init__(self, redis: aioredis.Redis, on_message: OnMessage, on_back: OnBack) -> None:
        self._redis = redis
        self._on_back = on_back
        self._channels = Channels()
        self._dispatch = OrderedDispatch(on_message, self.reconnect)
        self._wire: ValkeyConnection | None = None
        self._lost: asyncio.Event = asyncio.Event()
        #: The number of connections so far: while it is the same, no message was missed.
        self.count = 0

    @property
    def connected(self) -> bool:
        """Whether there is a connection."""
        return self._wire is not None

    async def add(self, channels: Iterable[bytes]) -> None:
        """Subscribe; returns when every message published from now on will arrive."""
        await self._channels.add(channels)

    def drop(self, channels: Iterable[bytes]) -> None:
        """Unsubscribe. A message in flight may still arrive."""
        self._channels.drop(channels)

    async def run(self) -> None:
        """Receive until cancelled, with a new connection whenever one is lost."""
        while True:
            try:
                await self._receive()
            except AWAY as error:
                log.warning("subscription lost, connecting again", error=str(error))
            except Exception:
                # A new connection looks up what was missed, which recovers from any failure.
                log.exception("subscription failed, connecting again")
            finally:
                self.reconnect()
            await asyncio.sleep(_PAUSE)

    def reconnect(self) -> None:
        """Close the present connection, as if it had been lost."""
        wire, self._wire = self._wire, None
        self._channels.lose()
        self._dispatch.read_from(None)
        if wire is not None:
            wire.close()
        self._lost.set()

    async def _receive(self) -> None:
        self._lost = lost = asyncio.Event()
        # No message is dispatched before `on_back` has been awaited.
        self._dispatch.close()
        self._wire = wire = await open_connection(self._redis, self._take, lost.set)
        self.count += 1
        self._dispatch.read_from(wire)
        await _either(self._channels.renew(wire), lost)
        await self._on_back()
        await self._dispatch.open()
        await lost.wait()
        log.warning("subscription lost, connecting again")

    def _take(self, replies: Iterator[Any]) -> None:
        dispatch, confirm = self._dispatch.dispatch, self._channels.confirm
        for reply in replies:
            if reply[0] == b"message":
                dispatch(reply[1], reply[2])
            else:
                confirm(reply[0], reply[1])
        self._channels.send_queued()


async def _either(done: asyncio.Future[None], lost: asyncio.Event) -> None:
    """Return when the future is done or the connection is lost."""
    losing = asyncio.ensure_future(lost.wait())
    try:
        await asyncio.wait((done, losing), return_when=asyncio.FIRST_COMPLETED)
    finally:
        losing.cancel()
