"""`Agent`: what a file of one's own declares.

    karma = Agent("karma", table=int)

    @karma.on("message.created", text=r"(?P<who>\\w+)\\+\\+")
    def plus(event: MessageCreated, do: Do[int], who: str) -> None:
        do.table[who] += 1
        do.say(f"{who} has {do.table[who]}", thread=event)

A declaration only records: app/agentkit/machine.py calls the handlers.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Concatenate, Final, Generic, Literal, cast, overload

from typing_extensions import TypeVar

from app.agentkit import schedule as schedules
from app.agentkit.agent_events import CommandRefused, Tick, TimerFired
from app.agentkit.do import VERBS, Do
from app.agentkit.kinds import KINDS, kind_named
from app.agentkit.table import TableType
from app.domain import names
from app.domain.agents import rate as rates
from app.domain.agents.causes import NAME
from app.domain.agents.filters import AUTHORS, Authors, Filter
from app.domain.agents.words import TYPES, CommandForm, Word
from app.errors import AgentError, Malformed
from app.events import (
    Connection,
    MemberAdded,
    MemberRemoved,
    MemberRole,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    MessageHidden,
    ReactionAdded,
    ReactionRemoved,
    Receipt,
    RoomChanged,
    RoomCreated,
    SanctionLifted,
    SanctionSet,
)
from app.settings import agent_setting, agent_variable

#: The type of the table's values.
T = TypeVar("T", default=Any)
E = TypeVar("E")
H = TypeVar("H", bound=Callable[..., Any])

#: Handlers: a function of the event, the effects, and the words or groups that its filter finds.
Handling = Callable[Concatenate[E, Do[T], ...], Any]
Decorator = Callable[[Handling[E, T]], Handling[E, T]]

#: What an agent may do unless it says otherwise: nothing that needs a role in the room.
USUAL: Final = ("say", "react", "edit", "delete", "join")

#: Failures in a row after which an agent pauses itself.
FAILURES: Final = 10


@dataclass(frozen=True)
class Handler:
    """A handler: its function, the line that declares it, and what it is for.

    `key` names it in causes and timers, and stays the same when the file is moved.
    """

    key: str
    where: str
    function: Callable[..., Any]
    parameters: frozenset[str]
    filter: Filter | None = None
    form: CommandForm | None = None
    schedule: schedules.Schedule | None = None
    #: Whether it is a coroutine function: other rooms go on while it waits.
    waits: bool = False


class Agent(Generic[T]):
    """An agent: handlers for events, commands, timers and schedules, with effects that settle once.

    `name` is the agent's consumer group and, unless `user` says otherwise, its user in rooms: 1 to
    24 of a-z 0-9 _ -, beginning with a letter. `table` is the type of the values in `do.table`.
    `may` are the verbs of `do` that it may use, `rooms` a pattern of the rooms that it gets events
    of and acts in, `rate` how often it may act in a room. A new agent begins with what happens from
    `start` on: `now`, or the `oldest` event. `zone` is the time zone of schedules and `do.now`.
    After `failures` events in a row that it failed on, it pauses itself. Raises `AgentError`.
    """

    def __init__(
        self,
        name: str,
        *,
        table: type[T] | None = None,
        user: str = "",
        may: Sequence[str] = USUAL,
        rooms: str = "*",
        rate: str = "60/minute",
        start: Literal["now", "oldest"] = "now",
        zone: str = "UTC",
        failures: int = FAILURES,
    ) -> None:
        self.where = _caller()
        self.name = name
        self.user = user or name
        self.rooms = rooms
        self._rooms = Filter(name, "", rooms)
        self.start = start
        self.failures = failures
        self.may = frozenset(may)
        self.handlers: list[Handler] = []
        if not NAME.fullmatch(name):
            raise self._mistake("an agent's name is 1 to 24 of a-z 0-9 _ -, a letter first", name)
        if flaw := names.user(self.user):
            raise self._mistake(flaw, self.user)
        if unknown := self.may - set(VERBS):
            raise self._mistake(f"may: the verbs are {', '.join(VERBS)}", sorted(unknown))
        if start not in ("now", "oldest"):
            raise self._mistake("start is 'now' or 'oldest'", start)
        try:
            self.rate = rates.parse(rate)
            self.zone: tzinfo = schedules.zone_named(zone)
        except Malformed as error:
            raise self._mistake(str(error)) from error
        self.table: TableType[T] = TableType(cast(type[T], Any) if table is None else table)

    def setting(self, name: str, default: str | None = None) -> str:
        """A setting of the agent's own, from the environment: `PARLEY_AGENT_<AGENT>_<NAME>`.

        Raises `AgentError` where it is not set and there is no default.
        """
        found = agent_setting(self.name, name)
        if not found and default is None:
            raise self._mistake(f"set {agent_variable(self.name, name)}")
        return found or default or ""

    # ── handlers ─────────────────────────────────────────────────────────────────────────────

    @overload
    def on(
        self,
        kind: Literal["message.created"],
        *,
        text: str = ...,
        room: str = ...,
        by: Authors = ...,
    ) -> Decorator[MessageCreated, T]: ...
    @overload
    def on(
        self,
        kind: Literal["message.edited"],
        *,
        text: str = ...,
        room: str = ...,
        by: Authors = ...,
    ) -> Decorator[MessageEdited, T]: ...
    @overload
    def on(
        self, kind: Literal["message.deleted"], *, room: str = ..., by: Authors = ...
    ) -> Decorator[MessageDeleted, T]: ...
    @overload
    def on(
        self, kind: Literal["message.hidden"], *, room: str = ..., by: Authors = ...
    ) -> Decorator[MessageHidden, T]: ...
    @overload
    def on(
        self, kind: Literal["reaction.added"], *, room: str = ..., by: Authors = ...
    ) -> Decorator[ReactionAdded, T]: ...
    @overload
    def on(
        self, kind: Literal["reaction.removed"], *, room: str = ..., by: Authors = ...
    ) -> Decorator[ReactionRemoved, T]: ...
    @overload
    def on(
        self, kind: Literal["room.created"], *, room: str = ..., by: Authors = ...
    ) -> Decorator[RoomCreated, T]: ...
    @overload
    def on(
        self, kind: Literal["room.changed"], *, room: str = ..., by: Authors = ...
    ) -> Decorator[RoomChanged, T]: ...
    @overload
    def on(
        self, kind: Literal["member.added"], *, room: str = ..., by: Authors = ...
    ) -> Decorator[MemberAdded, T]: ...
    @overload
    def on(
        self, kind: Literal["member.removed"], *, room: str = ..., by: Authors = ...
    ) -> Decorator[MemberRemoved, T]: ...
    @overload
    def on(
        self, kind: Literal["member.role"], *, room: str = ..., by: Authors = ...
    ) -> Decorator[MemberRole, T]: ...
    @overload
    def on(
        self, kind: Literal["sanction.set"], *, room: str = ..., by: Authors = ...
    ) -> Decorator[SanctionSet, T]: ...
    @overload
    def on(
        self, kind: Literal["sanction.lifted"], *, room: str = ..., by: Authors = ...
    ) -> Decorator[SanctionLifted, T]: ...
    @overload
    def on(self, kind: Literal["receipt.read"], *, room: str = ...) -> Decorator[Receipt, T]: ...
    @overload
    def on(
        self, kind: Literal["connection.opened", "connection.closed"]
    ) -> Decorator[Connection, T]: ...
    @overload
    def on(
        self, kind: Literal["command.refused"], *, room: str = ...
    ) -> Decorator[CommandRefused, T]: ...

    def on(self, kind: str, *, text: str = "", room: str = "*", by: Authors = "people") -> Any:
        """Handle the events of a kind: `handler(event, do, **groups)`.

        `text` is a regular expression that is searched for in the text; its named groups are
        arguments. `room` is a pattern of rooms. `by` says whose events come: those of `people`, of
        other `agents`, or of `all`. The agent's own events never come, and neither do those that
        only their author sees. Raises `AgentError` for an unknown kind or a filter that can't be.
        """

        def declare(function: H) -> H:
            where = _line_of(function)
            try:
                found = kind_named(kind)
                if text and "text" not in found.fields:
                    raise Malformed(f"an event of kind {kind!r} has no text")
                if room != "*" and "room" not in found.fields:
                    raise Malformed(f"an event of kind {kind!r} has no room")
                if by not in AUTHORS:
                    raise Malformed(f"by is one of {', '.join(AUTHORS)}, not {by!r}")
                pattern = re.compile(text) if text else None
            except (Malformed, re.error) as error:
                raise AgentError(f"{where}: {error}") from error
            groups = frozenset(pattern.groupindex) if pattern is not None else frozenset()
            chosen = Filter(self.name, kind, room, pattern, by)
            self._add(function, where, f"{kind}/{function.__name__}", groups, filter=chosen)
            return function

        return declare

    def command(self, name: str, *, room: str = "*") -> Decorator[MessageCreated, T]:
        """Handle `/name words…` in a room: `handler(event, do, words…)`.

        The words are read by the handler's parameters: their types (`str`, `int`, `float`), their
        defaults. A last parameter behind `*` takes the rest of the text. Wrong words are answered
        with the command's form, `/help` with the forms of all commands and the first line of their
        docstrings. Raises `AgentError`.
        """

        def declare(function: H) -> H:
            where = _line_of(function)
            form = CommandForm(name, _words(function, where), _first_line(function))
            if not re.fullmatch(r"[a-z][a-z0-9_-]*", name) or name == "help":
                raise AgentError(f"{where}: a command's name is of a-z 0-9 _ -, and not help")
            if any(known.form and known.form.name == name for known in self.handlers):
                raise AgentError(f"{where}: the command /{name} is declared twice")
            chosen = Filter(self.name, "message.created", room)
            given = frozenset(word.name for word in form.words)
            self._add(function, where, f"/{name}", given, filter=chosen, form=form)
            return function

        return cast(Decorator[MessageCreated, T], declare)

    def timer(self, function: Handling[TimerFired, T]) -> Handling[TimerFired, T]:
        """Handle timers that `do.after(seconds, function, …)` sets: `handler(timer, do, …)`."""
        where = _line_of(function)
        given = frozenset(_parameters(function)[2:])
        self._add(function, where, f"timer/{function.__name__}", given)
        return function

    def every(self, text: str) -> Decorator[Tick, T]:
        """Handle the times of a schedule in each room that the agent has had an event of.

        `15 minutes`, `hour`, `day at 09:00`, `monday at 09:00`, in the agent's time zone. Times
        that pass while no worker runs come as one tick. Raises `AgentError`.
        """

        def declare(function: H) -> H:
            where = _line_of(function)
            try:
                found = schedules.parse(text, self.zone)
            except Malformed as error:
                raise AgentError(f"{where}: {error}") from error
            key = f"every/{function.__name__}"
            self._add(function, where, key, frozenset(), schedule=found)
            return function

        return cast(Decorator[Tick, T], declare)

    # ── for the kit ──────────────────────────────────────────────────────────────────────────

    def acts_in(self, room: str) -> bool:
        """Whether the agent gets the events of a room, and acts there."""
        return self._rooms.match(room, "", "") is not None

    def handler(self, key: str) -> Handler | None:
        """A handler by its key."""
        return next((one for one in self.handlers if one.key == key), None)

    def topics(self) -> frozenset[str]:
        """The topics of the events that are handled."""
        kinds = {one.filter.kind for one in self.handlers if one.filter is not None}
        return frozenset(KINDS[kind].topic for kind in kinds)

    def _add(
        self,
        function: Callable[..., Any],
        where: str,
        key: str,
        given: frozenset[str],
        **purpose: Any,
    ) -> None:
        parameters = _parameters(function)
        if len(parameters) < 2:
            raise AgentError(f"{where}: a handler takes an event and `do`")
        takes = inspect.signature(function).parameters
        anything = any(one.kind is one.VAR_KEYWORD for one in takes.values())
        wanted = {name for name in parameters[2:] if takes[name].default is inspect.Parameter.empty}
        if missing := wanted - given:
            raise AgentError(f"{where}: nothing gives the parameter {', '.join(sorted(missing))}")
        if self.handler(key) is not None:
            raise AgentError(f"{where}: {function.__name__} is declared twice for the same")
        passed = given if anything else given & frozenset(parameters[2:])
        waits = inspect.iscoroutinefunction(function)
        self.handlers.append(Handler(key, where, function, passed, waits=waits, **purpose))

    def _mistake(self, what: str, given: object = None) -> AgentError:
        found = "" if given is None else f", not {given!r}"
        return AgentError(f"{self.where}: {what}{found}")


def _parameters(function: Callable[..., Any]) -> list[str]:
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return [
        name
        for name, one in inspect.signature(function).parameters.items()
        if one.kind not in kinds
    ]


def _words(function: Callable[..., Any], where: str) -> tuple[Word, ...]:
    words = []
    try:
        parameters = list(inspect.signature(function, eval_str=True).parameters.values())[2:]
    except NameError as error:
        raise AgentError(f"{where}: {error}") from error
    for one in parameters:
        if one.kind in (one.VAR_KEYWORD, one.VAR_POSITIONAL):
            continue
        type_ = "str" if one.annotation is one.empty else getattr(one.annotation, "__name__", "")
        if type_ not in TYPES:
            raise AgentError(f"{where}: the word {one.name} is of type {', '.join(TYPES)}")
        required = one.default is one.empty
        words.append(Word(one.name, type_, required, rest=one.kind is one.KEYWORD_ONLY))
    if any(word.rest for word in words[:-1]):
        raise AgentError(f"{where}: only the last word takes the rest of the text")
    return tuple(words)


def _first_line(function: Callable[..., Any]) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0]


def _line_of(function: Callable[..., Any]) -> str:
    code = getattr(function, "__code__", None)
    if code is None:
        raise AgentError(f"{_caller()}: a handler is a function, not {function!r}")
    return f"{code.co_filename}:{code.co_firstlineno}"


def _caller() -> str:
    """The file and line outside this package that called."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith("app.agentkit"):
        frame = frame.f_back
    return "an agent" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
