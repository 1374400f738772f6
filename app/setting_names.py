"""The names of settings: the nearest one to a name that is none, and those that others give."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

#: What Kubernetes sets for a service whose name begins with `parley`, in each container of its
#: namespace, and Docker for a link. No person has written these. `PARLEY_PORT` is among them, and
#: is a setting: its value is refused.
_LINKS: Final = re.compile(
    r"PARLEY_(?:\w+_)?"
    r"(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:ADDR|PORT|PROTO))?)",
    re.ASCII,
)
_LINK_VALUE: Final = re.compile(r"(?:tcp|udp|sctp)://\S+", re.ASCII)

#: What docker-compose.yml reads, and the command does not.
_OTHERS: Final = frozenset({"PARLEY_PUBLISH"})


def nearest(text: str, known: Iterable[str], cutoff: float = 0.8) -> str:
    """The known word that is nearest to a text; empty where none is near."""
    return next(iter(get_close_matches(text, list(known), n=1, cutoff=cutoff)), "")


def from_elsewhere(name: str, value: str) -> bool:
    """Whether a variable that is no setting is set by others than the person who runs Parley."""
    if name in _OTHERS or _LINKS.fullmatch(name):
        return True
    return name.endswith("_PORT") and _LINK_VALUE.fullmatch(value) is not None
