"""The worker process: runs the agents' consumer groups, all or some, until a signal.

Any number of workers share the partitions. A worker that can't be sure what Kafka has ends; a
supervisor (`parley up`, a container, systemd) starts it again, and it continues at the last commit.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from functools import partial

import structlog
import uvloop
from prometheus_client.registry import Collector

from app.agentkit.agent_files import AgentFile, agent_files
from app.delivery.valkey import connect
from app.deployment.installation import Installation, record
from app.deployment.preparation import prepare
from app.deployment.watch import DeploymentWatch
from app.errors import ParleyError, SettingError
from app.kafka.admin import cluster_id
from app.kafka.patch_closed_transport import expect_closed_transports
from app.kafka.patch_header_keys import accept_any_header_key
from app.kafka.patch_rebootstrap import rebootstrap_from_settings
from app.kafka.topic_watch import watch_topics
from app.metrics.child_processes import ChildProcesses, socket_folder
from app.metrics.exposition import Exposition
from app.metrics.metrics_server import is_served, serve_metrics
from app.runtime.gc_tuning import GcPauses, collect_rarely
from app.runtime.logging import set_up_logging
from app.runtime.open_files import require_open_files
from app.runtime.starting import Stop, run_until_signal, waiting_for
from app.setting_names import nearest
from app.settings import Settings
from app.stream.consumer_groups import (
    ParleyApp,
    WorkerContext,
    activate,
    declared_topics,
    retry_topics,
)
from app.stream.fail_stop import EXIT_FAIL_STOP, fail_stop
from app.stream.groups import FAN_OUT, PIPELINE
from app.stream.rocksdb_options import FILES_OF_EMPTY
from app.stream.versions import check_versions
from app.topics import TOPICS, Topic, changelog
from app.worker.agent_discovery import discover
from app.worker.agent_process import AgentProcess, chosen_agents, restart
from app.worker.group_lock import group_locks
from app.worker.health_server import serve_health
from app.worker.own_processes import own_processes
from app.worker.stall_watchdog import watch_event_loop, watch_groups
from app.worker.valkey_memory import ValkeyMemory
from app.worker.worker_gauges import WorkerGauges

log = structlog.get_logger()

#: Open files of a worker that are not of tables: connections, code, logs.
_OTHER_FILES = 256

#: Seconds that an orderly stop may take.
_STOP_SECONDS = 20.0


def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT. Raises `ParleyError` where it can't start."""
    set_up_logging("worker")
    check_versions()
    rebootstrap_from_settings()
    expect_closed_transports()
    accept_any_header_key()
    uvloop.run(run_until_signal(partial(_run, settings)))


async def _run(settings: Settings, stop: Stop) -> None:
    context = activate(settings)
    files = agent_files(settings.agents)
    mine = chosen_agents(settings, files)
    if mine:
        await _run_agents(settings, context, mine, stop)
        return
    discover([file.path for file in files if file.is_plain])
    agents = [name for file in files for name in file.agents]
    chosen = _chosen(context.groups, settings.only, agents)
    if settings.only:
        await _serve(settings, chosen, stop)
        return
    prepared, others = asyncio.Event(), [file for file in files if not file.is_plain]
    with ExitStack() as stack:
        children = None
        if is_served(settings):
            wanted = settings.data / "sockets" / settings.worker_name
            children = ChildProcesses(stack.enter_context(socket_folder(wanted)))
        async with own_processes(settings, others, prepared, children):
            await _serve(settings, chosen, stop, prepared, children)


async def _run_agents(
    settings: Settings, context: WorkerContext, files: Mapping[str, AgentFile], stop: Stop
) -> None:
    """Run agents of the kit, and nothing else."""
    async with waiting_for(f"Kafka at {settings.broker}"):
        await prepare(settings, TOPICS)
    process = AgentProcess(settings, files, stop.set)
    async with process.states():
        process.register()
        try:
            await _serve(settings, context.groups, stop)
        except ParleyError:
            if not process.restarts:
                raise
    if process.restarts:
        restart()


async def _serve(
    settings: Settings,
    chosen: Mapping[str, ParleyApp],
    stop: Stop,
    prepared: asyncio.Event | None = None,
    children: ChildProcesses | None = None,
) -> None:
    _require_open_files(settings, chosen)
    topics = [*TOPICS, *_changelogs(chosen), *retry_topics(chosen.values())]
    topics += declared_topics(chosen.values())
    async with waiting_for(f"Kafka at {settings.broker}"):
        deployment = await prepare(settings, topics)
        now = Installation(deployment.id, await cluster_id(settings))
    if other := record(settings.data, now):
        log.warning("the data folder was last used with another deployment", other=other)
    if prepared is not None:
        prepared.set()
    async with (
        serve_health(settings, chosen),
        _metrics(settings, chosen, children),
        _tracing(settings, chosen),
    ):
        names = [topic.name for topic in topics]
        reasons: list[str] = []

        def end_because(reason: str) -> None:
            log.critical(f"{reason}, the worker ends")
            reasons.append(reason)
            stop.set()

        watching = asyncio.create_task(watch_topics(settings, names, end_because))
        watch = DeploymentWatch(settings, deployment, end_because)
        async with waiting_for(f"Kafka at {settings.broker}"):
            await watch.start()
        stop.started()
        async with group_locks(chosen, settings.worker_name):
            if not stop.is_set():
                await _work(settings, chosen, stop)
        watching.cancel()
        await watch.stop()
    if reasons:
        # Stopped in order: a member that comes back by its name gets the partitions that it had,
        # and the group may have been without the topic for a moment.
        raise ParleyError(reasons[0])


