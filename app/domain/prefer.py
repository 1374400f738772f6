"""The header `Prefer: wait=N` (RFC 7240)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

#: Proxies may close requests that take longer.
LONGEST: Final = 30

_WAIT: Final = re.compile(r"\s*wait\s*(?:=\s*(?P<quote>\"?)(?P<seconds>[0-9]{1,9})(?P=quote)\s*)?")


def wait(headers: Iterable[str]) -> int | None:
    """Seconds to wait, 0 to 30, from all `Prefer` headers; `None` without a valid `wait`.

    The first `wait` is used, more than 30 is 30, and a malformed one is ignored.
    """
    for preference in ",".join(headers).split(","):
        name = preference.split("=", 1)[0].split(";", 1)[0].strip().lower()
        if name == "wait":
            found = _WAIT.fullmatch(preference.split(";", 1)[0].lower())
            seconds = found and found["seconds"]
            return min(int(seconds), LONGEST) if seconds else None
    return None
