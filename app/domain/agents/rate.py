"""How often an agent may act: `20/minute`, in each room."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from app.errors import Malformed

_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_FORM: Final = re.compile(r"([1-9][0-9]{0,5})/(second|minute|hour|day)")


@dataclass(frozen=True)
class Rate:
    """At most `count` acts in any `seconds`."""

    count: int
    seconds: int

    def __str__(self) -> str:
        unit = next(name for name, seconds in _SECONDS.items() if seconds == self.seconds)
        return f"{self.count}/{unit}"


def parse(text: str) -> Rate:
    """The rate of a text such as `20/minute`; raises `Malformed`."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise Malformed(f"a rate is a number by second, minute, hour or day, as 20/minute: {text}")
    return Rate(int(found[1]), _SECONDS[found[2]])


def taken(rate: Rate, arrival_ms: int, at_ms: int) -> int | None:
    """The next theoretical arrival after an act at `at_ms`; `None` where the rate forbids it.

    The generic cell rate algorithm: `arrival_ms` is the result for the act before, 0 for the first.
    A burst of `count` acts is allowed.
    """
    step = rate.seconds * 1000 / rate.count
    ahead = max(arrival_ms, at_ms) + step
    return round(ahead) if ahead - at_ms <= rate.seconds * 1000 + 0.5 else None
