"""The states of agents in `chat.agents`: followed by every process of an agent, set by commands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from app.errors import Malformed
from app.events import AgentState, decode_agent_state, encode
from app.kafka.broadcast_reader import BroadcastReader
from app.kafka.producer import new_producer
from app.runtime.clock import now_ms
from app.settings import Settings
from app.topics import AGENTS, partition_of

log = structlog.get_logger()


class AgentStates:
    """The newest state of each agent; `changed` is called with each one after the start."""

    def __init__(
        self, settings: Settings, changed: Callable[[AgentState], None] = lambda _: None
    ) -> None:
        self.states: dict[str, AgentState] = {}
        self._changed = changed
        self._ready = False
        self._reader = BroadcastReader(settings, (AGENTS,), self._take)
        self._news = asyncio.Event()

    async def start(self) -> None:
        """Return when every state of now is known."""
        await self._reader.start()
        self._ready = True

    async def stop(self) -> None:
        """Stop following."""
        await self._reader.stop()

    def state(self, name: str) -> AgentState:
        """The state of an agent."""
        return state_of(self.states, name)

    async def wait_until_running(self, name: str) -> AgentState:
        """Return when the agent is not paused."""
        while (state := self.state(name)).paused:
            self._news.clear()
            await self._news.wait()
        return state

    def _take(self, record: Any) -> None:
        if not record.value:
            return
        try:
            state = decode_agent_state(record.value)
        except Malformed as error:
            log.warning("record skipped", topic=AGENTS, reason=str(error))
            return
        self.states[state.name] = state
        self._news.set()
        if self._ready:
            self._changed(state)


def state_of(states: Mapping[str, AgentState], name: str) -> AgentState:
    """The state of an agent: running with its first table, where nobody has set another."""
    return states.get(name) or AgentState(name=name, by="", at_ms=0)


async def read_states(settings: Settings) -> Mapping[str, AgentState]:
    """The states of all agents that anybody has set one of, as of now."""
    states = AgentStates(settings)
    await states.start()
    await states.stop()
    return states.states


async def set_state(
    settings: Settings, name: str, by: str, *, paused: bool, why: str = "", revision: int = 1
) -> AgentState:
    """Set the state of an agent; returns when Kafka has it."""
    state = AgentState(name=name, by=by, at_ms=now_ms(), paused=paused, why=why, revision=revision)
    producer = new_producer(settings)
    await producer.start()
    try:
        partition = partition_of(name, settings.partitions)
        await producer.send_and_wait(AGENTS, encode(state), name.encode(), partition)
    finally:
        await producer.stop()
    return state
