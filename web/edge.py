"""The edge: speaks HTTP with clients, writes to Kafka, reads from Valkey and the history store.

Any number of edges run side by side; they share only the contents of Kafka, Valkey and the history
store.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from secrets import token_hex
from types import ModuleType

import structlog
import uvloop
from aiohttp import web

from app.delivery import keys
from app.delivery.direct_claims import DirectClaims
from app.delivery.edge_reports import EdgeReports
from app.delivery.epoch_gate import gate_of, open_gate
from app.delivery.presence import Presences
from app.delivery.read_marks import ReadMarks
from app.delivery.shared_buckets import SharedBuckets
from app.delivery.valkey import connect
from app.delivery.view import View
from app.deployment.log_reader import LogReader
from app.deployment.preparation import ensure_derived_keys, prepare
from app.deployment.watch import DeploymentWatch
from app.domain.deployment import Deployment
from app.errors import ParleyError, SettingError
from app.events import Verdict
from app.history.store import History
from app.kafka.liveness import BrokerProbe
from app.kafka.log_positions import last_position
from app.kafka.patch_batch_expiry import expire_batches
from app.kafka.patch_closed_transport import expect_closed_transports
from app.kafka.patch_header_keys import accept_any_header_key
from app.kafka.patch_rebootstrap import rebootstrap_from_settings
from app.kafka.producer import new_producer
from app.kafka.resilient_producer import ResilientProducer
from app.kafka.topic_watch import watch_topics
from app.metrics.edge_metrics import EdgeMetrics
from app.metrics.exposition import Exposition
from app.metrics.metrics_server import serve_metrics
from app.moderation.active_rules import ActiveRules
from app.moderation.audit_log import AuditLog
from app.moderation.revoked_tokens import RevokedTokens
from app.push.notify_directory import NotifyDirectory
from app.runtime.addresses import url_of
from app.runtime.clock import now_ms
from app.runtime.derived_keys import KeyRing, Purpose
from app.runtime.gc_tuning import GcPauses, collect_rarely
from app.runtime.logging import set_up_logging
from app.runtime.open_files import raise_open_files
from app.runtime.retry import AWAY, retry_while_away
from app.runtime.starting import Stop, run_until_signal, waiting_for
from app.setting_values import without_password
from app.settings import Settings
from app.subscriptions.declarations import Subscriptions
from app.subscriptions.incoming_hooks import IncomingHooks
from app.subscriptions.pull_readers import PullReaders
from app.topics import DEPLOYMENT, REVOCATIONS, RULES, SANCTIONS, TOPICS
from app.tracing.tracing import Tracing
from web.api import routes, sanctions
from web.api.callers import limit_middleware
from web.api.edge_report import edge_report, say_alive
from web.api.room_ids import Homes
from web.api.services import (
    ACTIVE_RULES,
    AUDIT_LOG,
    AUTHENTICATOR,
    BROKERS,
    COMMANDS,
    CONNECTION_EVENTS,
    DIRECT_CLAIMS,
    DRAINING,
    EDGE_REPORTS,
    HISTORY,
    HOMES,
    HUB,
    INCOMING_HOOKS,
    LIMITS,
    NOTIFY,
    OPERATOR_FEED,
    PRESENCES,
    PRODUCER,
    PULL_READERS,
    READ_MARKS,
    REVOKED_TOKENS,
    SETTINGS,
    SUBSCRIPTIONS,
    TRACING,
    VIEW,
)
from web.auth.authenticator import Authenticator
from web.http import cors
from web.http.problem import problem_middleware
from web.hub.admission import Admission
from web.hub.admission_batches import LogEnds
from web.hub.broadcast import sender
from web.hub.delivery_state import DeliveryState
from web.hub.housekeeping import drop_idle_users, find_lost_events
from web.hub.hub import Hub
from web.limits.limits import Limits
from web.native.loader import built
from web.operator.operator_feed import OperatorFeed
from web.producer.command_sender import CommandSender
from web.producer.connection_events import ConnectionEvents
from web.producer.late_verdict import late_verdict
from web.server.aiohttp_bridge import close_after_unknown_length
from web.server.connection_manager import ConnectionManager
from web.server.edge_gauges import EdgeGauges
from web.server.listener import app_runner, handler_factory, hide_version, listen
from web.server.native_polls import NativePolls
from web.server.raw_responses import RawResponses
from web.server.session_context import SessionContext
from web.server.sse_stream import StreamLimits
from web.shutdown import Shutdown

log = structlog.get_logger()

#: Seconds that aiohttp gives requests, twice, which are still under way when the edge has stopped.
_AIOHTTP_SECONDS = 0.3

_pauses = GcPauses()


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises `ParleyError` where the edge can't begin."""
    set_up_logging("edge")
    raise_open_files()
    rebootstrap_from_settings()
    expect_closed_transports()
    accept_any_header_key()
    expire_batches()
    uvloop.run(run_until_signal(partial(_serve, settings)))


