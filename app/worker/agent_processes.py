"""A worker's agents of the kit: each in a process of its own, which a worker keeps running.

An agent that blocks, crashes or takes all memory so stops neither the chat nor another agent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

import structlog

from app.agentkit.agent_files import AgentFile
from app.local.supervisor import Command, Supervisor
from app.settings import Settings

log = structlog.get_logger()

_TICK_SECONDS: Final = 0.5


@asynccontextmanager
async def agent_processes(settings: Settings, files: Sequence[AgentFile]) -> AsyncIterator[None]:
    """Run a process for each agent of the files meanwhile."""
    for file in files:
        if file.mistake:
            log.error("agents of a file can't run", why=file.mistake)
    names = [name for file in files for name in file.agents]
    if not names:
        yield
        return
    supervisor = Supervisor(lambda text: log.warning(text))
    for name in names:
        own = replace(settings, only=name, health_port=0, worker=settings.worker_name)
        await supervisor.start(f"agent {name}", Command(["worker"], None, own.environ()))
    watching = asyncio.create_task(_watch(supervisor))
    try:
        yield
    finally:
        watching.cancel()
        await supervisor.stop(at_once=True)


async def _watch(supervisor: Supervisor) -> None:
    while True:
        await asyncio.sleep(_TICK_SECONDS)
        await supervisor.tick()
