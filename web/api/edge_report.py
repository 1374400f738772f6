"""What this edge says of itself in Valkey: that it is alive, and what it has counted."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Final

from aiohttp import web

from app.delivery.edge_reports import EdgeReport
from app.delivery.presence import SAY_EVERY
from app.metrics import catalogue
from app.runtime.clock import now_ms
from app.runtime.retry import AWAY
from web.api.services import COMMANDS, CONNECTION_EVENTS, EDGE_REPORTS, HUB, SETTINGS

_STARTED_MS: Final = now_ms()


def edge_report(app: web.Application) -> EdgeReport:
    """The report of this moment."""
    metrics = app[HUB].metrics
    answered, delivery = metrics.send_seconds.of(), metrics.delivery_seconds.of()
    return EdgeReport(
        edge=app[COMMANDS].edge,
        at_ms=now_ms(),
        started_ms=_STARTED_MS,
        host=socket.gethostname(),
        pid=os.getpid(),
        streams=metrics.streams,
        polls=metrics.polls,
        sends={outcome: metrics.sends.value(outcome) for outcome in catalogue.SENDS.known},
        answered=answered.count,
        answered_seconds=answered.sum,
        delivered=metrics.delivered.value(),
        broadcasts=delivery.count,
        broadcast_seconds=delivery.sum,
    )


async def say_alive(app: web.Application) -> None:
    """Report every ten seconds that this edge is alive; only then do its streams count as open."""
    while True:
        try:
            await app[EDGE_REPORTS].say(edge_report(app))
        except AWAY:
            await asyncio.sleep(1)
            continue
        if app[SETTINGS].region:
            app[CONNECTION_EVENTS].alive()
        await asyncio.sleep(SAY_EVERY)
