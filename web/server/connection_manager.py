"""What all connections of an edge share: where readers are let in, what ends them, and pings."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Final

from app.settings import Settings
from web.auth.authenticator import Auth
from web.hub.admission import Admission
from web.hub.hub import Hub
from web.hub.user import Person
from web.producer.connection_events import Connections
from web.server.connection import Front
from web.server.native_polls import Seats
from web.server.raw_responses import Replies
from web.server.sse_stream import Limits, Stream

#: Seconds over which the goodbyes of an edge that stops are spread, and in how many portions.
_DRAIN_SECONDS: Final = 3.0
_PORTIONS: Final = 30
_STOPS: Final = ("restart", "This edge stops; please reconnect.")

#: Seconds without a new connection after which an edge that stops has taken all that had come,
#: and until it closes its door at the latest.
_QUIET: Final = 0.1
_LATEST: Final = 3.0


class Entrance:
    """Makes a `Front` of each connection; `server` makes aiohttp's protocols for other requests."""

    def __init__(
        self,
        settings: Settings,
        hub: Hub,
        admission: Admission,
        auth: Auth,
        connections: Connections,
        server: Callable[[], asyncio.BaseProtocol],
        native: ModuleType | None = None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.hub = hub
        self.admission = admission
        self.auth = auth
        self.connections = connections
        self.server = server
        self.replies = Replies(settings.origins)
        self.limits = Limits(settings.buffer_events, settings.buffer_bytes, settings.retry_ms)
        self.fronts: set[Front] = set()
        self._taken = 0
        self.draining = False
        self._settings = settings
        #: Streams that one person may have here.
        self.most_streams = settings.streams
        #: Where polls that follow each other are served in C, if they are.
        self.seats = None if native is None else Seats(native, self)

    def front(self) -> Front:
        """A new connection's protocol."""
        self._taken += 1
        return Front(self)

    def full(self, person: Person) -> bool:
        """Whether somebody has as many streams as one may have."""
        streams = sum(isinstance(reader, Stream) for reader in person.readers)
        return streams >= self.most_streams

    def stream_life(self) -> float:
        """Seconds until a new stream is to begin anew."""
        return stream_life(self._settings)

    async def ping(self) -> None:
        """Give every stream a sign of life each interval, a portion of them at a time."""
        while True:
            for some in _portions(list(self.fronts)):
                await asyncio.sleep(self._settings.ping / _PORTIONS)
                for front in some:
                    front.ping()

    def close(self) -> None:
        """All have gone: watch for nothing."""
        if self.seats is not None:
            self.seats.close()

    async def caught_up(self) -> None:
        """Return when every connection that the kernel has taken is taken here, too.

        Those that are left when the edge listens no more are reset.
        """
        latest = self.loop.time() + _LATEST
        before = -1
        while self._taken != before and self.loop.time() < latest:
            before = self._taken
            await _looked()

    async def drain(self) -> None:
        """Say goodbye to streams, answer polls: they come back, to another edge if there is one.

        Few go at once. Many are spread, so that they do not all come to the other edges together.
        """
        self.draining = True
        if self.seats is not None:
            self.seats.clear()
        fronts = list(self.fronts)
        random.shuffle(fronts)
        for some in _portions(fronts):
            for front in some:
                front.stop(*_STOPS)
            if len(fronts) > _PORTIONS:
                await asyncio.sleep(_DRAIN_SECONDS / _PORTIONS)
        # What had been sent when the edge began to stop is taken up. A connection that is closed
        # with bytes unread is reset, and its client loses even what it was answered.
        await _looked()
        for front in list(self.fronts):
            front.stop(*_STOPS)
            front.close_idle()

    async def answered(self, latest: float) -> None:
        """Return when aiohttp has no request under way any more, or at that time."""
        while self.loop.time() < latest and any(front.lent for front in self.fronts):
            await _looked()
            for front in list(self.fronts):
                front.close_idle()


def stream_life(settings: Settings) -> float:
    """Seconds until a stream is to begin anew: not all of them at the same time."""
    return settings.stream_life * random.uniform(0.9, 1.1)


async def _looked() -> None:
    """Return a moment later, when the loop has looked at its sockets in between.

    After a sleep alone it may not have, where the machine has much else to do.
    """
    await asyncio.sleep(_QUIET)
    for _ in range(3):
        await asyncio.sleep(0)


def _portions(fronts: Sequence[Front]) -> list[Sequence[Front]]:
    return [fronts[i::_PORTIONS] for i in range(_PORTIONS)]
