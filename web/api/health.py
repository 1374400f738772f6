"""`/healthz`: the process lives. `/readyz`: it can serve; if not, the answer names the part."""

from __future__ import annotations

from aiohttp import web

from app.runtime.retry import AWAY
from web.api.services import BROKERS, DRAINING, HISTORY, HUB
from web.http.json_response import json


def add_routes(app: web.Application) -> None:
    """Add both routes."""
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)


async def healthz(_: web.Request) -> web.Response:
    """Always 200."""
    return json({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """200 where the edge can take sends and deliver, else 503; both list the state of each part.

    Everything but the history works without the history store, so its absence is no 503.
    """
    parts = {
        "kafka": "ok" if await request.app[BROKERS].answers() else "away",
        "valkey": "ok" if await request.app[HUB].hears() else "away",
        "history": await _history(request),
        "draining": "yes" if request.app[DRAINING].is_set() else "no",
    }
    ready = parts["kafka"] == parts["valkey"] == "ok" and parts["draining"] == "no"
    return json({"ready": ready, **parts}, 200 if ready else 503)


async def _history(request: web.Request) -> str:
    try:
        await request.app[HISTORY].ping()
    except AWAY:
        return "away"
    return "ok"
