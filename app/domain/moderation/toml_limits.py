"""The limits of a rule file's form, checked before the parser sees it.

The parser takes quadratic time for keys of many parts, and a level of the stack for each nesting.
"""

from __future__ import annotations

import re
from typing import Final

#: Characters of a file; parts of a dotted key; arrays and tables within each other.
SIZE: Final = 1024 * 1024
KEY_PARTS: Final = 8
NESTING: Final = 8

#: Strings and comments. Each alternative matches as soon as its first characters do, also without
#: its end, so that the time is linear.
_QUOTED: Final = re.compile(
    r'"""(?:\\.|[^\\])*?(?:"""|\Z)'
    r"|'''.*?(?:'''|\Z)"
    r'|"(?:\\.|[^"\\\n])*"?'
    r"|'[^'\n]*'?"
    r"|#[^\n]*",
    re.DOTALL,
)
_LONG_KEY: Final = re.compile(rf"(?:\.[ \t]*+[\w-]++[ \t]*+){{{KEY_PARTS}}}")
_BRACKET: Final = re.compile(r"[\[\]{}]")


def form_flaw(source: str) -> tuple[int, str] | None:
    """The line, from 1, and the reason of a form that no rule file has; `None` for none."""
    if len(source) > SIZE:
        return 1, f"a rule file has at most {SIZE} characters"
    bare = _QUOTED.sub(_blank, source)
    if (found := _LONG_KEY.search(bare)) is not None:
        return _line(bare, found.start()), f"a key has at most {KEY_PARTS} parts"
    depth = 0
    for bracket in _BRACKET.finditer(bare):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > NESTING:
            return _line(bare, bracket.start()), f"values are nested at most {NESTING} deep"
    return None


def _blank(found: re.Match[str]) -> str:
    """A name in place of a string, so that it stays a part of a key, with the lines of it."""
    return "_" + "\n" * found[0].count("\n")


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
