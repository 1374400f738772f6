"""What the tables hold: all that a command's outcome can depend on.

Each record says up to which event `n` of its room it stands. After a crash one record may have
been kept and another not; `n` lets the log be applied again to each, without harm.
"""

from __future__ import annotations

from msgspec import Struct

from app.domain.sanctions import Sanction
from app.events import RoomSettings, Ruling, SendMessage


class Room(Struct, frozen=True, omit_defaults=True):
    """A room's head: the numbers of its newest event and message, and how it is run.

    `src` is the `chat.raw` offset of the newest event. Commands at or below it have been
    decided, whatever became of them. `sanctioned`: whether anybody may be under a sanction here;
    a room from before this was noted counts as one where somebody is.
    """

    n: int
    seq: int
    src: int
    type: str
    settings: RoomSettings = RoomSettings()
    archived: bool = False
    sanctioned: bool = True


class Member(Struct, frozen=True, omit_defaults=True):
    """Somebody who belongs to a room since its event `n`, of that time; 0: nobody noted it."""

    role: str
    n: int
    at_ms: int = 0


class Sender(Struct, frozen=True, omit_defaults=True):
    """When somebody sent the last message to a room, which was its event `n`."""

    n: int = 0
    last_ms: int = 0


class Sent(Struct, frozen=True, array_like=True):
    """The place in its room's log of what somebody sent under a client id.

    `seq` is 0 for what is no message; `event_id` has the 16 bytes of the UUID.
    """

    n: int
    seq: int
    event_id: bytes


class Message(Struct, frozen=True, omit_defaults=True):
    """A message: who wrote it, its thread's root, whether it is gone, its reactions counted.

    `at` is the message's own `n`, `edit` that of its last edit, or 0. In the `shadow` it is there
    for its author alone.
    """

    n: int
    by: str
    at: int
    edit: int = 0
    thread: int = 0
    deleted: bool = False
    emojis: dict[str, int] = {}
    shadow: bool = False


class Reactions(Struct, frozen=True, omit_defaults=True):
    """What one person has put under one message."""

    n: int = 0
    emojis: tuple[str, ...] = ()


#: The key of `Progress` in its table. A table that is new has to follow the log from the beginning:
#: under another key, all of them do.
LOG_PROGRESS = "log-2"


class Progress(Struct, frozen=True):
    """All that the log says up to this offset of `chat.log` is in the tables."""

    offset: int


class State(Struct, frozen=True):
    """All that one command depends on: nothing else may be looked at.

    `actor` is who acts, `sent` what that person's client id stands for already, `subject` who is
    acted upon, `message` which message, `root` the root of its thread, `own` the actor's reactions
    to the message, `named` those members whom the text names, `sanction` and `subject_sanction`
    what the actor and the subject are under.
    """

    room: Room | None = None
    actor: Member | None = None
    sender: Sender = Sender()
    sent: Sent | None = None
    subject: Member | None = None
    message: Message | None = None
    root: Message | None = None
    own: Reactions = Reactions()
    named: tuple[str, ...] = ()
    sanction: Sanction | None = None
    subject_sanction: Sanction | None = None


class Repeat(Struct, frozen=True):
    """The wish was there before, or is so already: its place in the log stays."""

    n: int
    seq: int = 0
    event_id: str = ""


class Held(Struct, frozen=True):
    """The message would be taken, but somebody is to look at it first."""

    message: SendMessage
    ruling: Ruling
    at_ms: int
