"""The channels of a subscription: subscribed in bulk, each confirmed by Valkey."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from app.delivery.connection import ValkeyConnection

#: Channels of one command.
_CHUNK: Final = 500


class _Confirmation:
    """Channels of one request, and how many of them are not confirmed yet."""

    __slots__ = ("done", "left")

    def __init__(self, left: int = 0) -> None:
        self.left = left
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def confirm(self) -> None:
        self.left -= 1
        if self.left == 0 and not self.done.done():
            self.done.set_result(None)


class Channels:
    """Subscribes and unsubscribes on the present connection, and subscribes again on the next."""

    def __init__(self) -> None:
        #: By channel: its pending confirmation; `None` once confirmed.
        self._wanted: dict[bytes, _Confirmation | None] = {}
        #: Channels that the present connection has yet to confirm.
        self._missing: set[bytes] = set()
        self._renewed: _Confirmation | None = None
        self._wire: ValkeyConnection | None = None
        #: Commands with their channels, sent together when the ones before are confirmed.
        self._queue: list[tuple[bytes, list[bytes]]] = []
        self._confirming = 0

    async def add(self, channels: Iterable[bytes]) -> None:
        """Subscribe; returns when every message published from now on will arrive."""
        confirmation, fresh, others = _Confirmation(), [], set()
        for name in channels:
            if name not in self._wanted:
                self._wanted[name] = confirmation
                confirmation.left += 1
                fresh.append(name)
            elif (before := self._wanted[name]) is not None:
                others.add(before.done)
        if fresh:
            self._command(b"SUBSCRIBE", fresh)
            others.add(confirmation.done)
        for done in others:
            await asyncio.shield(done)

    def drop(self, channels: Iterable[bytes]) -> None:
        """Unsubscribe. A message in flight may still arrive."""
        known = []
        for name in channels:
            if name in self._wanted:
                confirmation = self._wanted.pop(name)
                if confirmation is not None:
                    confirmation.confirm()
                known.append(name)
        if known:
            self._command(b"UNSUBSCRIBE", known)

    def renew(self, wire: ValkeyConnection) -> asyncio.Future[None]:
        """Subscribe every channel on a new connection; the future is done at the confirmation."""
        self._wire, self._confirming = wire, 0
        self._missing = set(self._wanted)
        self._renewed = renewed = _Confirmation(len(self._missing))
        self._queue = [(b"SUBSCRIBE", list(self._missing))] if self._missing else []
        if not self._missing:
            renewed.done.set_result(None)
        self._send()
        return renewed.done

    def lose(self) -> None:
        """The connection is lost: channels added from now on are subscribed on the next."""
        self._wire = None

    def confirm(self, command: bytes, name: bytes) -> None:
        """Note that Valkey has confirmed a command for a channel."""
        self._confirming -= 1
        if command != b"subscribe":
            return
        if (confirmation := self._wanted.get(name)) is not None:
            self._wanted[name] = None
            confirmation.confirm()
        if self._renewed is not None and name in self._missing:
            self._missing.discard(name)
            self._renewed.confirm()

    def send_queued(self) -> None:
        """Send the queued commands, once the ones before are confirmed."""
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
