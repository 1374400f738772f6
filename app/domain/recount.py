"""The recount of a room from its log, in plain steps, for `parley verify`.

It shares no code with the agents, keeps everything, and counts unread messages one by one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from app.events import (
    AnyLogEvent,
    MemberAdded,
    MemberRemoved,
    MemberRole,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    RoomCreated,
    SanctionLifted,
    SanctionSet,
)


@dataclass
class Said:
    """A message according to the log; `words` is the hash of its text in this process."""

    id: str
    by: str
    named: set[str]
    everyone: bool
    words: int
    deleted: bool = False


@dataclass
class RoomRecount:
    """A room according to its log; `wrong` has the errors of the log itself."""

    room: str
    n: int = 0
    #: The last message's number.
    seq: int = 0
    roles: dict[str, str] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    #: user → the highest receipt, without the marks by joining and writing.
    receipts: dict[str, int] = field(default_factory=dict)
    #: epoch of the log → the last message that was not lost with it.
    ends: dict[int, int] = field(default_factory=dict)
    #: (user, client id) → the `n` that it got.
    sent: dict[tuple[str, str], int] = field(default_factory=dict)
    said: dict[int, Said] = field(default_factory=dict)
    #: user → the sanction and its end, whether or not it has expired.
    sanctions: dict[str, tuple[str, int]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def take(self, event: AnyLogEvent) -> None:
        """Count the next record of the log; one that was written twice counts once."""
        if event.n <= self.n:
            return
        if event.n != self.n + 1:
            self.wrong.append(f"event {event.n} follows {self.n}")
            return  # No other reader accepts it: it is not the room's next event.
        self.n = event.n
        self._note_sent(event)
        match event:
            case RoomCreated():
                role = "member" if event.type == "direct" else "owner"
                for user in {event.by, event.user or event.by}:
                    self._join(user, role)
            case MemberAdded():
                self._join(event.user, event.role)
            case MemberRemoved():
                self.roles.pop(event.user, None)
            case SanctionSet():
                self.sanctions[event.user] = (event.sanction, event.until_ms)
                if event.sanction == "ban":
                    self.roles.pop(event.user, None)
            case SanctionLifted():
                self.sanctions.pop(event.user, None)
            case MemberRole():
                if event.role == "owner":
                    self.roles[event.by] = "admin"
                self.roles[event.user] = event.role
            case MessageCreated():
                self._say(event)
            case MessageEdited():
                said = self.said[event.seq]
                said.named |= set(event.mentions)
                said.everyone |= event.everyone
                said.words = hash(event.text)
            case MessageDeleted():
                self.said[event.seq].deleted = True

    def _note_sent(self, event: AnyLogEvent) -> None:
        one = event.by, event.client_id
        if (before := self.sent.setdefault(one, event.n)) != event.n:
            self.wrong.append(f"event {event.n} has the client id of event {before}")

    def _join(self, user: str, role: str) -> None:
        self.roles[user] = role
        self.read(user, self.seq)

    def _say(self, event: MessageCreated) -> None:
        if event.seq != self.seq + 1:
            self.wrong.append(f"message {event.seq} follows {self.seq}")
        shadowed = event.shadow is not None
        self.said[event.seq] = Said(
            *(event.id, event.by, set(event.mentions), event.everyone),
            words=hash(event.text),
            deleted=shadowed,
        )
        self.seq = max(self.seq, event.seq)
        self.read(event.by, event.seq)

    def left(self, seq: int, epoch: int) -> int:
        """What is left of a mark that was set in this epoch."""
        return min(seq, self.ends.get(epoch, seq))

    def receive(self, user: str, seq: int, epoch: int = 0) -> None:
        """Count a receipt of this epoch."""
        seq = self.left(seq, epoch)
        self.receipts[user] = max(self.receipts.get(user, 0), seq)
        self.read(user, seq)

    def read(self, user: str, seq: int) -> None:
        """Count everything up to here as read."""
        self.marks[user] = max(self.marks.get(user, 0), seq)

    def unread(self, user: str, most: int) -> tuple[int, int]:
        """The number of the user's unread messages, and how many of them mention the user.

        Only the newest `most` messages that mention the user count, and only the newest `most` that
        mention everyone.
        """
        mark = self.marks.get(user, 0)
        left = {seq for seq, said in self.said.items() if seq > mark and not said.deleted}
        named = sorted(seq for seq, said in self.said.items() if user in said.named)
        everyone = sorted(seq for seq, said in self.said.items() if said.everyone)
        return len(left), len(left.intersection(named[-most:] + everyone[-most:]))
