"""What a worker runs in processes of its own: agents of the kit, and subscriptions.

An agent that blocks, crashes or takes all memory so stops neither the chat nor another agent, and
a thousand slow endpoints take nothing from moderation and delivery.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from app.agentkit.agent_files import AgentFile
from app.local.supervisor import Command, Supervisor
from app.metrics.child_processes import ChildProcesses
from app.settings import Settings
from app.stream.groups import SUBSCRIPTIONS
from app.subscriptions.declarations import Subscriptions

log = structlog.get_logger()

_TICK_SECONDS: Final = 0.5
_PAUSE_SECONDS: Final = 2.0


@asynccontextmanager
async def own_processes(
    settings: Settings,
    files: Sequence[AgentFile],
    prepared: asyncio.Event,
    metrics: ChildProcesses | None,
) -> AsyncIterator[None]:
    """Run a process for each agent of the files meanwhile, and one for subscriptions if needed.

    `prepared` is set when the topics are there. `metrics` gets the processes, if they have any.
    """
    for file in files:
        if file.mistake:
            log.error("agents of a file can't run", why=file.mistake)
    supervisor = Supervisor(lambda text: log.warning(text))
    for name in [name for file in files for name in file.agents]:
        await supervisor.start(f"agent {name}", _worker_of(settings, name, metrics))
    watching = asyncio.create_task(_watch(supervisor))
    waiting = asyncio.create_task(_when_needed(settings, supervisor, prepared, metrics))
    try:
        yield
    finally:
        watching.cancel()
        waiting.cancel()
        await supervisor.stop(at_once=True)


def _worker_of(settings: Settings, name: str, metrics: ChildProcesses | None) -> Command:
    """A worker that runs this agent or group alone."""
    host = settings.prometheus_host if metrics is None else metrics.host(name)
    own = replace(settings, only=name, health_port=0, worker=settings.worker_name)
    own = replace(own, prometheus_port=0, prometheus_host=host)
    return Command(["worker"], None, own.environ())


async def _when_needed(
    settings: Settings,
    supervisor: Supervisor,
    prepared: asyncio.Event,
    metrics: ChildProcesses | None,
) -> None:
    """Start the process of subscriptions with the first one that events are sent to."""
    await prepared.wait()
    needed = await _is_needed(settings)
    while not needed:
        await asyncio.sleep(_PAUSE_SECONDS)
        needed = await _is_needed(settings)
    log.info("there are subscriptions, their process starts")
    own = _worker_of(settings, SUBSCRIPTIONS.name, metrics)
    await supervisor.start("subscriptions", own)


async def _is_needed(settings: Settings) -> bool:
    """Return when events are to be sent to somebody; false where Kafka could not be asked."""
    needed = asyncio.Event()

    def look(_: str) -> None:
        if any(one.url for one in followed.all.values()):
            needed.set()

    followed = Subscriptions(settings, look)
    try:
        await followed.start()
        await needed.wait()
    except (KafkaError, OSError):
        return False
    finally:
        await followed.stop()
    return True


async def _watch(supervisor: Supervisor) -> None:
    while True:
        await asyncio.sleep(_TICK_SECONDS)
        await supervisor.tick()
