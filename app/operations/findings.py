"""What a check found, and how a person sees it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """`note` is worth knowing and stops nothing; `missing` has to be seen to."""

    OK = "ok"
    NOTE = "note"
    MISSING = "missing"


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, how it is, and what was seen or is to be done."""

    what: str
    state: State
    note: str


def ok(what: str, note: str) -> Finding:
    """It is there."""
    return Finding(what, State.OK, note)


def note(what: str, text: str) -> Finding:
    """It is not there, or little of it, and Parley can do without for now."""
    return Finding(what, State.NOTE, text)


def missing(what: str, todo: str) -> Finding:
    """It is not there and has to be."""
    return Finding(what, State.MISSING, todo)


def table(findings: Iterable[Finding]) -> str:
    """The findings as lines of three columns."""
    return "\n".join(f"{f.what:<12} {f.state:<8} {f.note}" for f in findings)
