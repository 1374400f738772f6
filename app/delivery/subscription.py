"""An edge's subscription: one connection to Valkey, on which everything arrives in order."""

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
    """Keeps its channels subscribed, and says when messages may have been missed.

    `on_message(channel, data)` is called for each message, one after the other, in the order in
    which Valkey published them; while what it returned is awaited, the others wait. After a
    connection was lost, `on_back()` is awaited first, when all channels are subscribed again:
    whatever was published before it has to be looked up, whatever is published after it will
    come. It is awaited at the first connection, too.
    """

    def __init__(self, redis: aioredis.Redis, on_message: OnMessage, on_back: OnBack) -> None:
        self._redis = redis
        self._on_back = on_back
        self._channels = Channels()
        self._turns = OrderedDispatch(on_message, self.reconnect)
        self._wire: ValkeyConnection | None = None
        self._lost: asyncio.Event = asyncio.Event()
        #: How many connections there have been: where it is the same, nothing was missed.
        self.count = 0

    @property
    def connected(self) -> bool:
        """Whether messages arrive at present."""
        return self._wire is not None

    async def add(self, channels: Iterable[bytes]) -> None:
        """Subscribe; returns when everything published from now on will arrive."""
        await self._channels.add(channels)

    def drop(self, channels: Iterable[bytes]) -> None:
        """Unsubscribe. A message that was under way may still arrive."""
        self._channels.drop(channels)

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
                self.reconnect()
            await asyncio.sleep(_PAUSE)

    def reconnect(self) -> None:
        """Give up the present connection, as if it had been lost."""
        wire, self._wire = self._wire, None
        self._channels.lose()
        self._turns.come_over(None)
        if wire is not None:
            wire.close()
        self._lost.set()

    async def _receive(self) -> None:
        self._lost = lost = asyncio.Event()
        # Nothing is given out before `on_back` has been awaited.
        self._turns.close()
        self._wire = wire = await open_connection(self._redis, self._take, lost.set)
        self.count += 1
        self._turns.come_over(wire)
        await _either(self._channels.renew(wire), lost)
        await self._on_back()
        await self._turns.open()
        await lost.wait()
        log.warning("subscription lost, connecting again")

    def _take(self, replies: Iterator[Any]) -> None:
        give, confirm = self._turns.give, self._channels.confirm
        for reply in replies:
            if reply[0] == b"message":
                give(reply[1], reply[2])
            else:
                confirm(reply[0], reply[1])
        self._channels.go_on()


async def _either(done: asyncio.Future[None], lost: asyncio.Event) -> None:
    """Return when it is done, or the connection lost."""
    losing = asyncio.ensure_future(lost.wait())
    try:
        await asyncio.wait((done, losing), return_when=asyncio.FIRST_COMPLETED)
    finally:
        losing.cancel()
