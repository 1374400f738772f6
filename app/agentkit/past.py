"""An agent over the real past: its handlers run, and nothing that they ask for is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Final, NamedTuple, TypeVar

from app.agentkit.calls import OutsideCalls
from app.agentkit.declaration import Agent
from app.agentkit.effects import VALUE, scope_of
from app.agentkit.kinds import DECODERS
from app.agentkit.machine import Machine, Outcome
from app.agentkit.memory_entries import MemoryEntries
from app.agentkit.occasion import Occasion, occasion_of
from app.agentkit.rates import RoomRates
from app.agentkit.timers import Timers
from app.domain.agents.causes import PREFIX
from app.errors import AgentError, Malformed
from app.events import POS, AnyCommand, MessageCreated, position_of
from app.kafka.log_positions import header_of
from app.kafka.partition_reader import PartitionReader
from app.topics import LOG, VERDICTS

R = TypeVar("R")

#: How often a replay tells how far it is: each so many records.
_TOLD: Final = 1000


class Failure(NamedTuple):
    """An event of the past that the agent failed on."""

    occasion: Occasion
    reason: str


class NoCalls:
    """Refuses calls outside: a replay must not ask a service for what it has been asked before."""

    async def call(
        self,
        function: Callable[..., Awaitable[R]],
        arguments: tuple[Any, ...],  # noqa: ARG002 - as `Calls`
        key: str,  # noqa: ARG002
    ) -> R:
        """Never a result."""
        raise AgentError(f"{function.__name__} is not called in a replay: say --call")


class Past:
    """One agent's run over the past: what it says, and the table that it ends with.

    `commands` are the commands by client id, in order. `versions` has the version of each key of
    the table. `spoken` has the agent's own messages that are in the log, by client id.
    """

    def __init__(self, agent: Agent[Any], *, calls: bool = False) -> None:
        self.agent = agent
        self.entries = MemoryEntries()
        self.versions: dict[str, int] = {}
        self.commands: dict[str, AnyCommand] = {}
        self.spoken: dict[str, MessageCreated] = {}
        self.failures: list[Failure] = []
        self.events = 0
        outside = OutsideCalls(agent.name, give_up=60.0) if calls else NoCalls()
        self._machine = Machine(agent, self.entries, RoomRates(agent.rate), outside)
        self._timers = Timers()
        self._own = f"{PREFIX}{agent.name}:"

    async def take(self, occasion: Occasion) -> None:
        """Handle an event, and first the timers of its room that were due before it."""
        self.events += 1
        if isinstance(occasion.event, MessageCreated) and occasion.client_id.startswith(self._own):
            self.spoken[occasion.client_id] = occasion.event
        while (due := self._timers.due_before(occasion.scope, occasion.at_ms)) is not None:
            await self._handle(self._machine.timer_occasion(due, occasion.at_ms))
        await self._handle(occasion)

    def tables(self) -> dict[str, dict[str, Any]]:
        """The agent's values by room and key."""
        found: dict[str, dict[str, Any]] = {}
        for key, raw in sorted(self.entries.values.items()):
            part, scope, name = scope_of(key)
            if part == VALUE:
                found.setdefault(scope.key, {})[name] = self.agent.table.decode(name, raw)
        return found

    async def _handle(self, occasion: Occasion) -> None:
        steps = self._machine.steps(occasion)
        if steps is None or self._machine.is_done(occasion):
            return
        if any(step.handler.waits for step in steps):
            outcome = await self._machine.run_waiting(occasion, steps)
        else:
            outcome = self._machine.run(occasion, steps)
        self._settle(outcome)

    def _settle(self, outcome: Outcome) -> None:
        if outcome.failure:
            self.failures.append(Failure(outcome.occasion, outcome.failure))
        for command in outcome.effects.commands:
            self.commands.setdefault(command.client_id, command)
        self.entries.apply(outcome.effects)
        self._timers.apply(outcome.effects)
        for key in outcome.effects.writes:
            self.versions[key] = outcome.occasion.version


def topics_of(agent: Agent[Any]) -> list[str]:
    """The topics that an agent reads the past of; refusals are told once, and not again."""
    return sorted(agent.topics() - {VERDICTS}) or [LOG]


async def past_events(
    reader: PartitionReader, topic: str, partition: int, start: int, end: int
) -> AsyncIterator[Occasion]:
    """The occasions of a topic's partition from an offset to before another."""
    decoder, count = DECODERS[topic], 0
    async for record in reader.read(topic, partition, start, end):
        count += 1
        if count % _TOLD == 0:
            await asyncio.sleep(0)
        try:
            event = decoder(record.value)
            epoch = 0
            if topic == LOG:
                epoch = position_of(header_of(record, POS), record.offset).epoch
        except Malformed:
            continue  # in chat.dead
        occasion = occasion_of(topic, event, epoch, record.offset, record.timestamp)
        if occasion.kind:
            yield occasion


def differences(
    old: dict[str, dict[str, Any]], new: dict[str, dict[str, Any]]
) -> Iterator[tuple[str, str, Any, Any]]:
    """The values of two tables that differ: room, key, the old and the new one."""
    for room in sorted(old.keys() | new.keys()):
        before, after = old.get(room, {}), new.get(room, {})
        for key in sorted(before.keys() | after.keys()):
            if before.get(key) != after.get(key):
                yield room, key, before.get(key), after.get(key)
