"""The edge: speaks HTTP with clients, writes to Kafka, reads from Valkey and the history store.

Any number of edges run side by side; they share nothing but what those three hold.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import structlog
import uvloop
from aiohttp import web

from app import acts
from app.acts import Acts
from app.delivery.presence import Presences
from app.delivery.reads import Reads
from app.delivery.valkey import connect
from app.delivery.view import View
from app.errors import SettingError
from app.history.store import History
from app.in_force import InForce
from app.logs import set_up_logs
from app.patience import patiently
from app.provision import cluster_id, provision
from app.settings import Settings
from app.topics import TOPICS
from web import (
    cors,
    frames,
    health,
    members,
    message,
    messages,
    pages,
    poll,
    presence,
    problems,
    queue,
    reads,
    reports,
    rooms,
    rules,
    sanctions,
    search,
    stream,
    sync,
    tickets,
    typing,
    uploads,
)
from web.admission import Admission
from web.auth import Auth
from web.connections import Connections
from web.hub import Hub
from web.keys import (
    ACTS,
    ADMISSION,
    AUTH,
    CONNECTIONS,
    DRAINING,
    HISTORY,
    HUB,
    IN_FORCE,
    PRESENCES,
    READS,
    SENDS,
    SETTINGS,
    STREAMS,
    VIEW,
)
from web.sends import Sends
from web.server import runner

log = structlog.get_logger()

#: Seconds that requests under way get when the edge stops.
_PATIENCE = 8.0


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises `ParleyError` where it can't begin."""
    set_up_logs("edge")
    uvloop.run(_run(settings))


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serving(settings) as address:
        log.info("ready", address=address)
        await stop.wait()
        log.info("stopping")


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[str]:
    """An edge that serves at the address that this gives; drained and stopped at the end."""
    if not settings.secret:
        raise SettingError("PARLEY_SECRET", "", "at least 32 characters")
    async with AsyncExitStack() as stack:
        app = await _assemble(settings, stack)
        server = runner(app, handler_cancellation=True, shutdown_timeout=_PATIENCE)
        await server.setup()
        stack.push_async_callback(server.cleanup)
        await web.TCPSite(server, settings.host, settings.port, reuse_port=True).start()
        stack.push_async_callback(_drain, app)
        host, port = server.addresses[0][:2]
        yield f"http://{host}:{port}"


async def _assemble(settings: Settings, stack: AsyncExitStack) -> web.Application:
    await provision(settings, TOPICS)
    producer = acts.producer(settings)
    await producer.start()
    stack.push_async_callback(producer.stop)
    redis = connect(settings.redis)
    stack.push_async_callback(redis.aclose)
    history = History(settings.history_url)
    stack.push_async_callback(history.close)
    opening = asyncio.create_task(patiently("history", history.open))
    stack.callback(opening.cancel)

    app = web.Application(middlewares=[problems.problems], client_max_size=settings.body_limit)
    cors.add_cors(app)
    sends = Sends(settings, producer)
    view = View(redis, settings.partitions)
    app[READS] = Reads(redis, settings.partitions)
    app[PRESENCES] = Presences(redis)
    hub = Hub(
        redis,
        view,
        partitions=settings.partitions,
        edge=sends.edge,
        log_id=await cluster_id(settings),
        secret=settings.secret,
    )
    app[SETTINGS], app[VIEW], app[HISTORY], app[HUB], app[SENDS] = (
        settings,
        view,
        history,
        hub,
        sends,
    )
    app[AUTH], app[ADMISSION] = Auth(settings), Admission(hub)
    app[ACTS] = Acts(producer, settings.partitions)
    app[IN_FORCE] = now = InForce(settings)
    await now.start()
    stack.push_async_callback(now.stop)
    now.on_sanction = partial(sanctions.shut_out, app)
    app[CONNECTIONS] = Connections(producer, sends.edge, settings.partitions)
    streams: set[stream.StreamReader] = set()
    app[STREAMS], app[DRAINING] = streams, asyncio.Event()
    stack.push_async_callback(app[AUTH].close)
    await hub.start()
    stack.push_async_callback(hub.stop)
    await sends.listen(hub)
    _add_routes(app)
    for chore in (_ping(app), presence.say_alive(app)):
        stack.callback(asyncio.create_task(chore).cancel)
    return app


def _add_routes(app: web.Application) -> None:
    for part in (
        *(health, tickets, rooms, members, messages, message, search),
        *(reports, queue, rules, sanctions),
        *(reads, sync, typing, presence, uploads, stream, poll, pages),
    ):
        part.add_routes(app)


async def _ping(app: web.Application) -> None:
    """A sign of life on every stream, as an event, so that a page's own watchdog sees it."""
    while True:
        await asyncio.sleep(app[SETTINGS].ping)
        streams = app[STREAMS]
        for reader in tuple(streams):
            reader.write(frames.PING)


async def _drain(app: web.Application) -> None:
    """Say goodbye to streams, answer polls: they come back, to another edge if there is one."""
    app[DRAINING].set()
    everybody = [reader for readers in app[HUB].people.values() for reader in readers]
    for reader in everybody:
        reader.end("restart", "This edge stops; please reconnect.")
    await app[CONNECTIONS].drain()
