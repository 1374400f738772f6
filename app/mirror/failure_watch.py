"""What MirrorMaker's log says about connectors that have failed.

MirrorMaker goes on without a connector or task that has failed, and then mirrors nothing.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

#: Errors behind which a connector or task stays as it is. Others, such as a broker that is away,
#: MirrorMaker gets over. It also has an error for the connector of checkpoints, which is off.
_LASTING: Final = (
    "will not recover until manually restarted",
    "unless manually triggered",
    "Connector has failed",
    "Error initializing connector",
    "Error while starting connector",
    "Failed to configure MirrorSourceConnector",
    "Failed to start connector",
    "Failed to start task",
    "Couldn't instantiate task",
)

#: An invalid setting is named in the second line of the exception.
_REASONS: Final = 3

_ENTRY: Final = re.compile(r"^\d{4}-\d\d-\d\d \S+ (\w+) (.*)$")


class FailureWatch:
    """Reads what has come to the log since the last look."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._at = self._size()

    def look(self) -> str:
        """Why a connector has failed since the last look; empty where none has."""
        size = self._size()
        start = self._at if size >= self._at else 0  # the log was begun anew
        if size == start:
            return ""
        with self._log.open("rb") as file:
            file.seek(start)
            text = file.read(size - start).decode(errors="replace")
        self._at = size
        return failure_in(text)

    def _size(self) -> int:
        try:
            return self._log.stat().st_size
        except FileNotFoundError:
            return 0


def failure_in(text: str) -> str:
    """The first failure of a connector in the log's text, on one line; empty where there is none.

    Its reason is the last cause of the exception.
    """
    lines = iter(text.splitlines())
    for line in lines:
        entry = _ENTRY.match(line)
        if entry and entry[1] == "ERROR" and any(part in entry[2] for part in _LASTING):
            reasons, cause = [entry[2].partition(": ")[2]], ""
            for more in lines:
                if _ENTRY.match(more):
                    break
                if more.startswith("Caused by: "):
                    cause = more.removeprefix("Caused by: ")
                elif not more.startswith("\t") and len(reasons) < _REASONS:
                    reasons.append(more)
            return ": ".join([reasons[0], cause] if cause else reasons)
    return ""
