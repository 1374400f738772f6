"""How an edge stops: nobody is cut off who can be answered, and it is over within ten seconds.

That is what those give a process before they kill it who run it: containers, and `parley up`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import web

from web.api.services import COMMANDS, DRAINING
from web.server.connection_manager import Entrance

log = structlog.get_logger()

#: Seconds from the beginning after which sends wait for their numbers no more, after which other
#: requests do not either, and after which the parts of the edge have to have ended. Streams have
#: had their goodbyes long before.
_SENDS: Final = 6.5
_REQUESTS: Final = 7.8
_ALL: Final = 9.0

#: Seconds for a part that comes to its end late, or in an edge that never began.
_LAST: Final = 0.1
_ALONE: Final = 5.0


class Stopping:
    """The time that is left."""

    def __init__(self) -> None:
        self._began: float | None = None

    async def drain(
        self, app: web.Application, entrance: Entrance, listening: asyncio.Server
    ) -> None:
        """Take no more connections, and see those off that there are."""
        self._began = asyncio.get_running_loop().time()
        app[DRAINING].set()
        await entrance.caught_up()
        listening.close()
        await entrance.drain()
        await entrance.answered(self._began + _SENDS)
        app[COMMANDS].wait_no_more()
        await entrance.answered(self._began + _REQUESTS)
        await self.end("connections", entrance.connections.drain)

    async def end(self, part: str, ending: Callable[[], Awaitable[object]]) -> None:
        """End a part, or leave it as it is: Kafka may be away, and what waits for it, too."""
        now = asyncio.get_running_loop().time()
        latest = now + _ALONE if self._began is None else self._began + _ALL
        try:
            async with asyncio.timeout_at(max(latest, now + _LAST)):
                await ending()
        except TimeoutError:
            log.warning("did not end in time", part=part)
