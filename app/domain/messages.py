"""The outcomes of commands about messages and reactions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from app.domain.emojis import bare
from app.domain.outcome import Outcome, deleted, stamp, unknown
from app.domain.records import Held, Member, Message, Reactions, Repeat, Room, State
from app.domain.roles import may, rank
from app.domain.shown_text import composed
from app.events import (
    AddReaction,
    ApproveMessage,
    Attachment,
    DeleteMessage,
    EditMessage,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    Moderated,
    ReactionAdded,
    ReactionRemoved,
    Refusal,
    RemoveReaction,
    SendMessage,
    Shadow,
)

#: The most different emojis under a message, and of one user under it.
MOST_EMOJIS = 20
MOST_OWN_EMOJIS = 10


def send(
    room: Room, actor: Member, state: State, command: SendMessage, moderated: Moderated
) -> Outcome:
    """Send a message."""
    refusal = _must_wait(room, actor, state, moderated.at_ms) or _dangling(state, command)
    if refusal is not None:
        return refusal
    ruling = moderated.ruling
    if ruling is not None and ruling.action == "hold":
        return Held(command, ruling, moderated.at_ms)
    content = content_of(room, actor, state, command)
    if ruling is not None and ruling.action == "hide":
        content = {"text": "", "shadow": Shadow(command.text, command.attachments, command.meta)}
    return MessageCreated(
        **stamp(room, moderated),
        seq=room.seq + 1,
        reply_to=command.reply_to,
        thread=command.thread,
        **content,
    )


def content_of(
    room: Room, actor: Member, state: State, command: SendMessage | ApproveMessage
) -> dict[str, Any]:
    """The content of a message, and its mentions."""
    return {
        "text": command.text,
        "attachments": tuple(_composed(one) for one in command.attachments),
        "meta": command.meta,
        **_mentions(room, actor, state),
    }


def _composed(file: Attachment) -> Attachment:
    return file if file.name.isascii() else replace(file, name=composed(file.name))


def _must_wait(room: Room, actor: Member, state: State, at_ms: int) -> Refusal | None:
    settings = room.settings
    if refusal := _may_not_write(room, actor):
        return refusal
    last = state.sender.last_ms
    left = last + settings.slow_mode * 1000 - at_ms
    # A later time is by another worker's clock, and makes no member wait.
    if 0 < last <= at_ms and left > 0 and not may(actor.role, "slow_mode.exempt"):
        return Refusal("slow_mode", f"Wait {-(-left // 1000)} s before your next message.")
    return None


def _may_not_write(room: Room, actor: Member) -> Refusal | None:
    if rank(actor.role) >= rank(room.settings.post):
        return None
    return Refusal("not_allowed", f"Here only those from {room.settings.post} up write.")


def _dangling(state: State, command: SendMessage) -> Refusal | None:
    if command.reply_to and state.message is None:
        return unknown(command.reply_to)
    if command.reply_to and state.message is not None and gone(state.message, command.by):
        return deleted(command.reply_to)
    if command.thread and state.root is None:
        return unknown(command.thread)
    if command.thread and state.root is not None and state.root.thread:
        return Refusal("not_a_root", f"Message {command.thread} is in a thread itself.")
    return None


def gone(message: Message, by: str) -> bool:
    """Whether the user sees no message: it was deleted, or is shadowed and another user's."""
    return message.deleted or (message.shadow and message.by != by)


def _mentions(room: Room, actor: Member, state: State) -> dict[str, Any]:
    action = "mention.everyone.public" if room.type == "public" else "mention.everyone"
    return {
        "mentions": state.mentioned.users,
        "everyone": state.mentioned.everyone and may(actor.role, action),
    }


def as_known(state: State, epoch: int | None) -> State:
    """The state without messages that a command with numbers of this epoch can't mean.

    The log of a later epoch gives the numbers of events that were lost to other messages.
    """
    if epoch is None:
        return state
    message, root = state.message, state.root
    if message is not None and message.epoch > epoch:
        state = replace(state, message=None, own=Reactions())
    if root is not None and root.epoch > epoch:
        state = replace(state, root=None)
    return state


def edit(
    room: Room, actor: Member, state: State, command: EditMessage, moderated: Moderated
) -> Outcome:
    """Give a message another text."""
    message = _touchable(state.message, actor, command.by, command.seq, "edit")
    if isinstance(message, Refusal):
        return message
    if refusal := _may_not_write(room, actor):
        return refusal
    content: dict[str, Any] = {"text": command.text}
    content |= _mentions(room, actor, state)
    if message.shadow:
        content = {"text": "", "shadow": Shadow(command.text)}
    return MessageEdited(
        **stamp(room, moderated), seq=command.seq, of=message.at, prev=message.edit, **content
    )


def delete(
    room: Room, actor: Member, state: State, command: DeleteMessage, moderated: Moderated
) -> Outcome:
    """Delete a message."""
    message = _touchable(state.message, actor, command.by, command.seq, "delete")
    if isinstance(message, Refusal):
        return message
    return MessageDeleted(
        **stamp(room, moderated),
        seq=command.seq,
        of=message.at,
        prev=message.edit,
        shadow=_shadow_of(message),
    )


def _touchable(
    message: Message | None, actor: Member, by: str, seq: int, action: str
) -> Message | Refusal:
    if message is None:
        return unknown(seq)
    if gone(message, by):
        return deleted(seq)
    whose = "own" if message.by == by else "any"
    if not may(actor.role, f"message.{action}.{whose}"):
        return Refusal("not_allowed", f"Message {seq} is somebody else's.")
    return message


def react(room: Room, state: State, command: AddReaction, moderated: Moderated) -> Outcome:
    """Add an emoji to a message, once."""
    message, own = state.message, state.own
    if message is None:
        return unknown(command.seq)
    if gone(message, command.by):
        return deleted(command.seq)
    if _spelling(command.emoji, own.emojis) is not None:
        return Repeat(own.n)
    known = _spelling(command.emoji, message.emojis)
    full = known is None and len(message.emojis) >= MOST_EMOJIS
    if full or len(own.emojis) >= MOST_OWN_EMOJIS:
        return Refusal("too_many_reactions", "There are enough reactions to this message.")
    return ReactionAdded(
        **stamp(room, moderated),
        seq=command.seq,
        emoji=known or command.emoji,
        shadow=_shadow_of(message),
    )


def unreact(room: Room, state: State, command: RemoveReaction, moderated: Moderated) -> Outcome:
    """Remove one's emoji."""
    known = _spelling(command.emoji, state.own.emojis)
    if known is None:
        return Refusal("reaction_unknown", "There is no such reaction of yours.")
    return ReactionRemoved(
        **stamp(room, moderated),
        seq=command.seq,
        emoji=known,
        shadow=_shadow_of(state.message),
    )


def _spelling(emoji: str, known: Iterable[str]) -> str | None:
    """The emoji as it is spelled there; earlier releases took `❤` and `❤️` for two."""
    return next((one for one in known if bare(one) == bare(emoji)), None)


def _shadow_of(message: Message | None) -> Shadow | None:
    """The shadow of an event about a shadowed message."""
    return Shadow("") if message is not None and message.shadow else None
