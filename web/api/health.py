"""`/healthz`: the process lives. `/readyz`: it can serve, and if not, what is missing."""

from __future__ import annotations

import orjson
from aiohttp import web

from app.runtime.retry import AWAY
from web.api.services import BROKERS, DRAINING, HISTORY, HUB


def add_routes(app: web.Application) -> None:
    """Serve both."""
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)


async def healthz(_: web.Request) -> web.Response:
    """Always 200."""
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """200 where people can send and read live; 503 where not; each part's state in both.

    Without the history store the rest goes on, so that alone takes no edge out of service.
    """
    parts = {
        "kafka": "ok" if await request.app[BROKERS].answers() else "away",
        "valkey": "ok" if request.app[HUB].subscription.connected else "away",
        "history": await _history(request),
        "draining": "yes" if request.app[DRAINING].is_set() else "no",
    }
    ready = parts["kafka"] == parts["valkey"] == "ok" and parts["draining"] == "no"
    return web.Response(
        status=200 if ready else 503,
        body=orjson.dumps({"ready": ready, **parts}),
        content_type="application/json",
    )


async def _history(request: web.Request) -> str:
    try:
        await request.app[HISTORY].ping()
    except AWAY:
        return "away"
    return "ok"
