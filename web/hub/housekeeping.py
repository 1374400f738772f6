"""Periodic work of the hub: finding lost last events, and dropping idle users."""

from __future__ import annotations

import asyncio

import structlog

from app.runtime.retry import AWAY
from web.hub.hub import PROBE, Hub

log = structlog.get_logger()

#: Seconds that a room stays subscribed after its last subscriber: polls and streams come back.
LINGER = 30.0

#: Seconds between checks for lost last events. Each check covers a quarter of the rooms, so that a
#: lost one is found and repaired within 5 s; or this many rooms, where there are few.
CHECK_INTERVAL = 1.0
CHECK_ROOMS = 200


async def find_lost_events(hub: Hub) -> None:
    """Find a lost last event of a room, which no later event would reveal.

    And a connection that has gone silent without an end: no answer to a send would come, although
    the edge has no room to look at.
    """
    start = 0
    while True:
        await asyncio.sleep(CHECK_INTERVAL)
        rooms = list(hub.registry.rooms.values())
        start = start if start < len(rooms) else 0
        some = rooms[start : start + max(CHECK_ROOMS, len(rooms) // 4 + 1)]
        start += len(some)
        try:
            async with asyncio.timeout(4 * CHECK_INTERVAL):
                await hub.markers.sync(some, () if some else PROBE)
        except AWAY as error:
            log.warning("a marker did not come back, connecting again", error=str(error))
            hub.reconnect()


async def drop_idle_users(hub: Hub) -> None:
    """Drop users who have had no subscriber for a while."""
    while True:
        await asyncio.sleep(LINGER / 4)
        last = asyncio.get_running_loop().time() - LINGER
        # A user who came back is no longer among the idle ones.
        idle = [user for user, since in hub.registry.idle.items() if since < last]
        hub.state.drop(idle)
