"""Where a request begins and ends, as far as that shows without taking it apart."""

from __future__ import annotations

import re
from typing import Final

#: The longest head of a request and the longest line in it, which is aiohttp's limit, in bytes.
MOST_HEAD: Final = 16 * 1024
MOST_LINE: Final = 8190

#: How a request begins, and one for a stream or a poll.
HTTP: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [!-~\x80-\xff]+ HTTP/1\.[01]\r\n")
OURS: Final = re.compile(rb"GET /v1/(?:stream|events)[ ?]")

#: The length of a request of which only aiohttp knows where it ends; the connection ends with it.
OPAQUE: Final = 1 << 60

_FRAMING: Final = re.compile(
    rb"\r\n(content-length|transfer-encoding|upgrade)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE
)


def too_large(data: bytes, end: int) -> bool:
    """Whether a head is too long that ends at `end`, or has not ended where that is below 4."""
    size = end if end >= 4 else len(data)
    if size <= MOST_LINE:
        return False
    return size > MOST_HEAD or any(len(line) > MOST_LINE for line in data[:size].split(b"\r\n"))


def body_length(head: bytes) -> int:
    """How many bytes follow a head, where it says so beyond doubt."""
    found = _FRAMING.findall(head)
    if not found:
        return 0
    name, value = found[0]
    value = value.strip()
    if len(found) > 1 or name.lower() != b"content-length" or not value.isdigit():
        return OPAQUE
    return int(value)
