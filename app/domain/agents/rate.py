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
