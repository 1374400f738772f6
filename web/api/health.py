"""`/healthz`: the process lives. `/readyz`: it can serve; if not, the answer names the part."""

from __future__ import annotations

from typing import Literal

import msgspec
from aiohttp import web

from app.runtime.retry import AWAY
from web.api.services import BROKERS, DRAINING, HISTORY, HUB
from web.description.operation import Caller, Operation, described
from web.http.json_response import json


class Alive(msgspec.Struct):
    """The process lives; `deployment` tells installations apart."""

    status: Literal["ok"]
    deployment: str


class Readiness(msgspec.Struct):
    """Whether the edge can serve, and the state of each part that it needs."""

    ready: bool
    kafka: Literal["ok", "away"]
    valkey: Literal["ok", "away"]
    history: Literal["ok", "away"]
    draining: Literal["yes", "no"]


def add_routes(app: web.Application) -> None:
    """Add both routes."""
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)


@described(Operation({200: Alive}, caller=Caller.NOBODY))
async def healthz(request: web.Request) -> web.Response:
    """Whether the process lives: always 200, with the id of its deployment."""
    return json({"status": "ok", "deployment": request.app[HUB].state.deployment.id})


@described(Operation({200: Readiness, 503: Readiness}, caller=Caller.NOBODY))
async def readyz(request: web.Request) -> web.Response:
    """Whether the edge can serve: 200, else 503; both list the state of each part.

    Ready is an edge that can take sends and deliver. Everything but the history works without the
    history store, so its absence is no 503.
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
