"""The topics that are copied: what can't be made again from others."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

from app.stream.groups import SUBSCRIPTIONS as SUBSCRIPTIONS_GROUP
from app.topics import (
    AGENTS,
    DEAD,
    DELIVERIES,
    DEPLOYMENT,
    ERASURES,
    HOOKS,
    LOG,
    MODERATION,
    NOTIFY,
    RECEIPTS,
    REVOCATIONS,
    RULES,
    SANCTIONS,
    SUBSCRIPTIONS,
    TOPICS,
    VERDICTS,
    changelog,
)
from app.topics import MODERATED as _MODERATED
from app.topics import RAW as _RAW

#: What subscriptions have got. It is no other table's copy, and without it they would begin anew.
PLACES: Final = changelog(SUBSCRIPTIONS_GROUP.id, "places")

#: What a backup has, in this order: no receipt is then beyond the log, no epoch of the log is
#: unknown, and what was erased in the meantime is erased after a restore.
KEPT: Final = (
    *(RECEIPTS, LOG, MODERATION, DEAD, RULES, SANCTIONS, REVOCATIONS),
    *(ERASURES, AGENTS, SUBSCRIPTIONS, PLACES.name, DELIVERIES, HOOKS, NOTIFY, DEPLOYMENT),
)

#: Those that a deployment lacks until a process of this version has started in it.
ADDED: Final = frozenset(
    {AGENTS, REVOCATIONS, SUBSCRIPTIONS, PLACES.name, DELIVERIES, HOOKS, NOTIFY}
)

#: Commands on their way are copied by their own rule, and the answers to commands have been given.
_PASSING: Final = frozenset({_RAW, _MODERATED, VERDICTS})

_OF_GROUPS: Final = re.compile(r"parley-.+-(changelog|again)")


def moved_topics(there: Iterable[str], own: Collection[str] = ()) -> list[str]:
    """The topics of a cluster that move with a deployment; `own` are those of a user's agents."""
    parleys = {topic.name for topic in TOPICS} - _PASSING
    return sorted(
        name for name in there if name in parleys or name in own or _OF_GROUPS.fullmatch(name)
    )
