"""The record to send for a dead letter that is to be processed again."""

from __future__ import annotations

from typing import NamedTuple

from app.errors import Malformed, ParleyError
from app.events import Dead, decode_moderated, encode
from app.topics import CONNECTIONS, MODERATED, RAW, RECEIPTS, retry_topic

#: Topics at the start of the pipeline: nothing was derived from their dead records yet.
_FIRST_TOPICS = frozenset({RAW, RECEIPTS, CONNECTIONS})


class RetryRecord(NamedTuple):
    """A record to be sent."""

    topic: str
    partition: int
    key: bytes
    value: bytes


def retry_record(dead: Dead, inboxes: frozenset[str]) -> RetryRecord:
    """The record that makes the pipeline process a dead one again.

    A record goes to the retry topic of the group that failed on it, if that is among the existing
    topics `inboxes`. Otherwise a command goes to `chat.raw`, also one of `chat.moderated`: `rooms`
    skips offsets that are not above the last one it has seen. Raises `ParleyError` if no agent
    would read the record.
    """
    own = retry_topic(dead.group).name
    if own in inboxes:
        return RetryRecord(own, dead.partition, dead.key, dead.value)
    if dead.topic in _FIRST_TOPICS:
        return RetryRecord(dead.topic, dead.partition, dead.key, dead.value)
    if dead.topic == MODERATED:
        return RetryRecord(RAW, dead.partition, dead.key, _command(dead))
    raise ParleyError(
        f"{dead.place}: the group {dead.group} reads only {dead.topic}, where the record still is;"
        f" let it begin there again (`parley rebuild` does that for the history and the view)"
    )


def _command(dead: Dead) -> bytes:
    try:
        return encode(decode_moderated(dead.value).command)
    except Malformed as error:
        raise ParleyError(f"{dead.place}: it has no command to send: {error}") from error