async def _serve(settings: Settings, stop: Stop) -> None:
    reasons: list[str] = []

    def end_because(reason: str) -> None:
        reasons.append(reason)
        stop.set()

    async with serving(settings, end_because) as address:
        stop.started()
        log.info("ready", address=address)
        await stop.wait()
        log.info("stopping", gc_ms=round(_pauses.longest_ms, 1))
    if reasons:
        # Another process begins with what there is now. Clients come back to it.
        raise ParleyError(reasons[0])


@asynccontextmanager
async def serving(
    settings: Settings, end_because: Callable[[str], None] = lambda _: None
) -> AsyncIterator[str]:
    """Serve at the address that this yields; drain and stop at the end.

    `end_because` is called with a reason where this edge must not go on: the log has begun an
    epoch, or a topic that it reads whole was created anew.
    """
    if not settings.secret:
        raise SettingError("PARLEY_SECRET", "", "at least 32 characters")
    async with AsyncExitStack() as stack:
        shutdown = Shutdown()
        async with waiting_for(f"Kafka at {settings.broker}"):
            deployment = await prepare(settings, TOPICS)
            deployment = await ensure_derived_keys(settings, deployment)
            producer = await _producer(settings, stack, shutdown)
        app = await _application(settings, deployment, producer, stack, shutdown)
        watch = DeploymentWatch(
            settings, deployment, end_because, adopt=partial(_adopt, settings, app[HUB].state)
        )
        async with waiting_for(f"Kafka at {settings.broker}"):
            await watch.start()
        stack.push_async_callback(shutdown.end, "deployment", watch.stop)
        events = ConnectionEvents(producer, app[COMMANDS].edge, settings.partitions)
        app[CONNECTION_EVENTS] = events
        aiohttp = app_runner(app, handler_cancellation=True, shutdown_timeout=_AIOHTTP_SECONDS)
        await aiohttp.setup()
        stack.push_async_callback(shutdown.end, "requests", aiohttp.cleanup)
        assert aiohttp.server is not None
        context = session_context(
            settings,
            app[HUB],
            app[AUTHENTICATOR],
            events,
            partial(_log_ends, settings),
            _native(settings, "_polls"),
            app[LIMITS],
        )
        if context.native_polls is not None:
            stack.callback(context.native_polls.close)
        manager = ConnectionManager(context, handler_factory(aiohttp.server), settings.ping)
        app[AUTHENTICATOR].on_change = manager.recheck
        counted = app[HUB].metrics.collectors()
        exposition = Exposition([EdgeGauges(app[HUB], manager), *counted])
        await stack.enter_async_context(serve_metrics(settings, exposition))
        listening = await listen(settings, manager.accept)
        stack.push_async_callback(shutdown.drain, app, manager, events, listening)
        for task in (
            *(manager.ping(), events.watch_polls(), say_alive(app)),
            app[LIMITS].limiter.run(),
            watch_topics(settings, (RULES, SANCTIONS, REVOCATIONS, DEPLOYMENT), end_because),
            *(find_lost_events(app[HUB]), drop_idle_users(app[HUB]), collect_rarely(_pauses)),
        ):
            stack.callback(asyncio.create_task(task).cancel)
        host, port = listening.sockets[0].getsockname()[:2]
        yield url_of(host, port)


