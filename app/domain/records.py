"""The records of the tables: everything that the outcome of a command can depend on.

Each record has the event `n` of its room up to which it stands. After a crash one record may have
been stored and another not; with `n` the log can be applied to each of them again without harm.
"""

from __future__ import annotations

from msgspec import Struct

from app.domain.mentions import Mentioned
from app.domain.sanctions import Sanction
from app.events import RoomSettings, Ruling, SendMessage, Source


class Room(Struct, frozen=True, omit_defaults=True):
    """A room's head: the numbers of its newest event and message, and its settings.

    `src` is the `chat.raw` offset of the newest event's command, and `origin` that of the offset:
    commands at or below both have been decided.
    `sanctioned` is whether any user may be under a sanction here; it is true for a room that is
    older than this field.
    """

    n: int
    seq: int
    src: int
    type: str
    settings: RoomSettings = RoomSettings()
    archived: bool = False
    sanctioned: bool = True
    origin: int = 0

    @property
    def source(self) -> Source:
        """The place of the newest event's command, in the order of decisions."""
        return Source(self.origin, self.src)


class Member(Struct, frozen=True, omit_defaults=True):
    """A member of a room since its event `n` and that time; 0: not recorded."""

    role: str
    n: int
    at_ms: int = 0


class Sender(Struct, frozen=True, omit_defaults=True):
    """The time of a user's last message to a room, which was its event `n`."""

    n: int = 0
    last_ms: int = 0


class Sent(Struct, frozen=True, array_like=True):
    """The event that a user's client id stands for.

    `seq` is 0 if it is not a message; `event_id` has the 16 bytes of the UUID.
    """

    n: int
    seq: int
    event_id: bytes


class Message(Struct, frozen=True, omit_defaults=True):
    """A message: its author, its thread's root, whether it is deleted, its reactions counted.

    `at` is the message's own `n`, `edit` that of its last edit, or 0. Only its author sees it if it
    is in `shadow`. `epoch` is that of the log when the message was sent.
    """

    n: int
    by: str
    at: int
    edit: int = 0
    thread: int = 0
    deleted: bool = False
    emojis: dict[str, int] = {}
    shadow: bool = False
    epoch: int = 0


class Reactions(Struct, frozen=True, omit_defaults=True):
    """The reactions of a user to a message."""

    n: int = 0
    emojis: tuple[str, ...] = ()


#: The key of `Progress` in its table.
LOG_PROGRESS = "log-2"


class Progress(Struct, frozen=True):
    """All tables have every event up to this offset of `chat.log`.

    Written by earlier releases alone: each table has its own position now.
    """

    offset: int


class State(Struct, frozen=True):
    """Everything that the outcome of a command depends on.

    `actor` is the acting member, `sent` the event that the client id stands for already, `subject`
    the other member concerned, `message` the message concerned, `root` the root of its thread,
    `own` the actor's reactions to the message, `mentioned` the members that the text mentions,
    `alike` a member that looks like the one to be added,
    `sanction` and `subject_sanction` the sanctions of actor and subject.
    """

    room: Room | None = None
    actor: Member | None = None
    sender: Sender = Sender()
    sent: Sent | None = None
    subject: Member | None = None
    message: Message | None = None
    root: Message | None = None
    own: Reactions = Reactions()
    mentioned: Mentioned = Mentioned()
    alike: str = ""
    sanction: Sanction | None = None
    subject_sanction: Sanction | None = None


class Repeat(Struct, frozen=True):
    """The command was executed before, or its effect is there: it keeps its number."""

    n: int
    seq: int = 0
    event_id: str = ""


class Held(Struct, frozen=True):
    """The message is held for review."""

    message: SendMessage
    ruling: Ruling
    at_ms: int
