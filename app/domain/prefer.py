"""How long a request wants to wait: `Prefer: wait=N` (RFC 7240)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

#: Longer than this no proxy in between can be trusted to keep the request open.
LONGEST: Final = 30

_WAIT: Final = re.compile(r"\s*wait\s*(?:=\s*(?P<quote>\"?)(?P<seconds>[0-9]{1,9})(?P=quote)\s*)?")


def wait(headers: Iterable[str]) -> int | None:
    """Seconds to wait, 0 to 30, from all `Prefer` headers; None: nothing usable was said.

    The first `wait` counts, more than 30 is 30, and what is malformed is as if it were absent.
    """
    for preference in ",".join(headers).split(","):
        name = preference.split("=", 1)[0].split(";", 1)[0].strip().lower()
        if name == "wait":
            found = _WAIT.fullmatch(preference.split(";", 1)[0].lower())
            seconds = found and found["seconds"]
            return min(int(seconds), LONGEST) if seconds else None
    return None
