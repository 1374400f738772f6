"""The forms of ids and names. Each check returns what is wrong, or `None`."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from app.domain.shown_text import changes_direction, flaw, has_invisible

#: The beginning of the ids of direct rooms, and of no others.
DIRECT: Final = "dm-"

#: The characters that need no escaping in a URL (RFC 3986, unreserved).
_ROOM: Final = re.compile(r"[A-Za-z0-9._~-]{1,64}")
#: Visible ASCII without `/`: most user ids, all of which are valid but `.` and `..`.
_PLAIN_USER: Final = re.compile(r"(?!\.{1,2}\Z)[!-.0-~]{1,64}")
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]{1,64}")

#: HTTP clients resolve a path with these to another path.
_DOTS: Final = frozenset({".", ".."})

#: Control, format (bidirectional controls are among them), surrogate, space, line, paragraph.
_NOT_IN_USERS: Final = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})
_NOT_IN_EMOJIS: Final = frozenset({"Cc", "Cs", "Zs", "Zl", "Zp"})

#: The most characters of a room's name.
ROOM_NAME: Final = 80


def room(text: str) -> str | None:
    """A room's id: 1 to 64 of `A-Z a-z 0-9 . _ ~ -`, but not `.` or `..`."""
    if _ROOM.fullmatch(text) and text not in _DOTS:
        return None
    return "a room's id is 1 to 64 of the characters A-Z a-z 0-9 . _ ~ -, and not . or .."


def chosen_room(text: str) -> str | None:
    """An id that a user chooses for a room: not one of those that direct rooms get."""
    if text.startswith(DIRECT):
        return f"ids that begin with {DIRECT} are those of direct rooms"
    return room(text)


def user(text: str) -> str | None:
    """A user's id: 1 to 64 visible characters of any script, without `/`, in Unicode's form NFC.

    Invisible characters and a mark at the beginning are refused, so that fewer ids look the same
    without being the same; `/` separates room and user in the keys of tables.
    """
    if _PLAIN_USER.fullmatch(text):
        return None
    if (wrong := former_user(text)) is not None:
        return wrong
    if text in _DOTS:
        return "a user's id is not . or .."
    if has_invisible(text):
        return "a user's id has no spaces and no invisible or control characters"
    if unicodedata.category(text[0])[0] == "M":
        return "a user's id does not begin with a mark, such as an accent"
    if not unicodedata.is_normalized("NFC", text):
        return "a user's id is in Unicode's form NFC"
    return None


def former_user(text: str) -> str | None:
    """A user's id as earlier releases took it: members of that time can still be removed."""
    if _PLAIN_USER.fullmatch(text):
        return None
    if not 1 <= len(text) <= 64:
        return "a user's id has 1 to 64 characters"
    if "/" in text:
        return "a user's id has no /"
    if any(unicodedata.category(character) in _NOT_IN_USERS for character in text):
        return "a user's id has no spaces and no invisible or control characters"
    return None


def room_name(text: str) -> str | None:
    """A room's name: up to 80 characters in one line."""
    return flaw(text, "a room's name", ROOM_NAME)


def client_id(text: str) -> str | None:
    """A client's own id of a request: 1 to 64 printable ASCII characters."""
    if _PRINTABLE.fullmatch(text):
        return None
    return "a client_id is 1 to 64 printable ASCII characters"


def emoji(text: str) -> str | None:
    """A reaction: 1 to 32 characters without spaces, control characters and direction changes.

    Joiners and variation selectors are allowed: many emojis need them.
    """
    if not 1 <= len(text) <= 32:
        return "a reaction is 1 to 32 characters"
    if any(unicodedata.category(character) in _NOT_IN_EMOJIS for character in text):
        return "a reaction has no spaces and no control characters"
    if changes_direction(text):
        return "a reaction has no characters that change the direction of text"
    return None
