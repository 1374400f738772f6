"""The parts of paths that a request fills in."""

from __future__ import annotations

import re
from typing import Any, Final

from web.description.fields import ROOM_ID, SEQ, USER_ID

_PART: Final = re.compile(r"\{(\w+)\}")

_PARTS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "room": ("The room's id.", ROOM_ID),
    "user": ("The user's id.", USER_ID),
    "seq": ("The message's number among those of its room.", SEQ),
    "emoji": ("An emoji.", {"type": "string", "minLength": 1, "maxLength": 32}),
    "item": ("An item of the review queue.", {"type": "string", "minLength": 1}),
    "hook": ("An incoming webhook.", {"type": "string", "minLength": 1}),
    "token": ("The secret of an incoming webhook.", {"type": "string", "minLength": 1}),
    "subscription": ("The id of a subscription.", {"type": "string", "minLength": 1}),
}

_EXAMPLES: Final[dict[str, Any]] = {
    **{"room": "tea", "user": "ben", "seq": 1, "emoji": "👍", "item": "report-tea-1"},
    **{"hook": "hk_0197c3", "token": "3f9a", "subscription": "sub_0197c3"},
}


def parts_of(path: str) -> tuple[str, ...]:
    """The names of the parts of a path, in order."""
    return tuple(_PART.findall(path))


def path_parameters(path: str) -> list[dict[str, Any]]:
    """The parameter objects of a path."""
    found = []
    for name in parts_of(path):
        about, schema = _PARTS[name]
        found.append(
            {
                "name": name,
                "in": "path",
                "required": True,
                "description": about,
                "schema": schema,
                "example": _EXAMPLES[name],
            }
        )
    return found