@asynccontextmanager
async def _metrics(
    settings: Settings, chosen: Mapping[str, ParleyApp], children: ChildProcesses | None
) -> AsyncIterator[None]:
    metrics = next(iter(chosen.values())).context.metrics
    for app in chosen.values():
        metrics.add_group(app.conf.id)
    publishes = FAN_OUT.name in chosen
    gauges = WorkerGauges(chosen)
    collectors: list[Collector] = [gauges]
    collectors += metrics.collectors(pipeline=PIPELINE.name in chosen, fan_out=publishes)
    refresh = [gauges.refresh]
    async with AsyncExitStack() as stack:
        if publishes and is_served(settings):
            redis = connect(settings.redis)
            stack.push_async_callback(redis.aclose)
            memory = ValkeyMemory(redis)
            collectors.append(memory)
            refresh.append(memory.refresh)
        await stack.enter_async_context(
            serve_metrics(settings, Exposition(collectors, refresh, children))
        )
        yield


@asynccontextmanager
async def _tracing(settings: Settings, chosen: Mapping[str, ParleyApp]) -> AsyncIterator[None]:
    """Make spans meanwhile, where the process has a stage of a message's way."""
    tracing = next(iter(chosen.values())).context.tracing
    if {PIPELINE.name, FAN_OUT.name} & chosen.keys():
        tracing.start("parley-worker", settings.worker_name)
    try:
        yield
    finally:
        await tracing.stop()


async def _work(settings: Settings, chosen: Mapping[str, ParleyApp], stop: asyncio.Event) -> None:
    with watch_event_loop(settings.stall):
        # Watched from the start: joining and recovery can stall, too.
        working = [
            asyncio.create_task(_run_groups(chosen)),
            asyncio.create_task(watch_groups(chosen, settings.stall)),
        ]
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([stopping, *working], return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            failed = next(task for task in working if task.done())
            fail_stop("the worker failed", failed.exception())
        for task in working:
            task.cancel()
        await _stop(chosen, working)


async def _run_groups(chosen: Mapping[str, ParleyApp]) -> None:
    await asyncio.gather(*(app.start() for app in chosen.values()))
    log.info("ready", groups=sorted(chosen))
    ended = (_fail_when_ended(name, app) for name, app in chosen.items())
    await asyncio.gather(collect_rarely(GcPauses()), *ended)


def _chosen(
    known: Mapping[str, ParleyApp], only: str, agents: Sequence[str] = ()
) -> dict[str, ParleyApp]:
    if not only:
        return {name: app for name, app in known.items() if not app.declared.apart}
    names = {name.strip() for name in only.split(",")}
    if unknown := sorted(names - known.keys()):
        groups = sorted([*known, *agents])
        meant = ", ".join(filter(None, (nearest(name, groups, cutoff=0.6) for name in unknown)))
        hint = f" (did you mean {meant}?)" if meant else ""
        takes = f"groups by comma{hint}; the groups are {', '.join(groups)}"
        raise SettingError("PARLEY_ONLY", ", ".join(unknown), takes)
    return {name: known[name] for name in sorted(names)}


def _require_open_files(settings: Settings, chosen: Mapping[str, ParleyApp]) -> None:
    """All partitions may become this worker's."""
    tables = sum(len(app.tables) for app in chosen.values())
    needed = tables * settings.partitions * (FILES_OF_EMPTY + 1) + _OTHER_FILES
    why = f"a worker with {tables} tables in {settings.partitions} partitions"
    require_open_files(needed, why)


def _changelogs(chosen: Mapping[str, ParleyApp]) -> list[Topic]:
    return [changelog(app.conf.id, table) for app in chosen.values() for table in app.tables]


async def _fail_when_ended(name: str, app: ParleyApp) -> None:
    await app.wait_until_stopped()
    fail_stop(f"group {name} ended by itself", app.crash_reason)


async def _stop(chosen: Mapping[str, ParleyApp], working: list[asyncio.Task[None]]) -> None:
    log.info("stopping")
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await asyncio.gather(*working, return_exceptions=True)
            await asyncio.gather(*(app.stop() for app in chosen.values()))
    except TimeoutError:
        log.warning("stopping took too long; uncommitted records will be processed again")
        os._exit(EXIT_FAIL_STOP)
    log.info("stopped")
