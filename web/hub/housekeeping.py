"""What the hub does from time to time: finding lost tails, giving up what nobody reads."""

from __future__ import annotations

import asyncio

import structlog

from app.runtime.retry import AWAY
from web.hub.hub import Hub

log = structlog.get_logger()

#: Seconds a room stays subscribed after its last reader: polls and reconnects come back.
LINGER = 30.0

#: Seconds between looks for lost tails. Each look is at a quarter of the rooms, so that a lost
#: one is found and repaired within 5 s; or at this many, where there are few.
TAIL_INTERVAL = 1.0
TAIL_ROOMS = 200


async def watch_tails(hub: Hub) -> None:
    """See to it that a lost last event, which no later one would betray, is found."""
    start = 0
    while True:
        await asyncio.sleep(TAIL_INTERVAL)
        rooms = list(hub.roster.rooms.values())
        start = start if start < len(rooms) else 0
        some = rooms[start : start + max(TAIL_ROOMS, len(rooms) // 4 + 1)]
        start += len(some)
        try:
            async with asyncio.timeout(4 * TAIL_INTERVAL):
                await hub.marks.mark(some)
        except AWAY as error:
            log.warning("a mark did not come back, connecting again", error=str(error))
            hub.reconnect()


async def give_up_idle(hub: Hub) -> None:
    """Let go of people who have had no reader for a while."""
    while True:
        await asyncio.sleep(LINGER / 4)
        last = asyncio.get_running_loop().time() - LINGER
        # In the order in which they went; somebody who came back is no longer among them.
        gone = [person for person, since in hub.roster.idle.items() if since < last]
        hub.give_up(gone)
