"""`GET /v1/stream`: Server-Sent Events of all the rooms of a person."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from aiohttp import web

from app.patience import AWAY
from app.rules import cursor as cursors
from web import frames
from web.auth import authenticate_stream
from web.keys import ADMISSION, CONNECTIONS, HUB, SETTINGS, STREAMS
from web.reader import Live, Reader

#: Where a client may put the cursor, by what EventSource and its many copies send.
_CURSOR_PARAMETERS = ("cursor", "last_event_id", "lastEventId")


def add_routes(app: web.Application) -> None:
    """Serve the stream."""
    app.router.add_get("/v1/stream", stream, allow_head=False)


class StreamReader(Reader):
    """A reader at the other end of a response in progress.

    Frames go straight to the transport, framed as HTTP chunks: no queue and no task for each
    reader, and the same bytes for all.
    """

    def __init__(self, user: str, transport: asyncio.Transport, limit: int, retry_ms: int) -> None:
        super().__init__(user)
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._transport = transport
        self._limit = limit
        self._retry_ms = retry_ms

    def begin(self, cursor: str, lost: Sequence[str]) -> None:
        """Say hello."""
        rooms = sorted(self.rooms)
        data = {"user": self.user, "recovered": not lost, "cursor": cursor, "rooms": rooms}
        self.write(frames.hello(data, self._retry_ms, cursor))
        if lost:
            self.reset(lost)

    def deliver(self, live: Live) -> None:
        """Send the event."""
        self.write(live.frame)

    def tell(self, state: bytes, frame: bytes) -> None:  # noqa: ARG002 - a poll takes the other
        """Send the state."""
        self.write(frame)

    def reset(self, rooms: Sequence[str]) -> None:
        """Send a reset."""
        self.write(frames.reset(list(rooms)))

    def end(self, code: str, reason: str) -> None:
        """Say goodbye, as the last block of the stream."""
        if not self.ended.done() and not self._transport.is_closing():
            self._transport.write(_chunk(frames.goodbye(code, reason, self._retry_ms)))
        if not self.ended.done():
            self.ended.set_result(code)

    def write(self, frame: bytes) -> None:
        """Send a block, or let the reader go where too much waits for it already."""
        if self.ended.done() or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > self._limit:
            self.end("slow_consumer", "This stream was read too slowly.")
        else:
            self._transport.write(_chunk(frame))


def _chunk(frame: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(frame), frame)


async def stream(request: web.Request) -> web.StreamResponse:
    """Answer with events until one side ends it."""
    identity = await authenticate_stream(request)
    cursor = read_cursor(request)
    settings, hub = request.app[SETTINGS], request.app[HUB]
    response = web.StreamResponse(headers=frames.HEADERS)
    response.enable_chunked_encoding()
    response.force_close()
    await response.prepare(request)
    assert request.transport is not None
    reader = StreamReader(
        identity.user, request.transport, settings.buffer_bytes, settings.retry_ms
    )
    why = "gone"
    request.app[STREAMS].add(reader)
    opened = request.app[CONNECTIONS].opened(identity.user, "sse")
    try:
        await request.app[ADMISSION].admit(reader, cursor)
        why = await _end(reader, identity.expires_at)
    except AWAY:
        reader.end("unavailable", "The live state is away for a moment.")
        why = "unavailable"
    finally:
        request.app[STREAMS].discard(reader)
        hub.leave(reader)
        request.app[CONNECTIONS].closed(opened, why)
    await response.write_eof()
    return response


async def _end(reader: StreamReader, expires_at: float) -> str:
    """Why the stream ended; it ends with the token that it was opened with at the latest."""
    try:
        async with asyncio.timeout(expires_at - time.time()):
            return await asyncio.shield(reader.ended)
    except TimeoutError:
        reader.end("token_expired", "The token has expired; come back with a new one.")
        return "token_expired"


def read_cursor(request: web.Request) -> cursors.Cursor | None:
    """Where the client says that it was: the header, or one of the parameters.

    Raises `CursorMalformed` and `CursorForeign`, which become 400s.
    """
    token = request.headers.get("Last-Event-ID") or next(
        (request.query[name] for name in _CURSOR_PARAMETERS if request.query.get(name)), None
    )
    if not token:
        return None
    return cursors.decode(token, request.app[HUB].secret)
