"""The connections of an edge: how many there are, their pings, and their end."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Final

from web.server.connection import ClientConnection, ConnectionMode
from web.server.session_context import SessionContext

#: Seconds over which an edge that stops spreads its goodbyes, and in how many portions.
_DRAIN_SECONDS: Final = 3.0
_PORTIONS: Final = 30
_GOODBYE: Final = ("restart", "This edge stops; please reconnect.")

#: Seconds without a new connection after which all have been accepted, and the most to wait.
_QUIET_SECONDS: Final = 0.1
_ACCEPT_SECONDS: Final = 3.0


class ConnectionManager:
    """Makes a `ClientConnection` of each connection that is accepted.

    `new_handler` makes aiohttp's protocols for requests that are neither streams nor polls.
    """

    def __init__(
        self,
        context: SessionContext,
        new_handler: Callable[[], asyncio.BaseProtocol],
        ping_seconds: float,
    ) -> None:
        self._context = context
        self._new_handler = new_handler
        self._ping_seconds = ping_seconds
        self._loop = asyncio.get_running_loop()
        self._accepted = 0
        self._rechecking = False
        self.connections: set[ClientConnection] = set()

    def accept(self) -> ClientConnection:
        """The protocol of a new connection."""
        self._accepted += 1
        return ClientConnection(self._context, self.connections, self._new_handler, self._loop)

    async def ping(self) -> None:
        """Send each stream a ping every interval, a portion of them at a time."""
        while True:
            for portion in _portions(list(self.connections)):
                await asyncio.sleep(self._ping_seconds / _PORTIONS)
                for connection in portion:
                    connection.ping()

    def recheck(self) -> None:
        """End the streams and polls whose tokens do not count any more.

        One look at all connections serves all calls of a turn of the loop.
        """
        if not self._rechecking:
            self._rechecking = True
            self._loop.call_soon(self._recheck)

    def _recheck(self) -> None:
        self._rechecking = False
        for connection in list(self.connections):
            connection.recheck()

    async def all_accepted(self) -> None:
        """Return when the edge has accepted every connection that the kernel has.

        The kernel resets the others when the edge stops listening.
        """
        latest = self._loop.time() + _ACCEPT_SECONDS
        before = -1
        while self._accepted != before and self._loop.time() < latest:
            before = self._accepted
            await _after_sockets_were_read()

    async def drain(self) -> None:
        """Say goodbye to streams and answer polls: the clients reconnect, perhaps elsewhere.

        A few go at once. Many are spread, so that not all reach the other edges together.
        """
        self._context.ending.set()
        if self._context.native_polls is not None:
            self._context.native_polls.release_all()
        connections = list(self.connections)
        random.shuffle(connections)
        for portion in _portions(connections):
            for connection in portion:
                connection.stop(*_GOODBYE)
            if len(connections) > _PORTIONS:
                await asyncio.sleep(_DRAIN_SECONDS / _PORTIONS)
        # Requests that had been sent before are served. A connection that is closed with bytes
        # unread is reset, and its client loses even the answer that was written.
        await _after_sockets_were_read()
        for connection in list(self.connections):
            connection.stop(*_GOODBYE)
            connection.close_idle()

    async def requests_answered(self, latest: float) -> None:
        """Return when aiohttp has no request under way, or at that time of the loop's clock."""
        while self._loop.time() < latest and any(
            connection.mode is ConnectionMode.AIOHTTP for connection in self.connections
        ):
            await _after_sockets_were_read()
            for connection in list(self.connections):
                connection.close_idle()


async def _after_sockets_were_read() -> None:
    """Return a moment later, when the loop has read its sockets in between.

    After a sleep alone it may not have, on a busy machine.
    """
    await asyncio.sleep(_QUIET_SECONDS)
    for _ in range(3):
        await asyncio.sleep(0)


def _portions(connections: Sequence[ClientConnection]) -> list[Sequence[ClientConnection]]:
    return [connections[i::_PORTIONS] for i in range(_PORTIONS)]
