"""The test kit: plays events into an agent, without Kafka, with a clock by hand.

    from parley.testing import play

    def test_a_plus_counts() -> None:
        assert play(karma, "ann: ben++", "eva: ben++").said == ["ben has 1", "ben has 2"]

Each play is repeated, unless told otherwise: with every event doubled, and with a crash after every
step. The agent must say the same, and end with the same table.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic, TypeVar, cast

from msgspec.structs import asdict, replace

from app.agentkit.declaration import Agent
from app.agentkit.effects import TIMER, VALUE, Effects, decoded_timer, scope_of
from app.agentkit.machine import Machine, Outcome
from app.agentkit.memory_entries import MemoryEntries
from app.agentkit.occasion import Occasion, occasion_of
from app.agentkit.rates import RoomRates
from app.agentkit.timers import TIMER_KEYS, Timers
from app.errors import ParleyError
from app.events import AnyCommand, Connection, MessageCreated, Receipt, SendMessage
from app.topics import CONNECTIONS, LOG, RECEIPTS

T = TypeVar("T")
R = TypeVar("R")

#: When a play begins, unless told otherwise: a Monday, 08:00 in UTC.
BEGIN: Final = datetime(2024, 1, 1, 8, tzinfo=UTC)

#: Between two events of a play.
_STEP_MS: Final = 1000

#: An event of a play: `ann: text`, a time to pass, or an event.
Line = str | timedelta | MessageCreated | Any


class Differs(AssertionError):
    """The agent did something else when an event came twice, or after a crash."""


@dataclass
class Played(Generic[T]):
    """What has become of a play.

    `commands` are all commands that Parley would have accepted once, in order; `said` are the texts
    of the messages among them, `tables` the agent's values by room and key, `timers` the times at
    which timers are due, by room and id. `failures` are the events that the agent failed on.
    """

    commands: list[AnyCommand] = field(default_factory=list)
    tables: dict[str, dict[str, T]] = field(default_factory=dict)
    timers: dict[str, dict[str, datetime]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    @property
    def said(self) -> list[str]:
        """The texts of the agent's messages."""
        return [one.text for one in self.commands if isinstance(one, SendMessage)]

    @property
    def table(self) -> dict[str, T]:
        """The agent's values, in a play in one room."""
        if len(self.tables) > 1:
            raise ParleyError(f"the play had several rooms: use tables[room], {list(self.tables)}")
        return next(iter(self.tables.values()), {})


def play(
    agent: Agent[T],
    *lines: Line,
    room: str = "room",
    begin: datetime = BEGIN,
    answers: Mapping[str, Any] | None = None,
    doubled: bool = True,
    crashes: bool = True,
) -> Played[T]:
    """Play lines into an agent: what it did.

    A line is `ann: text`, a message of ann's; a `timedelta`, which passes; or an event, such as
    `MemberAdded(...)` or `Connection(...)`. The room is `room`; `other| ann: text` is in another.
    `answers` are the results of `do.call`, by the name of the function: a value, a function of
    the arguments, or an exception to raise. Without it the functions are called.

    Raises `Differs` where the agent does something else with each event `doubled`, or after
    `crashes`: a test that is about something else may leave them out.
    """
    parsed = list(_parsed(lines, room, begin))
    plain = _Stage(agent, answers).run(parsed)
    if doubled:
        _same(plain, _Stage(agent, answers, doubled=True).run(parsed), "each event came twice")
    for step in range(len(parsed)) if crashes else ():
        for when in ("before its effects", "between its effects and its table"):
            found = _Stage(agent, answers, crash=(step, when)).run(parsed)
            _same(plain, found, f"a crash at line {step + 1}, {when}")
    return plain


def _same(plain: Played[Any], found: Played[Any], what: str) -> None:
    def shown(one: Played[Any]) -> tuple[object, ...]:
        told = [{**asdict(command), "id": ""} for command in one.commands]
        failed = [failure.partition(": ")[0] for failure in one.failures]
        return (told, one.tables, one.timers, failed)

    if shown(plain) != shown(found):
        raise Differs(
            f"{what}, and the agent did something else.\n"
            f"  said without: {plain.said}\n  said then:    {found.said}\n"
            f"  table without: {plain.tables}\n  table then:    {found.tables}"
        )


def _parsed(lines: Iterable[Line], room: str, begin: datetime) -> Iterable[Occasion | int]:
    """The occasions, and times in milliseconds up to which the clock moves on."""
    now = round(begin.timestamp() * 1000)
    numbers: dict[str, int] = {}
    for line in lines:
        if isinstance(line, timedelta):
            now += round(line.total_seconds() * 1000)
            yield now
            continue
        now += _STEP_MS
        event = _message(line, room, now) if isinstance(line, str) else line
        topic = LOG
        if isinstance(event, Connection | Receipt):
            topic = CONNECTIONS if isinstance(event, Connection) else RECEIPTS
        else:
            now = max(now, event.at_ms)
        key = getattr(event, "room", "") or getattr(event, "user", "")
        number = numbers[topic + key] = numbers.get(topic + key, 0) + 1
        if topic == LOG:
            event = replace(event, n=number)
            if isinstance(event, MessageCreated):
                event = replace(event, seq=event.seq or number)
        yield occasion_of(topic, event, 0, number, now)


