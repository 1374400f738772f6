"""Whether a command is well-formed, as every command of an edge is.

Edges check all this. But a user's own agents may write to `chat.raw`, and the stages after
moderation rely on it: in keys of tables, in names in the log, in client ids.

A command with a `flaw` is none. One that is `unfit` has a text that can't be shown, or opens a room
with the id of a direct one: it is refused, because an edge of an earlier release may have accepted
it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson

from app.domain import names, shown_text
from app.domain.roles import ROLES
from app.domain.sanctions import LONGEST, REASON, SANCTIONS
from app.events import (
    AddMember,
    AddReaction,
    AnyCommand,
    ApproveMessage,
    Attachment,
    ChangeRole,
    ChangeRoom,
    CreateRoom,
    HideMessage,
    LiftSanction,
    RemoveMember,
    RemoveReaction,
    RoomSettings,
    SendMessage,
    SetSanction,
)

_known_user = lru_cache(10_000)(names.former_user)
_new_user = lru_cache(10_000)(names.user)
_known_room = lru_cache(10_000)(names.room)

ROOM_TYPES = ("group", "public", "direct")

#: The most: characters of a topic and of a token's `jti`, seconds of slow mode, days of retention,
#: attachments of a message, characters of a file's name, bytes of `meta`.
TOPIC = 500
TOKEN_ID = 256
SLOW_MODE = 6 * 60 * 60
RETENTION = 36500
ATTACHMENTS = 10
FILE_NAME = 255
META = 2048


def flaw(command: AnyCommand) -> str | None:
    """The mistake in the command, or `None`."""
    return next((found for found in _flaws(command) if found is not None), None)


def _flaws(command: AnyCommand) -> Iterator[str | None]:
    yield _known_room(command.room)
    yield _known_user(command.by)
    yield names.client_id(command.client_id)
    yield _uuid(command.id)
    match command:
        case CreateRoom():
            yield None if command.type in ROOM_TYPES else f"a room's type is one of {ROOM_TYPES}"
            yield None if (command.type == "direct") == bool(command.user) else _DIRECT
            yield _known_user(command.user) if command.user else None
        case ChangeRoom():
            yield settings(command.settings) if command.settings is not None else None
        case AddMember() | ChangeRole():
            yield _known_user(command.user) or role(command.role)
        case RemoveMember():
            yield _known_user(command.user)
        case AddReaction() | RemoveReaction():
            yield names.emoji(command.emoji)
        case SendMessage():
            yield attachments(command.attachments) or meta(command.meta)
        case ApproveMessage():
            yield _known_user(command.user)
            yield attachments(command.attachments) or meta(command.meta)
        case SetSanction():
            yield _known_user(command.user) or sanction(command.sanction, command.seconds)
        case LiftSanction():
            yield _known_user(command.user)


_DIRECT = "a direct room, and no other, is with a user"


def unfit(command: AnyCommand) -> str | None:
    """The mistake in an id or text of the command that others would be shown, or `None`."""
    if isinstance(command, SendMessage) and not command.attachments:
        return None  # most commands
    return next((found for found in _unfit(command) if found is not None), None)


def _unfit(command: AnyCommand) -> Iterator[str | None]:
    match command:
        case CreateRoom():
            yield names.room_name(command.name) or topic(command.topic)
            yield names.chosen_room(command.room) if command.type != "direct" else None
            yield _new_user(command.user) if command.user else None
        case ChangeRoom():
            yield names.room_name(command.name or "") or topic(command.topic or "")
        case AddMember():
            yield _new_user(command.user)
        case SendMessage(attachments=files) if files:
            yield from (file_name(one.name) for one in files)
        case SetSanction() | LiftSanction() | HideMessage():
            yield reason(command.reason)


def topic(text: str) -> str | None:
    """A room's topic: up to 500 characters."""
    return shown_text.flaw(text, "a topic", TOPIC, lines=True)


def file_name(text: str) -> str | None:
    """The name of a file: up to 255 characters in one line."""
    return shown_text.flaw(text, "an attachment's name", FILE_NAME)


def token_id(text: str) -> str | None:
    """The `jti` of a token: up to 256 characters."""
    return None if 1 <= len(text) <= TOKEN_ID else f"a jti has 1 to {TOKEN_ID} characters"


def role(name: str) -> str | None:
    """One of the roles."""
    return None if name in ROLES else f"a role is one of {', '.join(ROLES)}"


def reason(text: str) -> str | None:
    """A moderator's reason: up to 500 characters."""
    return shown_text.flaw(text, "a reason", REASON, lines=True)


def sanction(kind: str, seconds: int) -> str | None:
    """`mute` or `ban`, for up to ten years; 0 seconds: for good."""
    if kind not in SANCTIONS:
        return f"a sanction is one of {', '.join(SANCTIONS)}"
    return None if 0 <= seconds <= LONGEST else f"seconds is 0 to {LONGEST}"


def settings(given: RoomSettings) -> str | None:
    """Settings of a room: slow mode up to six hours, retention to 100 years, `post` a role."""
    if not 0 <= given.slow_mode <= SLOW_MODE:
        return f"slow_mode is 0 to {SLOW_MODE} seconds"
    if not 0 <= given.retention_days <= RETENTION:
        return f"retention_days is 0 to {RETENTION}"
    return role(given.post)


def attachments(given: tuple[Attachment, ...]) -> str | None:
    """Up to ten references, each by a URL of http or https."""
    if len(given) > ATTACHMENTS:
        return f"a message has at most {ATTACHMENTS} attachments"
    for one in given:
        if not one.url.startswith(("https://", "http://")) or len(one.url) > 2048:
            return "an attachment's url is of http or https and has at most 2048 characters"
        if len(one.name) > FILE_NAME or len(one.type) > 100 or one.size < 0:
            return f"an attachment's name has at most {FILE_NAME} characters, its type 100"
    return None


def meta(given: dict[str, Any]) -> str | None:
    """Any JSON of at most 2 KiB."""
    try:
        size = len(orjson.dumps(given)) if given else 0
    except TypeError as error:  # nested too deep, or an integer beyond 64 bits
        return f"meta can't be kept: {error}"
    return None if size <= META else f"meta has at most {META} bytes as JSON"


def _uuid(text: str) -> str | None:
    try:
        UUID(text)
    except ValueError:
        return f"{text!r} is no UUID"
    return None
