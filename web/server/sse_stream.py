"""A stream: Server-Sent Events of all the rooms of a person, straight to the transport.

No task, no queue and no response object for each: frames of bytes that are the same for all go
to the transport's own `write`. The answer's head says neither a length nor chunks, so the stream
ends with the connection.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from web.hub import sse as frames
from web.hub.event import Run
from web.hub.subscriber import Reader
from web.hub.user import Person

#: Seconds that a reader gets to take its goodbye before the connection is cut.
_LAST_SECONDS: Final = 5.0


class Limits(NamedTuple):
    """What may wait for a reader that does not read, and how soon readers come back."""

    events: int
    bytes: int
    retry_ms: int


def farewell(code: str, reason: str, retry_ms: float) -> bytes:
    """A goodbye, to come back in `retry_ms`, give or take half of it.

    Not all at the same moment: whatever ends one stream may end thousands.
    """
    return frames.goodbye(code, reason, int(retry_ms * random.uniform(0.5, 1.5)))


class Stream(Reader):
    """A reader at the other end of a response in progress.

    While its transport has something to do, frames wait here, up to the limits; then the reader
    is let go, to come back with its cursor. So where nothing waits here, nothing waits there.
    `on_end(code)` is called once, when this side ends it.
    """

    __slots__ = ("_backlog", "_events", "_head", "_limits", "_on_end", "_size", "_transport")

    def __init__(
        self,
        person: Person,
        transport: asyncio.Transport,
        limits: Limits,
        head: bytes,
        on_end: Callable[[str], None],
    ) -> None:
        super().__init__(person)
        self._transport = transport
        self._limits = limits
        #: The answer's head, until it is sent: with the first block, in one packet.
        self._head: bytes | None = head
        self._on_end: Callable[[str], None] | None = on_end
        self._backlog: list[bytes] | None = None
        self._events = self._size = 0

    @property
    def ended(self) -> bool:
        """Whether this side has ended it."""
        return self._on_end is None

    def begin(self, cursor: str, lost: Sequence[str]) -> None:
        """Say hello."""
        person = self.person
        rooms = person.room_names()
        data = {"user": person.name, "recovered": not lost, "cursor": cursor, "rooms": rooms}
        self._write(frames.hello(data, self._limits.retry_ms, cursor))
        if lost:
            self.reset(lost)

    def watch(self) -> None:
        """Have the transport say `pause` whenever it can't pass on at once what it is given.

        It does not say so again where it has to pass on an earlier answer yet.
        """
        self._transport.set_write_buffer_limits(0)
        if self._transport.get_write_buffer_size():
            self.pause()

    def settle(self) -> None:
        """From here on the hub writes to the transport itself, or past it."""
        if self._backlog is None and not self.ended and not self.held:
            self.write = self._transport.write
            sock = self._transport.get_extra_info("socket")
            self.fd = -1 if sock is None else sock.fileno()
            self.person.changed()

    def deliver(self, run: Run) -> None:
        """Send the events, or keep them until the reader has taken what there is."""
        if self._backlog is None:
            self._write(run.frames)
            return
        self._backlog.append(run.frames)
        self._events += len(run.lives)
        self._size += len(run.frames)
        if self._events > self._limits.events or self._waiting() > self._limits.bytes:
            self.end("slow_consumer", "This stream was read too slowly.")

    def tell(self, state: bytes, frame: bytes) -> None:  # noqa: ARG002 - a poll takes the other
        """Send the state; a reader that is slow misses it."""
        if self._backlog is None:
            self._write(frame)

    def reset(self, rooms: Sequence[str]) -> None:
        """Send a reset."""
        if self._head is not None:
            return  # what it lacks is found out before it begins
        frame = frames.reset(list(rooms))
        if self._backlog is None:
            self._write(frame)
        else:
            self._backlog.append(frame)

    def ping(self) -> None:
        """Send a sign of life; to a reader that is slow there is more to say."""
        if self._backlog is None and self._head is None:
            self._write(frames.PING)

    def pause(self) -> None:
        """The transport is waiting for the client: keep what comes from here on."""
        if self._backlog is None:
            self._backlog = []
            self._events = self._size = 0
            self.write = None
            self.person.changed()

    def resume(self) -> None:
        """The transport is empty again: give it what was kept."""
        backlog, self._backlog = self._backlog, None
        if backlog:
            self._write(b"".join(backlog))
        self.settle()

    def end(self, code: str, reason: str, patience: float = 1) -> None:
        """Say goodbye, as the last block of the stream, and let the connection end.

        `patience`: how many times longer than else the client stays away.
        """
        if self._on_end is None:
            return
        self._backlog = None
        self._write(farewell(code, reason, patience * self._limits.retry_ms))
        on_end, self._on_end, self.write = self._on_end, None, None
        self._backlog = []
        transport = self._transport
        transport.close()
        asyncio.get_running_loop().call_later(_LAST_SECONDS, transport.abort)
        on_end(code)

    def gone(self) -> None:
        """The connection is lost: nothing more can be said."""
        self._on_end = self.write = self._backlog = None

    def _write(self, data: bytes) -> None:
        if self.ended or self._transport.is_closing():
            return
        if self._head is not None:
            data, self._head = self._head + data, None
        self._transport.write(data)

    def _waiting(self) -> int:
        return self._size + self._transport.get_write_buffer_size()
