"""`GET /v1/events`: the same events by long-poll.

The cursor is the stream's. Reading destroys nothing: who lost an answer asks again with the
cursor it had.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import orjson
from aiohttp import web

from web.auth import authenticate_stream
from web.keys import ADMISSION, CONNECTIONS, HUB
from web.parameters import integer
from web.reader import Live, Reader
from web.stream import read_cursor

_TIMEOUT = 25
_LONGEST = 55
_LIMIT = 100
_MOST = 500


def add_routes(app: web.Application) -> None:
    """Serve the poll."""
    app.router.add_get("/v1/events", events, allow_head=False)


class PollReader(Reader):
    """A reader that gathers up to `limit` events for one answer."""

    def __init__(self, user: str, limit: int) -> None:
        super().__init__(user)
        self.events: list[bytes] = []
        self.cursor = ""
        self.recovered = True
        self.has_more = False
        self.something = asyncio.Event()
        self._limit = limit

    def begin(self, cursor: str, lost: Sequence[str]) -> None:
        """Remember where the answer begins."""
        self.cursor = cursor
        if lost:
            self.reset(lost)

    def deliver(self, live: Live) -> None:
        """Gather the event, or note that there is more."""
        if len(self.events) < self._limit:
            self.events.append(live.item.event)
            self.cursor = live.cursor
        else:
            self.has_more = True
        self.something.set()

    def tell(self, state: bytes, frame: bytes) -> None:  # noqa: ARG002 - a stream takes the other
        """Gather the state."""
        if len(self.events) < self._limit:
            self.events.append(state)
            self.something.set()

    def reset(self, rooms: Sequence[str]) -> None:
        """Gather a reset."""
        self.recovered = False
        self.events.append(orjson.dumps({"kind": "reset", "rooms": list(rooms)}))
        self.something.set()

    def end(self, code: str, reason: str) -> None:  # noqa: ARG002 - a poll has no goodbye
        """Answer with what there is."""
        self.something.set()

    def answer(self) -> bytes:
        """The answer's body."""
        return b'{"events":[%b],"cursor":"%b","recovered":%b,"has_more":%b}' % (
            b",".join(self.events),
            self.cursor.encode(),
            b"true" if self.recovered else b"false",
            b"true" if self.has_more else b"false",
        )


async def events(request: web.Request) -> web.Response:
    """Answer as soon as there is something after the cursor, or at the end of the time."""
    identity = await authenticate_stream(request)
    cursor = read_cursor(request)
    timeout = integer(request, "timeout", 0, _LONGEST)
    limit = integer(request, "limit", 1, _MOST)
    hub = request.app[HUB]
    reader = PollReader(identity.user, limit or _LIMIT)
    opened = request.app[CONNECTIONS].opened(identity.user, "poll")
    try:
        await request.app[ADMISSION].admit(reader, cursor)
        if cursor is not None and not reader.events:
            await _something(reader, _TIMEOUT if timeout is None else timeout)
        if not reader.events and not reader.held:
            reader.cursor = hub.cursor()
    finally:
        hub.leave(reader)
        request.app[CONNECTIONS].closed(opened, "answered")
    return web.Response(
        body=reader.answer(),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


async def _something(reader: PollReader, timeout: float) -> None:
    try:
        async with asyncio.timeout(timeout):
            await reader.something.wait()
    except TimeoutError:
        return
    # What this turn of the loop still brings goes into the same answer.
    await asyncio.sleep(0)
