"""The edge: speaks HTTP with clients, writes to Kafka, reads from Valkey and the history store.

Any number of edges run side by side; they share nothing but what those three hold.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from types import ModuleType

import structlog
import uvloop
from aiohttp import web

from app.delivery.presence import Presences
from app.delivery.read_marks import ReadMarks
from app.delivery.valkey import connect
from app.delivery.view import View
from app.errors import SettingError
from app.events import Verdict
from app.history.store import History
from app.kafka.admin import cluster_id, provision
from app.kafka.liveness import BrokerProbe
from app.kafka.partition_reader import PartitionReader
from app.kafka.patch_header_keys import accept_any_header_key
from app.kafka.patch_rebootstrap import rebootstrap_from_settings
from app.kafka.resilient_producer import ResilientProducer
from app.moderation import audit_log as acts
from app.moderation.active_rules import ActiveRules
from app.moderation.audit_log import AuditLog
from app.runtime.gc_tuning import GcPauses, collect_rarely
from app.runtime.logging import set_up_logging
from app.runtime.retry import AWAY, retry_while_away
from app.settings import Settings
from app.topics import LOG, TOPICS
from web.api import presence, routes, sanctions
from web.api.services import (
    ACTS,
    ADMISSION,
    AUTH,
    BROKERS,
    CONNECTIONS,
    DRAINING,
    HISTORY,
    HUB,
    IN_FORCE,
    PRESENCES,
    READS,
    SENDS,
    SETTINGS,
    VIEW,
)
from web.auth.authenticator import Auth
from web.http import cors
from web.http import problem as problems
from web.hub.admission import Admission
from web.hub.herd import giver
from web.hub.housekeeping import give_up_idle, watch_tails
from web.hub.hub import Hub
from web.native.loader import built
from web.producer.command_sender import Sends
from web.producer.connection_events import Connections
from web.producer.late import late
from web.server.aiohttp_bridge import end_with_chunks
from web.server.connection_manager import Entrance
from web.server.listener import handlers, open_door, runner
from web.shutdown import Stopping

log = structlog.get_logger()

#: Seconds that aiohttp gives requests, twice, which are still under way when the edge has stopped.
_PATIENCE = 0.3

_pauses = GcPauses()


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises `ParleyError` where it can't begin."""
    set_up_logging("edge")
    rebootstrap_from_settings()
    accept_any_header_key()
    uvloop.run(_run(settings))


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serving(settings) as address:
        log.info("ready", address=address)
        await stop.wait()
        log.info("stopping", gc_ms=round(_pauses.longest_ms, 1))


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[str]:
    """An edge that serves at the address that this gives; drained and stopped at the end."""
    if not settings.secret:
        raise SettingError("PARLEY_SECRET", "", "at least 32 characters")
    async with AsyncExitStack() as stack:
        stopping = Stopping()
        app = await _assemble(settings, stack, stopping)
        aiohttp = runner(app, handler_cancellation=True, shutdown_timeout=_PATIENCE)
        await aiohttp.setup()
        stack.push_async_callback(stopping.end, "requests", aiohttp.cleanup)
        assert aiohttp.server is not None
        entrance = Entrance(
            settings,
            app[HUB],
            app[ADMISSION],
            app[AUTH],
            app[CONNECTIONS],
            handlers(aiohttp.server),
            _native(settings, "_polls"),
        )
        stack.callback(entrance.close)
        listening = await open_door(settings, entrance.front)
        stack.push_async_callback(stopping.drain, app, entrance, listening)
        for chore in (
            *(entrance.ping(), entrance.connections.watch_polls(), presence.say_alive(app)),
            *(watch_tails(app[HUB]), give_up_idle(app[HUB]), collect_rarely(_pauses)),
        ):
            stack.callback(asyncio.create_task(chore).cancel)
        host, port = listening.sockets[0].getsockname()[:2]
        yield f"http://{host}:{port}"


async def _assemble(
    settings: Settings, stack: AsyncExitStack, stopping: Stopping
) -> web.Application:
    await provision(settings, TOPICS)
    producer = ResilientProducer(partial(acts.producer, settings))
    await producer.start()
    stack.push_async_callback(stopping.end, "producer", producer.stop)
    redis = connect(settings.redis)
    stack.push_async_callback(stopping.end, "valkey", redis.aclose)
    history = History(settings.history_url)
    stack.push_async_callback(stopping.end, "history", history.close)
    opening = asyncio.create_task(retry_while_away("history", history.open))
    stack.callback(opening.cancel)

    app = web.Application(middlewares=[problems.problems], client_max_size=settings.body_limit)
    cors.add_cors(app)
    app.on_response_prepare.append(end_with_chunks)
    sends = Sends(settings, producer)
    view = View(redis, settings.partitions)
    app[READS] = ReadMarks(redis, settings.partitions)
    app[PRESENCES] = Presences(redis)
    hub = Hub(
        redis,
        View(redis, settings.partitions, partial=True),
        partitions=settings.partitions,
        edge=sends.edge,
        log_id=await cluster_id(settings),
        secret=settings.secret,
        give=giver(_native(settings, "_broadcast")),
    )
    app[SETTINGS], app[VIEW], app[HISTORY], app[HUB], app[SENDS] = (
        settings,
        view,
        history,
        hub,
        sends,
    )
    app[BROKERS] = BrokerProbe(settings)
    app[ACTS] = AuditLog(producer, settings.partitions)
    app[IN_FORCE] = now = ActiveRules(settings)
    app[AUTH] = Auth(settings, now.sanction)
    app[ADMISSION] = Admission(hub, partial(_ends, settings))
    await now.start()
    stack.push_async_callback(stopping.end, "rules in force", now.stop)
    now.on_sanction = partial(sanctions.shut_out, app)
    app[CONNECTIONS] = Connections(producer, sends.edge, settings.partitions)
    app[DRAINING] = asyncio.Event()
    stack.push_async_callback(stopping.end, "keys", app[AUTH].close)
    await hub.start()
    stack.push_async_callback(stopping.end, "hub", hub.stop)
    sends.on_late = partial(_tell_late, hub, view)
    await sends.listen(hub)
    routes.add_routes(app)
    return app


def _tell_late(hub: Hub, view: View, verdict: Verdict) -> None:
    if (state := late(verdict)) is not None:
        hub.spawn(_tell(view, verdict.by, state))


async def _tell(view: View, user: str, state: bytes) -> None:
    with suppress(*AWAY):
        await view.publish_to_user(user, state)


async def _ends(settings: Settings) -> list[int]:
    async with PartitionReader(settings) as reader:
        return await reader.ends(LOG, settings.partitions)


def _native(settings: Settings, name: str) -> ModuleType | None:
    native = built(name) if settings.native else None
    if settings.native and native is None:
        log.info("without a part in C: there was no compiler when Parley was set up", part=name)
    return native
