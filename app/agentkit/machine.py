"""The machine: calls an agent's handlers for an event, and gathers the effects.

It reads no clock and sends nothing, so a worker, a replay and the test kit run the same one.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from app.agentkit.agent_events import Tick, TimerEntry, TimerFired
from app.agentkit.cause import Calls, Cause, Rates
from app.agentkit.declaration import Agent, Handler
from app.agentkit.do import Do
from app.agentkit.effects import (
    PROGRESS,
    TIMER,
    Effects,
    Entries,
    Scope,
    decoded_number,
    encoded,
)
from app.agentkit.kinds import SCOPES
from app.agentkit.occasion import Occasion, timer_occasion
from app.agentkit.timers import DueTimer
from app.domain.agents import causes
from app.domain.agents.filters import is_shadowed
from app.domain.agents.words import arguments, command_name, help_text
from app.domain.circuit_breaker import pause
from app.errors import Malformed
from app.topics import LOG

#: How often a timer is tried whose handler fails: the last try comes two hours after the first.
TRIES: Final = 8
_MINUTE_MS: Final = 60_000

#: The folder of this package, whose lines say nothing about an agent's mistake.
_KIT: Final = Path(__file__).parent

#: Scopes whose progress is kept at hand.
_SCOPES: Final = 100_000

#: Characters of a failure's traceback: a dead letter keeps no more.
_LONGEST: Final = 900


@dataclass(slots=True)
class Outcome:
    """The effects of an occasion; with a `failure` there are none, and it says why."""

    occasion: Occasion
    effects: Effects
    failure: str = ""


class Step(NamedTuple):
    """A handler to call, with what its filter has found."""

    handler: Handler
    arguments: Mapping[str, Any]


class Machine:
    """An agent with its table: what happens because of each event.

    `entries` reads the table, `rates` counts the agent's acts, `calls` asks services outside.
    """

    def __init__(self, agent: Agent[Any], entries: Entries, rates: Rates, calls: Calls) -> None:
        self.agent = agent
        self._entries = entries
        self._rates = rates
        self._calls = calls
        self._by_kind: dict[str, list[Handler]] = {}
        for handler in agent.handlers:
            if handler.filter is not None:
                self._by_kind.setdefault(handler.filter.kind, []).append(handler)
        self._schedules = [one for one in agent.handlers if one.schedule is not None]
        self._forms = [one.form for one in agent.handlers if one.form is not None]
        self._own = f"{causes.PREFIX}{agent.name}:"
        #: By scope: its progress as of the last look, which saves reading it for each event.
        self._reached: dict[Scope, int] = {}

    # ── which handlers ───────────────────────────────────────────────────────────────────────

    def steps(self, occasion: Occasion) -> list[Step] | None:
        """The handlers to call, in the order of their declaration; `None`: nothing to do at all."""
        if occasion.timer is not None:
            handler = self.agent.handler(occasion.timer[1].handler)
            return [] if handler is None else [Step(handler, occasion.timer[1].arguments)]
        event, client_id = occasion.event, occasion.client_id
        own = client_id.startswith(self._own)
        if (own and occasion.kind == "command.refused") or not own:
            found = self._matching(occasion)
        else:
            found = []
        if found or (own and occasion.kind == "message.created"):
            return found if self._in_rooms(occasion) and not is_shadowed(event) else None
        if self._schedules and occasion.scope.letter == SCOPES[LOG]:
            return [] if self._in_rooms(occasion) else None
        return [] if self._asks_for_help(occasion) and self._in_rooms(occasion) else None

    def _matching(self, occasion: Occasion) -> list[Step]:
        found: list[Step] = []
        handlers = self._by_kind.get(occasion.kind)
        if not handlers:
            return found
        text = getattr(occasion.event, "text", "")
        name = command_name(text) if self._forms and occasion.kind == "message.created" else ""
        client_id = "" if occasion.kind == "command.refused" else occasion.client_id
        for handler in handlers:
            if handler.filter is None or (handler.form and handler.form.name != name):
                continue
            groups = handler.filter.match(occasion.room, client_id, text)
            if groups is not None:
                found.append(Step(handler, groups))
        return found

    def _in_rooms(self, occasion: Occasion) -> bool:
        return not occasion.room or self.agent.acts_in(occasion.room)

    def _asks_for_help(self, occasion: Occasion) -> bool:
        if not self._forms or occasion.kind != "message.created":
            return False
        text: str = occasion.event.text
        whom = text.split()[1:2]
        asked = command_name(text) == "help" and whom in ([], [self.agent.name])
        return asked and causes.author(occasion.client_id) is None

    # ── calling them ─────────────────────────────────────────────────────────────────────────

    def is_done(self, occasion: Occasion) -> bool:
        """Whether the event has settled before: it comes again after a crash."""
        if occasion.again:
            return False
        return occasion.version <= self._progress(occasion.scope)

    def run(self, occasion: Occasion, steps: list[Step]) -> Outcome:
        """Call handlers none of which waits."""
        effects = Effects()
        try:
            self._prepare(occasion, effects)
            for step in steps:
                do = self._do(occasion, step.handler.key, effects)
                self._call(occasion, step, do)
                do.keep_changes()
            if self._forms and self._asks_for_help(occasion):
                self._help(occasion, effects)
        except Exception as error:  # noqa: BLE001 - a failure of one event must not stop the next
            return self._failed(occasion, error)
        return self._settled(occasion, effects)

    async def run_waiting(self, occasion: Occasion, steps: list[Step]) -> Outcome:
        """Call handlers, some of which are coroutine functions."""
        effects = Effects()
        try:
            self._prepare(occasion, effects)
            for step in steps:
                do = self._do(occasion, step.handler.key, effects)
                result = self._call(occasion, step, do)
                if step.handler.waits and result is not None:
                    await result
                do.keep_changes()
            if self._forms and self._asks_for_help(occasion):
                self._help(occasion, effects)
        except Exception as error:  # noqa: BLE001 - as above
            return self._failed(occasion, error)
        return self._settled(occasion, effects)

    def _prepare(self, occasion: Occasion, effects: Effects) -> None:
        if self._schedules:
            self._begin_schedules(occasion, effects)
        if occasion.kind == "message.created" and occasion.client_id.startswith(self._own):
            self._do(occasion, "arrival", effects).note_arrival(occasion.event)

    def _call(self, occasion: Occasion, step: Step, do: Do[Any]) -> Any:
        """What the handler returns; wrong words of a command are answered without it."""
        handler, given = step
        if handler.form is not None:
            try:
                given = arguments(handler.form, occasion.event.text)
            except Malformed as error:
                do.say(str(error), reply_to=occasion.event)
                return None
        if not handler.parameters:
            return handler.function(occasion.event, do)
        passed = {name: given[name] for name in handler.parameters if name in given}
        return handler.function(occasion.event, do, **passed)

    def _help(self, occasion: Occasion, effects: Effects) -> None:
        self._do(occasion, "help", effects).say(help_text(self.agent.name, self._forms))

    def _do(self, occasion: Occasion, key: str, effects: Effects) -> Do[Any]:
        cause = Cause(occasion, key)
        return Do(self.agent, cause, self._entries, effects, self._rates, self._calls)

    # ── timers ───────────────────────────────────────────────────────────────────────────────

    def timer_occasion(self, due: DueTimer, now_ms: int) -> Occasion:
        """The occasion of a timer that is due."""
        handler = self.agent.handler(due.entry.handler)
        room = due.scope.key
        event: Tick | TimerFired = TimerFired(name=due.name, room=room, due_ms=due.entry.due_ms)
        if handler is not None and handler.schedule is not None:
            missed = handler.schedule.missed(due.entry.due_ms, now_ms)
            event = Tick(room=room, due_ms=due.entry.due_ms, missed=missed)
        version = max(0, self._progress(due.scope))
        return timer_occasion(due.scope, due.name, due.entry, version, event)

    def _begin_schedules(self, occasion: Occasion, effects: Effects) -> None:
        if occasion.timer is not None or occasion.scope.letter != SCOPES[LOG]:
            return
        for handler in self._schedules:
            key = occasion.scope.table_key(TIMER, handler.key)
            if handler.schedule is not None and self._entries.get(occasion.scope, key) is None:
                due = handler.schedule.after(occasion.at_ms)
                effects.writes[key] = encoded(TimerEntry(handler.key, due))
                effects.timers = True

    def _after_timer(self, occasion: Occasion, effects: Effects) -> None:
        """Remove a timer that was handled, unless its handler has set it again."""
        if occasion.timer is None:
            return
        name, entry = occasion.timer
        key = occasion.scope.table_key(TIMER, name)
        effects.timers = True
        handler = self.agent.handler(entry.handler)
        if handler is not None and handler.schedule is not None:
            due = entry.due_ms
            for _ in range(getattr(occasion.event, "missed", 0) + 1):
                due = handler.schedule.after(due)
            effects.writes[key] = encoded(TimerEntry(handler.key, due))
        else:
            effects.writes.setdefault(key, None)

    def _again_later(self, occasion: Occasion, effects: Effects) -> None:
        """Put a timer off whose handler has failed: 1, 2, 4 minutes, and so on."""
        if occasion.timer is None:
            return
        name, entry = occasion.timer
        key = occasion.scope.table_key(TIMER, name)
        if entry.tries + 1 >= TRIES:
            self._after_timer(occasion, effects)
            return
        effects.timers = True
        later = entry.due_ms + round(pause(entry.tries + 1) * 2 * _MINUTE_MS)
        effects.writes[key] = encoded(replace(entry, due_ms=later, tries=entry.tries + 1))

    # ── outcomes ─────────────────────────────────────────────────────────────────────────────

    def _settled(self, occasion: Occasion, effects: Effects) -> Outcome:
        self._after_timer(occasion, effects)
        if effects.writes or effects.calls:
            scope = occasion.scope
            reached = max(occasion.version, self._progress(scope))
            effects.writes[scope.table_key(PROGRESS)] = encoded(reached)
            self._reached[scope] = reached
        return Outcome(occasion, effects)

    def _progress(self, scope: Scope) -> int:
        """The version of the last event of the scope that had effects; -1 before the first."""
        if (known := self._reached.get(scope)) is not None:
            return known
        raw = self._entries.get(scope, scope.table_key(PROGRESS))
        if len(self._reached) > _SCOPES:
            self._reached.clear()
        known = self._reached[scope] = -1 if raw is None else decoded_number(raw)
        return known

    def forget(self) -> None:
        """Forget what the table was: it may be that of other partitions now."""
        self._reached.clear()

    def _failed(self, occasion: Occasion, error: Exception) -> Outcome:
        effects = Effects()
        self._again_later(occasion, effects)
        return Outcome(occasion, effects, described(error))


def described(error: Exception) -> str:
    """The error with the lines of the agent's file that led to it."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [one for one in frames if Path(one.filename).parent != _KIT] or frames[-1:]
    lines = [f"{Path(one.filename).name}:{one.lineno} {one.line}" for one in own]
    return f"{type(error).__name__}: {error} | {' | '.join(lines)}"[:_LONGEST]
