"""The contents of a Markdown page: code blocks, headings, links."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")


class Step(NamedTuple):
    """Commands to enter, and the lines that they show, where the page shows any."""

    commands: str
    shows: list[str]


def pages() -> list[Path]:
    """Every page of the project."""
    return [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("tests/**/*.md")]


def blocks(page: Path, language: str) -> list[str]:
    """The page's code blocks in a language."""
    return [text for name, text in _FENCED.findall(page.read_text()) if name == language]


def steps(page: Path) -> list[Step]:
    """The page's `sh` blocks, each with the `text` block that follows it as what it shows."""
    found: list[Step] = []
    for language, text in _FENCED.findall(page.read_text()):
        if language == "sh":
            found.append(Step(text, []))
        elif language == "text" and found:
            found[-1].shows.extend(line for line in text.splitlines() if line)
    return found


def links(page: Path) -> list[str]:
    """Where the page points, code left out."""
    return _LINK.findall(_FENCED.sub("", page.read_text()))


def anchors(page: Path) -> set[str]:
    """The names under which the page's headings can be pointed at."""
    headings = _HEADING.findall(_FENCED.sub("", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
