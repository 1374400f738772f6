"""The channels of a subscription: asked for many at a time, each known to be there or not yet."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from app.delivery.connection import ValkeyConnection

#: Channels that one command names.
_CHUNK: Final = 500


class _Asked:
    """Channels that were asked for together, and how many of them are not yet confirmed."""

    __slots__ = ("done", "left")

    def __init__(self, left: int = 0) -> None:
        self.left = left
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def confirm(self) -> None:
        self.left -= 1
        if self.left == 0 and not self.done.done():
            self.done.set_result(None)


class Channels:
    """Subscribes and unsubscribes on whatever connection there is, and again on the next."""

    def __init__(self) -> None:
        #: Each channel, with what waits for its confirmation, `None` when that has come.
        self._wanted: dict[bytes, _Asked | None] = {}
        #: Those that the present connection has to have before it counts as there.
        self._missing: set[bytes] = set()
        self._renewed: _Asked | None = None
        self._wire: ValkeyConnection | None = None
        #: Commands, each with its channels, that go out together when those before are confirmed.
        self._queue: list[tuple[bytes, list[bytes]]] = []
        self._confirming = 0

    async def add(self, channels: Iterable[bytes]) -> None:
        """Subscribe; returns when everything published from now on will arrive."""
        asked, fresh, others = _Asked(), [], set()
        for name in channels:
            if name not in self._wanted:
                self._wanted[name] = asked
                asked.left += 1
                fresh.append(name)
            elif (before := self._wanted[name]) is not None:
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
            if name in self._wanted:
                asked = self._wanted.pop(name)
                if asked is not None:
                    asked.confirm()
                known.append(name)
        if known:
            self._command(b"UNSUBSCRIBE", known)

    def renew(self, wire: ValkeyConnection) -> asyncio.Future[None]:
        """Subscribe all of them on a new connection; done when it has them."""
        self._wire, self._confirming = wire, 0
        self._missing = set(self._wanted)
        self._renewed = renewed = _Asked(len(self._missing))
        self._queue = [(b"SUBSCRIBE", list(self._missing))] if self._missing else []
        if not self._missing:
            renewed.done.set_result(None)
        self._send()
        return renewed.done

    def lose(self) -> None:
        """The connection is gone: what is asked for now, the next one has."""
        self._wire = None

    def confirm(self, command: bytes, name: bytes) -> None:
        """Valkey has done a command for a channel."""
        self._confirming -= 1
        if command != b"subscribe":
            return
        if (asked := self._wanted.get(name)) is not None:
            self._wanted[name] = None
            asked.confirm()
        if self._renewed is not None and name in self._missing:
            self._missing.discard(name)
            self._renewed.confirm()

    def go_on(self) -> None:
        """Send what waits, once what was sent before is confirmed."""
        if self._queue:
            self._send()

    def _command(self, command: bytes, names: list[bytes]) -> None:
        if self._wire is None:
            return
        if self._queue and self._queue[-1][0] == command:
            self._queue[-1][1].extend(names)
        else:
            self._queue.append((command, names))
        asyncio.get_running_loop().call_soon(self._send)

    def _send(self) -> None:
        if self._wire is None or self._confirming > 0 or not self._queue:
            return
        queue, self._queue = self._queue, []
        commands: list[tuple[bytes, ...]] = []
        for command, names in queue:
            self._confirming += len(names)
            commands += [(command, *names[i : i + _CHUNK]) for i in range(0, len(names), _CHUNK)]
        self._wire.send_all(commands)