def _adopt(settings: Settings, state: DeliveryState, now: Deployment) -> bool:
    """Whether the edge goes on in the log's new epochs: of homes that this region has taken over.

    With another one the view has events that are no part of the log any more, until it is made
    anew.
    """
    known = state.deployment.epochs
    over = all(one.lost and one.home == settings.region for one in now.epochs[len(known) :])
    return over and state.adopt(now)


def session_context(
    settings: Settings,
    hub: Hub,
    authenticator: Authenticator,
    connection_events: ConnectionEvents,
    log_ends: LogEnds,
    native: ModuleType | None,
    request_limits: Limits,
) -> SessionContext:
    """The parts that serve streams and polls; `native` is `web.native._polls`, if it was built."""
    responses = RawResponses(settings.origins)
    polls = None if native is None else NativePolls(native, hub.state, authenticator, responses)
    if polls is not None:
        hub.state.before_delivery(polls.receive_before_delivery)
    return SessionContext(
        state=hub.state,
        metrics=hub.metrics,
        admission=Admission(hub, log_ends),
        authenticator=authenticator,
        connection_events=connection_events,
        responses=responses,
        limits=StreamLimits(settings.buffer_events, settings.buffer_bytes, settings.retry_ms),
        request_limits=request_limits,
        max_streams=settings.streams,
        mean_stream_life=settings.stream_life,
        native_polls=polls,
        ending=asyncio.Event(),
    )


async def _producer(
    settings: Settings, stack: AsyncExitStack, shutdown: Shutdown
) -> ResilientProducer:
    producer = ResilientProducer(partial(new_producer, settings))
    await producer.start()
    stack.push_async_callback(shutdown.end, "producer", producer.stop)
    return producer


