"""Whether a command is one that an edge could have written.

An edge has checked all this. But `chat.raw` is open to agents of one's own, and what comes after
moderation relies on it: keys of tables, names in the log, ids in the ring of client ids.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from uuid import UUID

from app.events import AddMember, AnyCommand, CreateRoom
from app.rules import names

_known_user = lru_cache(10_000)(names.user)
_known_room = lru_cache(10_000)(names.room)

ROOM_TYPES = ("group", "public")


def flaw(command: AnyCommand) -> str | None:
    """What is wrong with the command's ids and names, or `None`."""
    return next((found for found in _flaws(command) if found is not None), None)


def _flaws(command: AnyCommand) -> Iterator[str | None]:
    yield _known_room(command.room)
    yield _known_user(command.by)
    yield names.client_id(command.client_id)
    yield _uuid(command.id)
    if isinstance(command, CreateRoom):
        yield names.room_name(command.name)
        yield None if command.type in ROOM_TYPES else f"a room's type is one of {ROOM_TYPES}"
    if isinstance(command, AddMember):
        yield _known_user(command.user)


def _uuid(text: str) -> str | None:
    try:
        UUID(text)
    except ValueError:
        return f"{text!r} is no UUID"
    return None
