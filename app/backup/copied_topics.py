"""The topics that are copied: what can't be made again from others."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

from app.topics import (
    AGENTS,
    DEAD,
    DEPLOYMENT,
    ERASURES,
    LOG,
    MODERATION,
    RECEIPTS,
    RULES,
    SANCTIONS,
    TOPICS,
    VERDICTS,
)
from app.topics import MODERATED as _MODERATED
from app.topics import RAW as _RAW

#: What a backup has, in this order: no receipt is then beyond the log, no epoch of the log is
#: unknown, and what was erased in the meantime is erased after a restore.
KEPT: Final = (*(RECEIPTS, LOG, MODERATION, DEAD, RULES, SANCTIONS, ERASURES, AGENTS, DEPLOYMENT),)

#: Commands on their way are copied by their own rule, and the answers to commands have been given.
_PASSING: Final = frozenset({_RAW, _MODERATED, VERDICTS})

_OF_GROUPS: Final = re.compile(r"parley-.+-(changelog|again)")


def moved_topics(there: Iterable[str], own: Collection[str] = ()) -> list[str]:
    """The topics of a cluster that move with a deployment; `own` are those of a user's agents."""
    parleys = {topic.name for topic in TOPICS} - _PASSING
    return sorted(
        name for name in there if name in parleys or name in own or _OF_GROUPS.fullmatch(name)
    )