def _message(line: str, room: str, at_ms: int) -> MessageCreated:
    where, bar, rest = line.partition("| ")
    if not bar:
        where, rest = room, line
    by, colon, text = rest.partition(": ")
    if not colon:
        raise ParleyError(f"a line is 'ann: text', not {line!r}")
    return MessageCreated(
        room=where.strip(),
        n=0,
        seq=0,
        by=by.strip(),
        at_ms=at_ms,
        id="00000000-0000-7000-8000-000000000000",
        client_id=f"{by}-{at_ms}",
        text=text,
    )


class _Given:
    """Results of `do.call` by name; the functions themselves where nothing is given."""

    def __init__(self, answers: Mapping[str, Any] | None) -> None:
        self._answers = answers

    async def call(
        self, function: Callable[..., Awaitable[R]], arguments: tuple[Any, ...], key: str
    ) -> R:
        """The given result."""
        if self._answers is None:
            from app.agentkit.calls import OutsideCalls

            return await OutsideCalls("play", give_up=0).call(function, arguments, key)
        found = self._answers[function.__name__]
        if isinstance(found, Exception):
            raise type(found)(*found.args)
        return cast(R, found(*arguments) if callable(found) else found)


class _Stage(Generic[T]):
    """One run of a play."""

    def __init__(
        self,
        agent: Agent[T],
        answers: Mapping[str, Any] | None,
        *,
        doubled: bool = False,
        crash: tuple[int, str] = (-1, ""),
    ) -> None:
        self._agent = agent
        self._answers = answers
        self._doubled = doubled
        self._crash = crash
        self._stored = MemoryEntries()
        self._played: Played[T] = Played()
        self._accepted: set[str] = set()
        self._seqs: dict[str, int] = {}
        self._start()

    def _start(self) -> None:
        """Begin as a new process does: with what is stored."""
        rates = RoomRates(self._agent.rate)
        self._machine = Machine(self._agent, self._stored, rates, _Given(self._answers))
        self._timers = Timers()
        for key, raw in self._stored.values.items():
            if key.startswith(TIMER_KEYS):
                self._timers.load(key, raw)

    def run(self, lines: Iterable[Occasion | int]) -> Played[T]:
        """Play the lines."""
        for number, line in enumerate(lines):
            crash = self._crash[1] if number == self._crash[0] else ""
            if isinstance(line, int):
                self._pass_time(line, crash)
                continue
            for _ in range(2 if self._doubled else 1):
                self._take(line, crash)
                crash = ""
        self._finish()
        return self._played

    def _take(self, occasion: Occasion, crash: str) -> None:
        while (due := self._timers.due_before(occasion.scope, occasion.at_ms)) is not None:
            self._handle(self._machine.timer_occasion(due, occasion.at_ms), "")
        self._handle(occasion, crash)

    def _pass_time(self, now_ms: int, crash: str) -> None:
        while (due := self._timers.next_due()) is not None and due.entry.due_ms <= now_ms:
            self._handle(self._machine.timer_occasion(due, due.entry.due_ms), crash)
            crash = ""

    def _handle(self, occasion: Occasion, crash: str) -> None:
        arriving: list[SendMessage] = []
        if crash:
            outcome = self._outcome(occasion)
            if outcome is not None and crash != "before its effects":
                arriving = self._accept(outcome.effects)
            self._start()
        if (outcome := self._outcome(occasion)) is None:
            return
        if outcome.failure:
            name = f"{occasion.kind} {occasion.name}: "
            if not any(one.startswith(name) for one in self._played.failures):
                self._played.failures.append(name + outcome.failure)
        self._stored.apply(outcome.effects)
        self._timers.apply(outcome.effects)
        for said in [*arriving, *self._accept(outcome.effects)]:
            self._arrive(said)

    def _outcome(self, occasion: Occasion) -> Outcome | None:
        steps = self._machine.steps(occasion)
        if steps is None or self._machine.is_done(occasion):
            return None
        if any(step.handler.waits for step in steps):
            return asyncio.run(self._machine.run_waiting(occasion, steps))
        return self._machine.run(occasion, steps)

    def _accept(self, effects: Effects) -> list[SendMessage]:
        """Take commands as a room does, each client id once: the new messages."""
        said: list[SendMessage] = []
        for command in effects.commands:
            if command.client_id in self._accepted:
                continue
            self._accepted.add(command.client_id)
            self._played.commands.append(command)
            if isinstance(command, SendMessage):
                said.append(command)
        return said

    def _arrive(self, command: SendMessage) -> None:
        """The agent's own message comes back, as every event of a room does."""
        seq = self._seqs[command.room] = self._seqs.get(command.room, 100) + 1
        event = MessageCreated(
            room=command.room,
            n=0,
            seq=seq,
            by=command.by,
            at_ms=0,
            id=command.id,
            client_id=command.client_id,
            text=command.text,
        )
        own = occasion_of(LOG, event, 0, 0, 0)._replace(again=True)
        steps = self._machine.steps(own)
        if steps is not None:
            outcome = self._machine.run(own, steps)
            self._stored.apply(outcome.effects)
            self._accept(outcome.effects)

    def _finish(self) -> None:
        for key, raw in sorted(self._stored.values.items()):
            part, scope, name = scope_of(key)
            if part == VALUE:
                table = self._played.tables.setdefault(scope.key, {})
                table[name] = self._agent.table.decode(name, raw)
            elif part == TIMER:
                due = datetime.fromtimestamp(decoded_timer(raw).due_ms / 1000, self._agent.zone)
                self._played.timers.setdefault(scope.key, {})[name] = due