async def _application(
    settings: Settings,
    deployment: Deployment,
    producer: ResilientProducer,
    stack: AsyncExitStack,
    shutdown: Shutdown,
) -> web.Application:
    """aiohttp's application with the API, and the parts that its handlers need."""
    redis = connect(settings.redis)
    stack.push_async_callback(shutdown.end, "valkey", redis.aclose)
    history = History(settings.history_url)
    stack.push_async_callback(shutdown.end, "history", history.close)
    opening = asyncio.create_task(retry_while_away("history", history.open))
    stack.callback(opening.cancel)

    app = web.Application(middlewares=[problem_middleware], client_max_size=settings.body_limit)
    cors.add_cors(app, settings.origins)
    app.middlewares.insert(0, limit_middleware)
    app.on_response_prepare.append(close_after_unknown_length)
    app.on_response_prepare.append(hide_version)
    gate = gate_of(deployment)
    opening_gate = asyncio.create_task(open_gate(gate, redis, deployment, settings.partitions))
    stack.callback(opening_gate.cancel)
    view = View(redis, settings.partitions, gate=gate)
    derived = deployment.derives_keys(now_ms())
    ring = KeyRing(settings.secret, settings.secret_other, derived=derived)
    #: This edge's name; no other process has it, or will have it.
    edge = token_hex(6)
    tracing = Tracing(settings)
    tracing.start("parley-edge", edge)
    stack.push_async_callback(shutdown.end, "traces", tracing.stop)
    metrics = EdgeMetrics()
    hub = Hub(
        redis,
        View(redis, settings.partitions, partial=True),
        partitions=settings.partitions,
        edge=edge,
        deployment=deployment,
        cursor_keys=[one.key for one in ring.keys(Purpose.CURSOR, b"cursor")],
        send=sender(_native(settings, "_broadcast")),
        metrics=metrics,
        gate=gate,
        tracing=tracing,
    )
    commands = CommandSender(settings, producer, edge, partial(_tell_late, hub, view), metrics)
    app[SETTINGS], app[VIEW], app[HISTORY] = settings, view, history
    app[HUB], app[COMMANDS], app[TRACING] = hub, commands, tracing
    app[HOMES] = Homes(settings, lambda: hub.state.deployment)
    app[READ_MARKS] = ReadMarks(redis, settings.partitions, gate=gate)
    app[PRESENCES] = Presences(redis, settings.partitions)
    app[DIRECT_CLAIMS] = DirectClaims(redis)
    app[PRODUCER] = producer
    app[BROKERS] = BrokerProbe(settings)
    app[AUDIT_LOG] = AuditLog(producer, settings.partitions)
    app[ACTIVE_RULES] = rules = ActiveRules(settings)
    app[REVOKED_TOKENS] = revoked = RevokedTokens(settings)
    app[INCOMING_HOOKS] = hooks = IncomingHooks(settings)
    app[SUBSCRIPTIONS] = subscriptions = Subscriptions(settings)
    app[NOTIFY] = notify = NotifyDirectory(settings)
    app[AUTHENTICATOR] = Authenticator(settings, rules.sanction, revoked, ring)
    app[LIMITS] = Limits(settings, SharedBuckets(redis, edge))
    app[DRAINING] = asyncio.Event()
    app[EDGE_REPORTS] = reports = EdgeReports(redis)
    app[OPERATOR_FEED] = OperatorFeed(
        settings, reports, rules, partial(edge_report, app), lambda: hub.state.deployment
    )
    stack.push_async_callback(shutdown.end, "operators", app[OPERATOR_FEED].close)
    async with waiting_for(f"Kafka at {settings.broker}"):
        await rules.start()
        stack.push_async_callback(shutdown.end, "rules in force", rules.stop)
        await revoked.start()
        stack.push_async_callback(shutdown.end, "revoked tokens", revoked.stop)
        await hooks.start()
        stack.push_async_callback(shutdown.end, "incoming hooks", hooks.stop)
        await subscriptions.start()
        stack.push_async_callback(shutdown.end, "subscriptions", subscriptions.stop)
        await notify.start()
        stack.push_async_callback(shutdown.end, "notify levels", notify.stop)
    app[PULL_READERS] = pulled = PullReaders(settings, redis, deployment.origin)
    pulled.start()
    stack.push_async_callback(shutdown.end, "pulled subscriptions", pulled.stop)
    rules.on_sanction = partial(sanctions.shut_out, app)
    revoked.on_revoked = app[AUTHENTICATOR].recheck
    stack.push_async_callback(shutdown.end, "keys", app[AUTHENTICATOR].close)
    # Before the start, which may be ended while it waits.
    stack.push_async_callback(shutdown.end, "hub", hub.stop)
    async with waiting_for(f"Valkey at {without_password(settings.redis)}"):
        await hub.start()
        await hub.listen(keys.edge(commands.edge), commands.take_verdict)
    routes.add_routes(app)
    return app


def _tell_late(hub: Hub, view: View, verdict: Verdict) -> None:
    if (state := late_verdict(verdict)) is not None:
        hub.spawn(_tell(view, verdict.by, state))


async def _tell(view: View, user: str, state: bytes) -> None:
    with suppress(*AWAY):
        await view.publish_to_user(user, state)


async def _log_ends(settings: Settings) -> list[int]:
    """The `pos` that comes next in each partition of the log."""
    async with LogReader(settings) as reader:
        places = range(settings.partitions)
        return [(await last_position(reader, partition)).pos + 1 for partition in places]


def _native(settings: Settings, name: str) -> ModuleType | None:
    native = built(name) if settings.native else None
    if settings.native and native is None:
        log.info("without a part in C: there was no compiler when Parley was set up", part=name)
    return native
