"""Shutdown of an edge: requests are answered, and it is over within ten seconds.

Container engines, and `parley up`, kill a process that takes longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import web

from web.api.services import COMMANDS, DRAINING
from web.producer.connection_events import ConnectionEvents
from web.server.connection_manager import ConnectionManager

log = structlog.get_logger()

#: Seconds from the beginning until sends wait for their verdicts no more, until other requests are
#: cut off, and until the parts of the edge must have ended. Streams get their goodbyes long before.
_SENDS: Final = 6.5
_REQUESTS: Final = 7.8
_ALL: Final = 9.0

#: The least seconds for a part, and the seconds for one of an edge that never began to serve.
_LEAST: Final = 0.1
_NEVER_SERVED: Final = 5.0


class Shutdown:
    """The steps of a shutdown, and the time that is left for them."""

    def __init__(self) -> None:
        self._began: float | None = None

    async def drain(
        self,
        app: web.Application,
        manager: ConnectionManager,
        events: ConnectionEvents,
        listening: asyncio.Server,
    ) -> None:
        """Accept no more connections, and end those that there are."""
        self._began = asyncio.get_running_loop().time()
        app[DRAINING].set()
        await manager.all_accepted()
        listening.close()
        await manager.drain()
        await manager.requests_answered(self._began + _SENDS)
        app[COMMANDS].wait_no_more()
        await manager.requests_answered(self._began + _REQUESTS)
        await self.end("connections", events.drain)

    async def end(self, part: str, ending: Callable[[], Awaitable[object]]) -> None:
        """End a part in the time that is left; a part may hang while Kafka is away."""
        now = asyncio.get_running_loop().time()
        latest = now + _NEVER_SERVED if self._began is None else self._began + _ALL
        try:
            async with asyncio.timeout_at(max(latest, now + _LEAST)):
                await ending()
        except TimeoutError:
            log.warning("did not end in time", part=part)
