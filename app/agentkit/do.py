"""`do`: what a handler may have done because of its event.

Nothing is done at once. The commands, the table's changes and the timers of an event are gathered,
and settle together when its handlers have returned.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Generic

import structlog
import uuid_utils
from typing_extensions import TypeVar

from app.agentkit.agent_events import TimerEntry
from app.agentkit.cause import Calls, Cause, Declared, Rates
from app.agentkit.effects import (
    JOINED,
    SAID,
    SAID_KEY,
    TIMER,
    Effects,
    Entries,
    encoded,
)
from app.agentkit.said import Said, decoded_key, decoded_said
from app.agentkit.table import ScopedTable
from app.domain.agents import causes
from app.domain.wellformed import flaw
from app.errors import AgentError
from app.events import (
    AddMember,
    AddReaction,
    AnyCommand,
    Attachment,
    ChangeRole,
    ChangeRoom,
    CreateRoom,
    DeleteMessage,
    EditMessage,
    HideMessage,
    LiftSanction,
    MessageCreated,
    RemoveMember,
    RemoveReaction,
    RoomSettings,
    SendMessage,
    SetSanction,
)

#: The type of the table's values.
T = TypeVar("T", default=Any)
R = TypeVar("R")

#: The verbs that `may` of an agent names.
VERBS: Final = (
    *("say", "react", "edit", "delete", "hide", "join", "leave"),
    *("add_member", "remove_member", "change_role", "mute", "ban", "lift"),
    *("create_room", "change_room"),
)

#: Seconds: the longest timer, ten years.
_LONGEST: Final = 10 * 366 * 24 * 60 * 60


@dataclass(frozen=True)
class Sent:
    """A command that will be sent: a refusal of it comes as `command.refused` with this id."""

    room: str
    client_id: str


class Do(Generic[T]):
    """The effects that a handler asks for; `T` is the type of the values in `table`.

    `room` is the room of the event, `me` the agent's user, `table` the agent's values in this room.
    Each verb checks at once: it raises `AgentError` where the agent may not, acts more often than
    its rate, or where the command is none that an edge would take.
    """

    def __init__(
        self,
        agent: Declared,
        cause: Cause,
        entries: Entries,
        effects: Effects,
        rates: Rates,
        calls: Calls,
    ) -> None:
        self.room = cause.room
        self._table: ScopedTable[T] | None = None
        self._agent = agent
        self._cause = cause
        self._entries = entries
        self._effects = effects
        self._rates = rates
        self._calls = calls
        self._count = 0

    @property
    def me(self) -> str:
        """The agent's user."""
        return self._agent.user

    @property
    def table(self) -> ScopedTable[T]:
        """The agent's values in this room."""
        if self._table is None:
            self._table = ScopedTable(
                self._agent.table, self._cause.scope, self._entries, self._effects
            )
        return self._table

    def keep_changes(self) -> None:
        """Write the values that the handler has changed in place; called when it has returned."""
        if self._table is not None:
            self._table.keep_changes()

    @property
    def now(self) -> datetime:
        """The time of the event, in the agent's time zone: the same when it is handled again."""
        return datetime.fromtimestamp(self._cause.at_ms / 1000, self._agent.zone)

    @property
    def log(self) -> Any:
        """A log whose lines name the agent, the room and the event."""
        return structlog.get_logger(agent=self._agent.name, room=self.room, cause=self._cause.name)

    # ── messages ─────────────────────────────────────────────────────────────────────────────

    def say(
        self,
        text: str,
        *,
        room: str = "",
        thread: MessageCreated | int = 0,
        reply_to: MessageCreated | int = 0,
        key: str = "",
        attachments: Sequence[Attachment] = (),
        meta: Mapping[str, Any] | None = None,
    ) -> Sent:
        """Send a message to the room of the event, or to another.

        With `thread` into the thread of a message, with `reply_to` as an answer to it. With a `key`
        the agent says it once: saying another text under the same key in the same room edits the
        message.
        """
        where = self._check("say", room)
        self._join(where)
        fields: dict[str, Any] = {
            "text": text,
            "thread": _root_of(thread),
            "reply_to": _seq_of(reply_to),
            "attachments": tuple(attachments),
            "meta": dict(meta or {}),
        }
        if not key:
            return self._send(SendMessage, where, **fields)
        if where != self._cause.scope.key:
            return self._send(SendMessage, where, client_id=self._keyed(where, key), **fields)
        return self._say_keyed(where, key, fields)

    def react(self, message: MessageCreated | int, emoji: str, *, room: str = "") -> Sent:
        """React to a message with an emoji."""
        where = self._check("react", room)
        self._join(where)
        return self._send(AddReaction, where, seq=_seq_of(message), emoji=emoji)

    def unreact(self, message: MessageCreated | int, emoji: str, *, room: str = "") -> Sent:
        """Take the agent's own reaction back."""
        where = self._check("react", room)
        return self._send(RemoveReaction, where, seq=_seq_of(message), emoji=emoji)

    def edit(self, message: MessageCreated | int, text: str, *, room: str = "") -> Sent:
        """Give a message of the agent's another text."""
        where = self._check("edit", room)
        return self._send(EditMessage, where, seq=_seq_of(message), text=text)

    def delete(self, message: MessageCreated | int, *, room: str = "") -> Sent:
        """Delete a message of the agent's."""
        where = self._check("delete", room)
        return self._send(DeleteMessage, where, seq=_seq_of(message))

    def hide(self, message: MessageCreated | int, reason: str = "", *, room: str = "") -> Sent:
        """Delete somebody's message as a moderator of the room."""
        where = self._check("hide", room)
        return self._send(HideMessage, where, seq=_seq_of(message), reason=reason)

    # ── rooms and members ────────────────────────────────────────────────────────────────────

    def join(self, *, room: str = "") -> Sent:
        """Become a member of a public room. `say` and `react` do so by themselves."""
        where = self._check("join", room)
        return self._send(AddMember, where, user=self.me)

    def leave(self, *, room: str = "") -> Sent:
        """Leave the room."""
        where = self._check("leave", room)
        return self._send(RemoveMember, where, user=self.me)

    def add_member(self, user: str, *, role: str = "member", room: str = "") -> Sent:
        """Make a user a member."""
        where = self._check("add_member", room)
        return self._send(AddMember, where, user=user, role=role)

    def remove_member(self, user: str, *, room: str = "") -> Sent:
        """End a user's membership."""
        return self._send(RemoveMember, self._check("remove_member", room), user=user)

    def change_role(self, user: str, role: str, *, room: str = "") -> Sent:
        """Give a member another role."""
        return self._send(ChangeRole, self._check("change_role", room), user=user, role=role)

    def mute(self, user: str, seconds: int = 0, reason: str = "", *, room: str = "") -> Sent:
        """Mute a user in the room for so many seconds; 0: for good."""
        return self._sanction("mute", user, seconds, reason, room)

    def ban(self, user: str, seconds: int = 0, reason: str = "", *, room: str = "") -> Sent:
        """Remove a user from the room and ban them for so many seconds; 0: for good."""
        return self._sanction("ban", user, seconds, reason, room)

    def lift(self, user: str, reason: str = "", *, room: str = "") -> Sent:
        """Lift a user's mute or ban."""
        return self._send(LiftSanction, self._check("lift", room), user=user, reason=reason)

    def create_room(self, room: str, *, name: str = "", type: str = "group") -> Sent:
        """Create a room with the agent as its owner."""
        return self._send(CreateRoom, self._check("create_room", room), name=name, type=type)

    def change_room(
        self,
        *,
        name: str | None = None,
        topic: str | None = None,
        settings: RoomSettings | None = None,
        archived: bool | None = None,
        room: str = "",
    ) -> Sent:
        """Change what is given of the room."""
        where = self._check("change_room", room)
        changes = {"name": name, "topic": topic, "settings": settings, "archived": archived}
        return self._send(ChangeRoom, where, **changes)

    # ── timers and calls ─────────────────────────────────────────────────────────────────────

    def after(
        self,
        delay: float | timedelta,
        handler: Callable[..., Any],
        *,
        id: str = "",
        **arguments: Any,
    ) -> str:
        """Call a handler of `@agent.timer` later, in this room: the id of the timer.

        `delay` is in seconds, from the event on. The arguments are plain values. A timer of the
        same `id` in this room is replaced. Raises `AgentError`.
        """
        seconds = delay.total_seconds() if isinstance(delay, timedelta) else float(delay)
        key = f"timer/{getattr(handler, '__name__', handler)}"
        declared = self._agent.handler(key)
        if declared is None or declared.function is not handler:
            raise AgentError(f"{handler!r} is no handler of this agent's: declare it with .timer")
        if not 0 <= seconds <= _LONGEST:
            raise AgentError(f"a timer {seconds:g} seconds from now: it is 0 to ten years ahead")
        if unknown := arguments.keys() - declared.parameters:
            raise AgentError(f"{handler.__name__} takes no {', '.join(sorted(unknown))}")
        entry = TimerEntry(
            key, self._cause.at_ms + round(seconds * 1000), self._cause.hops, arguments
        )
        name = id or causes.client_id(self._agent.name, 0, *self._next_cause()).rpartition(":")[2]
        self._effects.writes[self._cause.scope.table_key(TIMER, name)] = encoded(entry)
        self._effects.timers = True
        return name

    def at(self, when: datetime, handler: Callable[..., Any], *, id: str = "", **args: Any) -> str:
        """Call a handler of `@agent.timer` at a time, as `after` does."""
        if when.tzinfo is None:
            when = when.replace(tzinfo=self._agent.zone)
        return self.after(when - self.now, handler, id=id, **args)

    def cancel(self, id: str) -> bool:
        """Cancel a timer of this room; `False` where there is none of this id."""
        key = self._cause.scope.table_key(TIMER, id)
        known = self._effects.writes.get(key) or self._entries.get(self._cause.scope, key)
        if known is None:
            return False
        self._effects.writes[key] = None
        self._effects.timers = True
        return True

    async def call(self, function: Callable[..., Awaitable[R]], *arguments: Any) -> R:
        """The result of a coroutine function that asks a service outside.

        It is tried again for as long as the service is away, with pauses; other rooms go on
        meanwhile, and this room's later events wait. After a crash it may be called again: if the
        function has a parameter `idempotency_key`, it gets the same key then. Raises what the
        function raises where another try can't help.
        """
        self._effects.calls += 1
        key = causes.client_id(self._agent.name, 0, *self._next_cause())
        return await self._calls.call(function, arguments, key)

    # ── for the kit ──────────────────────────────────────────────────────────────────────────

    def note_arrival(self, message: MessageCreated) -> None:
        """Note the number of a message that was said under a key, and amend it if it must be."""
        scope = self._cause.scope
        if (raw := self._entries.get(scope, scope.table_key(SAID_KEY, message.client_id))) is None:
            return
        key = decoded_key(raw)
        table_key = scope.table_key(SAID, key)
        if (raw := self._entries.get(scope, table_key)) is None:
            return
        said, edit = decoded_said(raw).arrived(message.seq)
        if edit is not None:
            client_id = self._client_id("amend", message.room, key, said.amended)
            self._send(EditMessage, message.room, client_id=client_id, seq=said.seq, text=edit)
        self._effects.writes[table_key] = encoded(said)

    # ── commands ─────────────────────────────────────────────────────────────────────────────

    def _check(self, verb: str, room: str) -> str:
        where = room or self.room
        if verb not in self._agent.may:
            raise AgentError(f"{self._agent.name} may not {verb}: name it in `may` of the agent")
        if not where:
            raise AgentError(f"{verb}: this event has no room, so name one")
        if not self._agent.acts_in(where):
            raise AgentError(f"{self._agent.name} acts in {self._agent.rooms}, not in {where}")
        if not self._rates.take(where, self._cause.at_ms):
            raise AgentError(
                f"{self._agent.name} acts more often than {self._agent.rate} in {where}"
            )
        return where

    def _send(self, make: Callable[..., AnyCommand], room: str, **fields: Any) -> Sent:
        fields.setdefault("client_id", self._client_id(*self._next_cause()))
        command = make(room=room, by=self.me, id=str(uuid_utils.uuid7()), **fields)
        if wrong := flaw(command):
            raise AgentError(f"{make.__name__}: {wrong}")
        self._effects.commands.append(command)
        return Sent(room, command.client_id)

    def _sanction(self, kind: str, user: str, seconds: int, reason: str, room: str) -> Sent:
        where = self._check(kind, room)
        fields = {"user": user, "sanction": kind, "seconds": seconds, "reason": reason}
        return self._send(SetSanction, where, **fields)

    def _join(self, room: str) -> None:
        """Become a member before the first message to a room: refused where it is not public."""
        if "join" not in self._agent.may:
            return
        key = self._cause.scope.table_key(JOINED, room)
        if key in self._effects.writes or self._entries.get(self._cause.scope, key):
            return
        self._send(AddMember, room, user=self.me, client_id=self._client_id("join", room))
        self._effects.writes[key] = encoded(1)

    def _say_keyed(self, room: str, key: str, fields: dict[str, Any]) -> Sent:
        table_key = self._cause.scope.table_key(SAID, key)
        raw = self._effects.writes.get(table_key) or self._entries.get(self._cause.scope, table_key)
        text = fields["text"]
        if raw is None:
            client_id = self._keyed(room, key)
            said = Said(client_id, text)
            sent = self._send(SendMessage, room, client_id=client_id, **fields)
            self._effects.writes[self._cause.scope.table_key(SAID_KEY, client_id)] = encoded(key)
        else:
            known = decoded_said(raw)
            said, edit = known.amend(text)
            sent = Sent(room, known.client_id)
            if edit is not None:
                client_id = self._client_id("amend", room, key, said.amended)
                sent = self._send(EditMessage, room, client_id=client_id, seq=said.seq, text=text)
        self._effects.writes[table_key] = encoded(said)
        return sent

    def _keyed(self, room: str, key: str) -> str:
        return self._client_id("key", room, key)

    def _client_id(self, *cause: object) -> str:
        try:
            return causes.client_id(self._agent.name, self._cause.hops, *cause)
        except ValueError as error:
            raise AgentError(f"{error}: {self._agent.name} does not answer here") from error

    def _next_cause(self) -> tuple[object, ...]:
        self._count += 1
        return (self._cause.name, self._count)


def _seq_of(message: MessageCreated | int) -> int:
    return message if isinstance(message, int) else message.seq


def _root_of(message: MessageCreated | int) -> int:
    return message if isinstance(message, int) else message.thread or message.seq
