"""A stream: Server-Sent Events of all rooms of a user, straight to the transport.

A stream has no task, no queue and no response object: frames that are the same bytes for all go to
the transport's own `write`. The head of the response says neither a length nor chunks, so the
stream ends with the connection.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from web.hub import sse
from web.hub.event import EventBatch
from web.hub.room import Audience, Subscriber, User

#: Seconds that a client gets to read its goodbye before the connection is cut.
_GOODBYE_SECONDS: Final = 5.0


class StreamLimits(NamedTuple):
    """The most that may wait for a slow client, and how soon clients reconnect."""

    events: int
    bytes: int
    retry_ms: int


def goodbye(code: str, reason: str, retry_ms: float) -> bytes:
    """A goodbye, to reconnect in `retry_ms`, give or take half of it.

    Randomized, because what ends one stream may end thousands.
    """
    return sse.goodbye(code, reason, int(retry_ms * random.uniform(0.5, 1.5)))


def stream_life(mean_seconds: float) -> float:
    """Seconds until a new stream is to reconnect: randomized, so that not all do together."""
    return mean_seconds * random.uniform(0.9, 1.1)


class SseStream(Subscriber):
    """A subscriber whose client reads a response in progress.

    While the transport has bytes to write, frames wait in a backlog, up to the limits; then the
    stream is ended, and the client reconnects with its cursor. So where nothing waits here,
    nothing waits in the transport. `on_end(code)` is called once, when this side ends the stream.
    """

    __slots__ = (
        *("_backlog", "_events", "_fd", "_head", "_hello", "_limits", "_on_end", "_size"),
        *("_transport", "_write_through"),
    )

    def __init__(
        self,
        user: User,
        transport: asyncio.Transport,
        limits: StreamLimits,
        head: bytes,
        on_end: Callable[[str], None],
    ) -> None:
        super().__init__(user)
        self._transport = transport
        self._limits = limits
        #: The response's head, until it is sent: with the first block, in one packet.
        self._head: bytes | None = head
        self._on_end: Callable[[str], None] | None = on_end
        self._backlog: list[bytes] | None = None
        self._events = self._size = 0
        #: Bytes of the hello that the client has yet to read: its length is the edge's doing.
        self._hello = 0
        #: While the stream is live and nothing waits: what takes its frames, and the socket.
        self._write_through: Callable[[bytes], None] | None = None
        self._fd = -1

    @property
    def ended(self) -> bool:
        """Whether this side has ended the stream."""
        return self._on_end is None

    @property
    def live(self) -> bool:
        """Whether the hub writes to the transport itself."""
        return self._write_through is not None

    def begin(self, cursor: str, lost: Sequence[str]) -> None:
        """Say hello."""
        user = self.user
        rooms = user.room_names()
        data = {"user": user.name, "recovered": not lost, "cursor": cursor, "rooms": rooms}
        self._write(sse.hello(data, self._limits.retry_ms, cursor))
        self._hello = self._transport.get_write_buffer_size()
        if lost:
            self.reset(lost)

    def join(self, audience: Audience) -> None:
        """Let frames go straight to the transport where they may, else by `take`."""
        if self._write_through is None:
            super().join(audience)
        else:
            audience.add_writer(self._write_through, self._fd)

    def hold(self) -> None:
        """Let events wait from now on."""
        super().hold()
        self._stop_write_through()

    def watch(self) -> None:
        """Have the transport call `pause` whenever it can't send all of its bytes at once.

        It does not call again while it still writes an earlier answer.
        """
        self._transport.set_write_buffer_limits(0)
        if self._transport.get_write_buffer_size():
            self.pause()

    def settle(self) -> None:
        """Let the hub write to the transport itself, or past it to the socket."""
        if self._backlog is None and not self.ended and not self.held:
            self._write_through = self._transport.write
            sock = self._transport.get_extra_info("socket")
            self._fd = -1 if sock is None else sock.fileno()
            self.user.changed()

    def _stop_write_through(self) -> None:
        if self._write_through is not None:
            self._write_through = None
            self.user.changed()

    def deliver(self, batch: EventBatch) -> None:
        """Send the events, or keep them until the client has read the earlier ones."""
        if self._backlog is None:
            self._write(batch.frames)
            return
        self._backlog.append(batch.frames)
        self._events += len(batch.events)
        self._size += len(batch.frames)
        if self._events > self._limits.events or self._backlog_bytes() > self._limits.bytes:
            self.end("slow_consumer", "This stream was read too slowly.")

    def tell(self, state: bytes, frame: bytes) -> None:  # noqa: ARG002 - a poll takes the state
        """Send the state; a slow client misses it."""
        if self._backlog is None:
            self._write(frame)

    def reset(self, rooms: Sequence[str]) -> None:
        """Send a reset."""
        if self._head is not None:
            return  # the missed events are looked up before it begins
        frame = sse.reset(list(rooms))
        if self._backlog is None:
            self._write(frame)
        else:
            self._backlog.append(frame)

    def ping(self) -> None:
        """Send a ping; a slow client has other frames to read."""
        if self._backlog is None and self._head is None:
            self._write(sse.PING)

    def pause(self) -> None:
        """The transport waits for the client: keep frames from here on."""
        if self._backlog is None:
            self._backlog = []
            self._events = self._size = 0
            self._stop_write_through()

    def resume(self) -> None:
        """The transport is empty again: give it the backlog."""
        backlog, self._backlog = self._backlog, None
        self._hello = 0
        if backlog:
            self._write(b"".join(backlog))
        self.settle()

    def end(self, code: str, reason: str, retry_factor: float = 1) -> None:
        """Send a goodbye as the last block, and close the connection.

        `retry_factor`: by how much longer than usual the client waits before it reconnects.
        """
        if self._on_end is None:
            return
        self._backlog = None
        self._write(goodbye(code, reason, retry_factor * self._limits.retry_ms))
        on_end, self._on_end = self._on_end, None
        self._stop_write_through()
        self._backlog = []
        transport = self._transport
        transport.close()
        asyncio.get_running_loop().call_later(_GOODBYE_SECONDS, transport.abort)
        on_end(code)

    def gone(self) -> None:
        """The connection is lost: write nothing more."""
        self._on_end = self._backlog = None
        self._stop_write_through()

    def _write(self, data: bytes) -> None:
        if self.ended or self._transport.is_closing():
            return
        if self._head is not None:
            data, self._head = self._head + data, None
        self._transport.write(data)

    def _backlog_bytes(self) -> int:
        return self._size + max(0, self._transport.get_write_buffer_size() - self._hello)
