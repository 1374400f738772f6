"""The kinds of events that a subscription may get, and the topic of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, get_args

from app.events import AnyAct, AnyDelivery, AnyLogEvent
from app.topics import CONNECTIONS, DELIVERIES, LOG, MODERATION, RECEIPTS, VERDICTS

#: What the kinds of the audit log of moderation begin with.
ACTS: Final = "moderation."


def _tags(union: Any) -> list[str]:
    return [str(one.__struct_config__.tag) for one in get_args(union)]


#: By kind: its topic.
TOPIC_OF: Final[Mapping[str, str]] = {
    **dict.fromkeys(_tags(AnyLogEvent), LOG),
    "receipt.read": RECEIPTS,
    "connection.opened": CONNECTIONS,
    "connection.closed": CONNECTIONS,
    "command.refused": VERDICTS,
    **{f"{ACTS}{tag}": MODERATION for tag in _tags(AnyAct)},
    **dict.fromkeys(_tags(AnyDelivery), DELIVERIES),
}

#: The topics that have events for subscriptions.
TOPICS: Final = tuple(dict.fromkeys(TOPIC_OF.values()))


def flaw(kinds: Sequence[str]) -> str | None:
    """What is wrong with the kinds of a subscription; `None`: nothing."""
    for kind in kinds:
        if not _named(kind):
            near = get_close_matches(kind, TOPIC_OF, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the kinds are {', '.join(TOPIC_OF)}"
            return f"there is no kind of event {kind!r}; {hint}"
    return None


def chosen(kinds: Sequence[str]) -> frozenset[str]:
    """The kinds that these name: `message.*` is all that begin so, none is every one of the log."""
    if not kinds:
        return frozenset(kind for kind, topic in TOPIC_OF.items() if topic == LOG)
    return frozenset(one for kind in kinds for one in _named(kind))


def _named(kind: str) -> list[str]:
    if kind.endswith(".*"):
        return [known for known in TOPIC_OF if known.startswith(kind[:-1])]
    return [kind] if kind in TOPIC_OF else []
