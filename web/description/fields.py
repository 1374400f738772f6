"""The forms of ids and texts in the description; app/domain/names.py and others hold to them.

These descriptions are not enforced: the edge checks these values with the functions of
app/domain, which say more about what is wrong, under a code of its own.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from msgspec import Meta

ROOM_ID: Final[dict[str, Any]] = {
    "type": "string",
    "minLength": 1,
    "maxLength": 64,
    "pattern": r"^[A-Za-z0-9._~-]+$",
}
USER_ID: Final[dict[str, Any]] = {
    "type": "string",
    "minLength": 1,
    "maxLength": 64,
    "pattern": r"^[^/\s]+$",
}
SEQ: Final[dict[str, Any]] = {"type": "integer", "minimum": 1, "maximum": 10**18 - 1}

RoomId = Annotated[
    str, Meta(extra_json_schema=ROOM_ID | {"description": "A room's id.", "examples": ["tea"]})
]
UserId = Annotated[
    str, Meta(extra_json_schema=USER_ID | {"description": "A user's id.", "examples": ["ben"]})
]
ClientId = Annotated[
    str,
    Meta(
        extra_json_schema={
            "minLength": 1,
            "maxLength": 64,
            "pattern": r"^[\x20-\x7e]+$",
            "description": "The client's name for its request: sent again under the same one, a "
            "request changes nothing more.",
            "examples": ["hello-1"],
        }
    ),
]
RoomName = Annotated[
    str, Meta(extra_json_schema={"maxLength": 80, "description": "A name in one line."})
]
Topic = Annotated[str, Meta(extra_json_schema={"maxLength": 500})]
Reason = Annotated[str, Meta(extra_json_schema={"maxLength": 500})]
MessageText = Annotated[
    str,
    Meta(
        extra_json_schema={
            "description": "Up to `PARLEY_TEXT_LIMIT` characters.",
            "examples": ["Hello, Ben"],
        }
    ),
]
MessageSeq = Annotated[
    int, Meta(extra_json_schema={"minimum": 0, "description": "The `seq` of a message; 0: none."})
]
Milliseconds = Annotated[
    int, Meta(extra_json_schema={"minimum": 0, "description": "Milliseconds since 1970."})
]
