"""What ids and names may look like. Each check returns what is wrong, or None."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

#: The characters that need no escaping in a URL (RFC 3986, unreserved).
_ROOM: Final = re.compile(r"[A-Za-z0-9._~-]{1,64}")
#: ASCII that can be seen, without `/`: most users' ids, and all of them are fine.
_PLAIN_USER: Final = re.compile(r"[!-.0-~]{1,64}")
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]{1,64}")

#: A path that ends in these means another path to every HTTP client.
_DOTS: Final = frozenset({".", ".."})

#: Control, format (bidirectional controls are among them), surrogate, space, line, paragraph.
_NOT_IN_USERS: Final = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})
_NOT_IN_EMOJIS: Final = frozenset({"Cc", "Cs", "Zs", "Zl", "Zp"})
_NOT_IN_ROOM_NAMES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})

#: Characters that turn the direction of the text around them (Unicode's Bidi_Control).
_BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def room(text: str) -> str | None:
    """A room's id: 1 to 64 of `A-Z a-z 0-9 . _ ~ -`, but not `.` or `..`."""
    if _ROOM.fullmatch(text) and text not in _DOTS:
        return None
    return "a room's id is 1 to 64 of the characters A-Z a-z 0-9 . _ ~ -, and not . or .."


def user(text: str) -> str | None:
    """A user's id: 1 to 64 characters that can be seen, in any script, without `/`.

    Invisible characters are refused, so that two ids which look the same are the same more often;
    `/` separates room and user in the keys of tables.
    """
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
    """A room's name for people: up to 80 characters, none that break lines or turn text around.

    Zero-width joiners are fine: Persian and emoji need them.
    """
    if len(text) > 80:
        return "a room's name has at most 80 characters"
    if any(unicodedata.category(character) in _NOT_IN_ROOM_NAMES for character in text):
        return "a room's name has no control characters and no line breaks"
    if not _BIDI.isdisjoint(text):
        return "a room's name has no characters that change the direction of text"
    return None


def client_id(text: str) -> str | None:
    """A client's own name for a request: 1 to 64 printable ASCII characters."""
    if _PRINTABLE.fullmatch(text):
        return None
    return "a client_id is 1 to 64 printable ASCII characters"


def emoji(text: str) -> str | None:
    """What a reaction shows: 1 to 32 characters without spaces, controls or letters turned around.

    Joiners and variation selectors are fine: many emojis are made with them.
    """
    if not 1 <= len(text) <= 32:
        return "a reaction is 1 to 32 characters"
    if any(unicodedata.category(character) in _NOT_IN_EMOJIS for character in text):
        return "a reaction has no spaces and no control characters"
    if not _BIDI.isdisjoint(text):
        return "a reaction has no characters that change the direction of text"
    return None
