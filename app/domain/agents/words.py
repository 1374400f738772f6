"""Commands in a message's text: `/remind 10 tea`, their words read by a handler's parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.errors import Malformed

#: The types of words. A duration is a number of seconds, or `10s`, `5m`, `2h`, `1d`.
TYPES: Final[Mapping[str, str]] = {
    "str": "a word",
    "int": "a whole number",
    "float": "a number",
}

_COMMAND: Final = re.compile(r"/([a-z][a-z0-9_-]*)(?:\s+|$)")


@dataclass(frozen=True)
class Word:
    """One word of a command: a parameter of its handler.

    `rest` takes all that is left of the text, spaces included. A word that is not `required` may
    be missing at the end.
    """

    name: str
    type: str = "str"
    required: bool = True
    rest: bool = False

    def __str__(self) -> str:
        shown = f"{self.name}…" if self.rest else self.name
        return shown if self.required else f"[{shown}]"


@dataclass(frozen=True)
class CommandForm:
    """A command's name, its words, and a sentence about it."""

    name: str
    words: tuple[Word, ...] = ()
    about: str = ""

    def __str__(self) -> str:
        return " ".join([f"/{self.name}", *map(str, self.words)])


def command_name(text: str) -> str:
    """The name of the command that a text begins with; empty if it begins with none."""
    found = _COMMAND.match(text)
    return "" if found is None else found[1]


def arguments(form: CommandForm, text: str) -> dict[str, Any]:
    """The words behind the command's name, by parameter; raises `Malformed` with what is wrong."""
    found = _COMMAND.match(text)
    left = text[found.end() :] if found is not None else text
    values: dict[str, Any] = {}
    for word in form.words:
        left = left.strip()
        if not left:
            if word.required:
                raise Malformed(f"{word.name} is missing: {form}")
            break
        if word.rest:
            given, left = left, ""
        else:
            given, _, left = left.partition(" ")
        values[word.name] = _value(form, word, given)
    if left.strip():
        raise Malformed(f"{left.strip()!r} is too much: {form}")
    return values


def _value(form: CommandForm, word: Word, given: str) -> str | int | float:
    try:
        if word.type == "int":
            return int(given)
        if word.type == "float":
            return float(given)
    except ValueError:
        raise Malformed(f"{word.name} is {TYPES[word.type]}, not {given!r}: {form}") from None
    return given


def help_text(agent: str, forms: Sequence[CommandForm]) -> str:
    """The answer to `/help`: each command in a line."""
    lines = [f"{form} - {form.about}" if form.about else f"{form}" for form in forms]
    return "\n".join([f"{agent}:", *lines])
