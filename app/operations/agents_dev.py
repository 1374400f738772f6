"""`parley agents dev`: an agent that runs again whenever its file is saved."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from app.agentkit.agent_files import scan
from app.errors import AgentError
from app.local.supervisor import Command
from app.settings import Settings

#: Seconds between two looks at the file.
_LOOK_SECONDS: Final = 0.3

#: The worker's name of such a process: it shares the agent's group with others, if there are any.
_WORKER: Final = "dev"


async def run_dev(settings: Settings, file: Path) -> None:
    """Run the file's agents until SIGTERM or SIGINT; raises `AgentError` for a file without one."""
    if not scan(file).agents and not scan(file).mistake:
        raise AgentError(f"{file}: it declares no agent")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    running: Command | None = None
    known = 0
    try:
        while not stop.is_set():
            if (saved := _saved(file, known)) != known:
                known = saved
                if running is not None:
                    await running.stop()
                running = await _start(settings, file)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _LOOK_SECONDS)
    finally:
        if running is not None:
            await running.stop()


def _saved(file: Path, known: int) -> int:
    """When the file was saved; as known while an editor replaces it."""
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:
        return known


async def _start(settings: Settings, file: Path) -> Command | None:
    found = scan(file)
    if found.mistake:
        click.echo(found.mistake)
        return None
    names = ",".join(found.agents)
    click.echo(f"{file}: running {names}")
    own = replace(
        settings,
        agents=str(file.parent),
        only=names,
        worker=_WORKER,
        health_port=0,
        agents_show=True,
    )
    command = Command(["worker"], None, own.environ())
    await command.start()
    return command
