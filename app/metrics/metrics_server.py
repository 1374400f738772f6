"""The server of `/metrics`, on a port of its own, which no client of the chat is to reach."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

from app.metrics.child_processes import UNIX
from app.metrics.exposition import Exposition
from app.metrics.text_format import CONTENT_TYPE
from app.runtime.addresses import ANY_IPV6, bound_to_any, url_of
from app.settings import Settings

log = structlog.get_logger()


@asynccontextmanager
async def serve_metrics(settings: Settings, exposition: Exposition) -> AsyncIterator[None]:
    """Serve on `PARLEY_PROMETHEUS_PORT` meanwhile, if it is set.

    Where it can't listen there, the log has the error: a chat without metrics is better than none,
    and Prometheus has an alert for it.
    """
    if not is_served(settings):
        yield
        return

    async def metrics(_: web.Request) -> web.Response:
        text = await exposition.text()
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE})

    server = web.Application()
    server.router.add_get("/metrics", metrics)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    try:
        address = _address(settings)
        try:
            await _site(runner, settings).start()
        except OSError as error:
            log.error("no metrics", address=address, why=str(error))
        else:
            log.info("metrics", address=address)
        yield
    finally:
        await runner.cleanup()


def is_served(settings: Settings) -> bool:
    """Whether the settings say where `/metrics` is."""
    return bool(settings.prometheus_port) or settings.prometheus_host.startswith(UNIX)


def _address(settings: Settings) -> str:
    if settings.prometheus_host.startswith(UNIX):
        return settings.prometheus_host
    return url_of(settings.prometheus_host, settings.prometheus_port)


def _site(runner: web.AppRunner, settings: Settings) -> web.BaseSite:
    if settings.prometheus_host.startswith(UNIX):
        return web.UnixSite(runner, settings.prometheus_host.removeprefix(UNIX))
    if settings.prometheus_host == ANY_IPV6:
        return web.SockSite(runner, bound_to_any(settings.prometheus_port))
    return web.TCPSite(runner, settings.prometheus_host, settings.prometheus_port)
