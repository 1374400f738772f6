"""Mentions in a text: `@ann`, and `@room` for everyone."""

from __future__ import annotations

import re

#: The most names that are looked up for a message; later ones are plain text.
MOST = 50

EVERYONE = "room"

_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_TOKEN = re.compile(r"(?<![\w@])@(\S{1,80})")
_TRAILING = ".,:;!?)]}>'\"\u2026\u3002\uff0c\uff01\uff1f\u3001"


def named(text: str) -> tuple[str, ...]:
    """The candidates for names after an `@`: with and without trailing punctuation.

    The caller has to check which of them are members. Code between backticks mentions no one.
    """
    if "@" not in text:
        return ()
    found: dict[str, None] = {}
    for token in _TOKEN.findall(_CODE.sub(" ", text)):
        name = token
        while name and len(found) < 2 * MOST:
            found[name] = None
            if name[-1] not in _TRAILING:
                break
            name = name[:-1]
    return tuple(found)


def called(text: str) -> tuple[str, ...]:
    """The words after an `@`, each once: the users that a text calls."""
    names = (token.rstrip(_TRAILING) for token in _TOKEN.findall(_CODE.sub(" ", text)))
    return tuple(dict.fromkeys(name for name in names if name))
