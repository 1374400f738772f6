"""A worker's `/healthz` and `/readyz`: the process lives; each of its groups does its work."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import faust
import orjson
from aiohttp import web

from app.kafka.liveness import BrokerProbe
from app.runtime.addresses import ANY_IPV6, bound_to_any
from app.runtime.heartbeat import heartbeat_of
from app.settings import Settings

#: States of a group that has no records yet, and will have.
STARTING = ("joining", "rebalancing", "recovering")


def state(app: faust.App) -> str:
    """The state of a group: `ok`, one of `STARTING`, or `waiting for` a store."""
    if app.rebalancing:  # Faust resets this when the tables are recovered
        return "recovering" if app.in_recovery else "rebalancing"
    if not app.flow_control.is_active():
        return "recovering" if app.consumer_generation_id else "joining"
    store = heartbeat_of(app.conf.id).waits_for
    return f"waiting for {store}" if store else "ok"


@asynccontextmanager
async def serve_health(settings: Settings, apps: Mapping[str, faust.App]) -> AsyncIterator[None]:
    """Serve on `PARLEY_HEALTH_PORT` meanwhile, if it is set."""
    if not settings.health_port:
        yield
        return
    brokers = BrokerProbe(settings)

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        groups = {name: state(app) for name, app in apps.items()}
        kafka = "ok" if await brokers.answers() else "away"
        ready = kafka == "ok" and set(groups.values()) == {"ok"}
        body = orjson.dumps({"ready": ready, "kafka": kafka, "groups": groups})
        return web.Response(
            status=200 if ready else 503, body=body, content_type="application/json"
        )

    server = web.Application()
    server.router.add_get("/healthz", healthz)
    server.router.add_get("/readyz", readyz)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    try:
        await _site(runner, settings.host, settings.health_port).start()
        yield
    finally:
        await runner.cleanup()


def _site(runner: web.AppRunner, host: str, port: int) -> web.BaseSite:
    if host == ANY_IPV6:
        return web.SockSite(runner, bound_to_any(port))
    return web.TCPSite(runner, host, port)
