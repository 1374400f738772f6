"""The process of agents: `PARLEY_ONLY` names them, and this process runs them and nothing else."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import structlog

from app.agentkit.agent_files import AgentFile, find_agent
from app.agentkit.agent_states import AgentStates, set_state
from app.agentkit.declaration import Agent
from app.agentkit.registration import register
from app.errors import AgentError, ParleyError
from app.events import AgentState
from app.runtime.memory import limit_memory
from app.settings import Settings

log = structlog.get_logger()

#: Linux's file with the arguments of this process, each ended by a zero byte.
_ARGUMENTS: Final = Path("/proc/self/cmdline")


def chosen_agents(settings: Settings, files: list[AgentFile]) -> dict[str, AgentFile]:
    """The files of the agents that `PARLEY_ONLY` names, by agent.

    Raises `AgentError` for one whose file can't run, and `ParleyError` where other groups are named
    beside agents.
    """
    names = {name.strip() for name in settings.only.split(",") if name.strip()}
    found = {name: file for file in files for name in file.agents if name in names}
    if found and (others := names - found.keys()):
        raise ParleyError(
            f"PARLEY_ONLY names agents beside {', '.join(sorted(others))}: agents run in processes"
            " of their own"
        )
    for file in files:
        if file.mistake and file.path.stem in names - found.keys():
            raise AgentError(file.mistake)
    return found


class AgentProcess:
    """Agents that run here.

    `end` is called when one of them is to be paused, or to run in another revision: also while
    the process is starting.
    """

    def __init__(
        self, settings: Settings, files: Mapping[str, AgentFile], end: Callable[[], None]
    ) -> None:
        limit_memory(settings.agents_memory)
        self._settings = settings
        self._agents: list[Agent[Any]] = [
            find_agent(file.path, name) for name, file in files.items()
        ]
        self._states = AgentStates(settings, self._changed)
        self._revisions: dict[str, int] = {}
        self._pausing: set[asyncio.Task[AgentState]] = set()
        #: Whether the process is to be started again, when it has stopped in order.
        self.restarts = False
        self._end = end

    @asynccontextmanager
    async def states(self) -> AsyncIterator[None]:
        """Follow the states of agents meanwhile; begins when none of them is paused."""
        await self._states.start()
        try:
            for agent in self._agents:
                if self._states.state(agent.name).paused:
                    log.warning("agent is paused", agent=agent.name)
                state = await self._states.wait_until_running(agent.name)
                self._revisions[agent.name] = state.revision
            yield
        finally:
            await self._states.stop()

    def register(self) -> None:
        """Declare the agents' groups."""
        for agent in self._agents:
            register(agent, self._revisions[agent.name], self._pauser(agent))

    def _pauser(self, agent: Agent[Any]) -> Callable[[str], None]:
        def pause(why: str) -> None:
            log.error("agent pauses itself", agent=agent.name, why=why)
            task = asyncio.create_task(
                set_state(
                    self._settings,
                    agent.name,
                    by=agent.name,
                    paused=True,
                    why=why,
                    revision=self._revisions[agent.name],
                )
            )
            self._pausing.add(task)
            task.add_done_callback(self._pausing.discard)

        return pause

    def _changed(self, state: AgentState) -> None:
        known = self._revisions.get(state.name)
        if known is not None and (state.paused or state.revision != known):
            log.warning("agent's state has changed", agent=state.name, paused=state.paused)
            self.restarts = True
            self._end()


def restart() -> None:
    """Replace this process by a new one of the same command."""
    arguments = _ARGUMENTS.read_bytes().decode().split("\0")[1:-1]
    os.execv(sys.executable, [sys.executable, *arguments])
