"""Texts that people are shown: whether there is something to see, and nothing that misleads.

One check for every text of a user's: ids, names and topics of rooms, reasons, names of files,
messages. A check returns the mistake, or `None`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

#: Default_Ignorable_Code_Point of Unicode 17: what fonts draw as nothing. Fillers of Hangul, soft
#: hyphens, joiners, direction marks, variation selectors, tags.
IGNORABLE: Final = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
#: Drawn as nothing as well: an empty Braille pattern, a placeholder of objects, a Khitan filler, a
#: note without a head.
_EMPTY: Final = r"\u2800\ufffc\U00016fe4\U0001d159"
#: Control characters besides white space, and halves of characters.
_CONTROL: Final = r"\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff"
#: A character that is seen; `\s` are spaces and the ends of lines.
_SOMETHING: Final = re.compile(rf"[^\s{_CONTROL}{IGNORABLE}{_EMPTY}]")
_NOTHING: Final = re.compile(f"[{IGNORABLE}{_EMPTY}]")

#: Characters that change the direction of the text around them (Unicode's Bidi_Control).
_DIRECTION: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROLS: Final = re.compile(f"[{_CONTROL}\t\v\f\r\n\u2028\u2029]")
_CONTROLS_IN_LINES: Final = re.compile(f"[{_CONTROL}\v\f]")


def is_visible(text: str) -> bool:
    """Whether a text has something to see: a character that is no space and not invisible.

    A mark without a letter, such as an accent, is not enough.
    """
    first = text[:1]
    if first.isascii() and first.isalnum():
        return True
    return any(unicodedata.category(found[0])[0] != "M" for found in _SOMETHING.finditer(text))


def has_invisible(text: str) -> bool:
    """Whether a text has a character that is drawn as nothing; spaces are not meant."""
    return _NOTHING.search(text) is not None


def changes_direction(text: str) -> bool:
    """Whether a text has a character that changes the direction of the text around it."""
    return _DIRECTION.search(text) is not None


def flaw(text: str, what: str, most: int, *, lines: bool = False) -> str | None:
    """The mistake in a text of up to `most` characters, which may be empty.

    `what` names it in the answer; `lines`: it may have line breaks and tabs.

    Joiners and variation selectors are allowed: Persian, Indic scripts and emojis need them.
    """
    if not text:
        return None
    if len(text) > most:
        return f"{what} has at most {most} characters"
    if (_CONTROLS_IN_LINES if lines else _CONTROLS).search(text):
        return f"{what} has no control characters" + ("" if lines else " and no line breaks")
    if changes_direction(text):
        return f"{what} has no characters that change the direction of text"
    if not is_visible(text):
        return f"{what} has something to see, or is left out"
    return None


def composed(text: str) -> str:
    """The text in Unicode's form NFC, in which what looks the same is the same."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)
