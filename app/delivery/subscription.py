"""An edge's subscription: one connection to Valkey, on which everything arrives in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, Final

import structlog
from redis import asyncio as aioredis

from app.delivery.wire import Wire, open_wire
from app.patience import AWAY

log = structlog.get_logger()

#: What is called for a message; where it has to wait for something, it returns what to await.
OnMessage = Callable[[bytes, bytes], Awaitable[None] | None]
OnBack = Callable[[], Awaitable[None]]

_CHUNK: Final = 500
_PAUSE: Final = 0.2

#: Messages that wait while one is being awaited; beyond, they wait in Valkey.
_MOST_WAITING: Final = 10_000


class _Asked:
    """Channels that were asked for together, and how many of them are not yet confirmed."""

    __slots__ = ("done", "left")

    def __init__(self) -> None:
        self.left = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def confirm(self) -> None:
        self.left -= 1
        if self.left == 0 and not self.done.done():
            self.done.set_result(None)


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
        self._on_message = on_message
        self._on_back = on_back
        #: Each channel, with what waits for its confirmation, `None` when that has come.
        self._channels: dict[bytes, _Asked | None] = {}
        self._wire: Wire | None = None
        self._waiting: deque[tuple[bytes, bytes]] = deque()
        self._busy = False
        #: What a message has begun that those after it wait for.
        self._doing: asyncio.Future[None] | None = None
        self._lost: asyncio.Event = asyncio.Event()
        #: Commands, each with its channels, that go out together when those before are confirmed.
        self._queue: list[tuple[bytes, list[bytes]]] = []
        self._confirming = 0
        #: How many connections there have been: where it is the same, nothing was missed.
        self.count = 0

    @property
    def connected(self) -> bool:
        """Whether messages arrive at present."""
        return self._wire is not None

    async def add(self, channels: Iterable[bytes]) -> None:
        """Subscribe; returns when everything published from now on will arrive."""
        asked, fresh, others = _Asked(), [], set()
        for name in channels:
            if name not in self._channels:
                self._channels[name] = asked
                asked.left += 1
                fresh.append(name)
            elif (before := self._channels[name]) is not None:
                others.add(before.done)
        if fresh:
            self._command(b"SUBSCRIBE", fresh)
            others.add(asked.done)
        for done in others:
            await asyncio.shield(done)

    def drop(self, channels: Iterable[bytes]) -> None:
        """Unsubscribe. A message that was under way may still arrive."""
        known = []
        for name in channels:
            if name in self._channels:
                asked = self._channels.pop(name)
                if asked is not None:
                    asked.confirm()
                known.append(name)
        if known:
            self._command(b"UNSUBSCRIBE", known)

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
        if wire is not None:
            wire.close()
        self._lost.set()

    async def _receive(self) -> None:
        self._lost = lost = asyncio.Event()
        if self._doing is not None:
            self._doing.cancel()
        self._waiting.clear()
        # Nothing is given out before `on_back` has been awaited.
        self._busy = True
        subscribed = _Asked()
        missing: set[bytes] = set()
        wire = await open_wire(
            self._redis, lambda replies: self._take(replies, missing, subscribed), lost.set
        )
        self._wire = wire
        self.count += 1
        missing |= self._channels.keys()
        subscribed.left = len(missing)
        self._queue = [(b"SUBSCRIBE", list(missing))] if missing else []
        self._confirming = 0
        self._send()
        if missing:
            await _either(subscribed.done, lost)
        await self._on_back()
        await self._work_off()
        await lost.wait()
        log.warning("subscription lost, connecting again")

    def _take(self, replies: Iterator[Any], missing: set[bytes], subscribed: _Asked) -> None:
        for reply in replies:
            if reply[0] == b"message":
                self._give(reply[1], reply[2])
                continue
            self._confirming -= 1
            if reply[0] == b"subscribe":
                name = reply[1]
                if (asked := self._channels.get(name)) is not None:
                    self._channels[name] = None
                    asked.confirm()
                if missing and name in missing:
                    missing.discard(name)
                    subscribed.confirm()
        if self._queue:
            self._send()

    def _give(self, channel: bytes, data: bytes) -> None:
        if self._busy:
            self._waiting.append((channel, data))
            if len(self._waiting) == _MOST_WAITING and self._wire is not None:
                self._wire.pause()
            return
        try:
            doing = self._on_message(channel, data)
        except Exception:
            log.exception("a message could not be used", channel=channel)
            self.reconnect()
            self._busy = True
            return
        if doing is not None:
            self._busy = True
            self._doing = asyncio.ensure_future(self._finish(doing))

    async def _finish(self, doing: Awaitable[None]) -> None:
        try:
            await doing
            await self._work_off()
        except AWAY as error:
            log.warning("subscription lost, connecting again", error=str(error))
            self.reconnect()
        except Exception:
            log.exception("subscription failed, connecting again")
            self.reconnect()

    async def _work_off(self) -> None:
        """Give out what has waited, then let messages through as they come."""
        full = len(self._waiting) >= _MOST_WAITING
        while self._waiting:
            doing = self._on_message(*self._waiting.popleft())
            if doing is not None:
                await doing
        self._busy = False
        if full and self._wire is not None:
            self._wire.resume()

    def _command(self, command: bytes, names: list[bytes]) -> None:
        if self._wire is None:
            return  # all channels are subscribed when it is there
        if self._queue and self._queue[-1][0] == command:
            self._queue[-1][1].extend(names)
        else:
            self._queue.append((command, names))
        asyncio.get_running_loop().call_soon(self._send)

    def _send(self) -> None:
        """Send what waits, once what was sent before is confirmed: many channels a command."""
        if self._wire is None or self._confirming > 0 or not self._queue:
            return
        queue, self._queue = self._queue, []
        commands: list[tuple[bytes, ...]] = []
        for command, names in queue:
            self._confirming += len(names)
            commands += [(command, *names[i : i + _CHUNK]) for i in range(0, len(names), _CHUNK)]
        self._wire.send_all(commands)


async def _either(done: asyncio.Future[None], lost: asyncio.Event) -> None:
    """Return when it is done, or the connection lost."""
    losing = asyncio.ensure_future(lost.wait())
    try:
        await asyncio.wait((done, losing), return_when=asyncio.FIRST_COMPLETED)
    finally:
        losing.cancel()
