"""What a traced message carries on its way: the `traceparent` of W3C Trace Context.

It is a header of the request, of the records that follow from it, and a field of the delivered
event.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

#: The header of a request, and of a record of a traced message.
TRACEPARENT: Final = "traceparent"

#: Characters of version 00; a later version may have more behind a dash.
_LENGTH: Final = 55
_FORM: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})", re.ASCII)
_SAMPLED: Final = 1

#: In JSON, a quotation mark inside of a text has a backslash before it: this is a field's name. As
#: the last characters of an event are behind it, the field is the event's own.
_FIELD: Final = b',"trace":"'
_END: Final = b'"}'
_FROM_END: Final = _LENGTH + len(_END)


class Traceparent(NamedTuple):
    """A span of a trace, as the next one names it; ids in hexadecimal digits."""

    trace_id: str
    span_id: str
    sampled: bool = True

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


def traceparent_of(text: str | bytes | None) -> Traceparent | None:
    """The span that a header names; `None` where the header is missing or malformed.

    As W3C says, a malformed one counts as none. The length is looked at first, so a header of
    several KB costs no more than another.
    """
    if not text or len(text) < _LENGTH:
        return None
    more = text[_LENGTH : _LENGTH + 1]
    head = text[:_LENGTH]
    if isinstance(head, bytes):
        head = head.decode("latin-1")
    if (found := _FORM.fullmatch(head)) is None:
        return None
    version, trace_id, span_id, flags = found.groups()
    if version == "ff" or (more and (version == "00" or more not in ("-", b"-"))):
        return None
    if not (trace_id.strip("0") and span_id.strip("0")):
        return None
    return Traceparent(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))


def trace_of(event: bytes) -> Traceparent | None:
    """The span that an event as JSON names in its last field, `trace`; `None` where none is."""
    start = len(event) - _FROM_END
    if start < len(_FIELD) or not event.startswith(_FIELD, start - len(_FIELD)):
        return None
    return traceparent_of(event[start : -len(_END)]) if event.endswith(_END) else None
