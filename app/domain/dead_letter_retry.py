"""Where a dead record goes when it is sent again."""

from __future__ import annotations

from typing import NamedTuple

from app.errors import Malformed, ParleyError
from app.events import Dead, decode_moderated, encode
from app.topics import CONNECTIONS, MODERATED, RAW, RECEIPTS, retry_topic

#: What begins a way can begin it again: nothing was made of it yet.
_BEGINNINGS = frozenset({RAW, RECEIPTS, CONNECTIONS})


class RetryRecord(NamedTuple):
    """A record to be sent."""

    topic: str
    partition: int
    key: bytes
    value: bytes


def retry_record(dead: Dead, inboxes: frozenset[str]) -> RetryRecord:
    """The record that has the dead one dealt with once more; `inboxes` are the groups' own topics.

    A command goes back to `chat.raw`, from `chat.moderated` too: `rooms` passes over whatever is
    not newer than what it has seen. An event of `chat.log` is there for good, so it goes to the
    group alone that failed on it. Raises `ParleyError` where nobody would read it.
    """
    if dead.topic in _BEGINNINGS:
        return RetryRecord(dead.topic, dead.partition, dead.key, dead.value)
    if dead.topic == MODERATED:
        return RetryRecord(RAW, dead.partition, dead.key, _command(dead))
    own = retry_topic(dead.group).name
    if own in inboxes:
        return RetryRecord(own, dead.partition, dead.key, dead.value)
    raise ParleyError(
        f"{dead.place}: the group {dead.group} reads {dead.topic} alone, where the record still is;"
        f" let it begin there anew (`parley rebuild` does that for the history and the view)"
    )


def _command(dead: Dead) -> bytes:
    try:
        return encode(decode_moderated(dead.value).command)
    except Malformed as error:
        raise ParleyError(f"{dead.place}: there is no command in it to send: {error}") from error
