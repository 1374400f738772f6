"""The head of a request: where it ends, and for streams and polls what it says.

httptools parses it; the framing is found without a parser, so that aiohttp gets its own bytes.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

import httptools
from multidict import MultiDict

from web.http.problem import Problem
from web.http.stream_parameters import CURSOR_PARAMETERS, LAST_EVENT_ID
from web.limits.client_addresses import HEADERS

#: The longest head of a request and the longest line in it, in bytes; both are aiohttp's limits.
MAX_HEAD: Final = 16 * 1024
MAX_LINE: Final = 8190

#: The beginning of any request, and of one for a stream or a poll. Its target may be absolute (RFC
#: 9112, 3.2.2): proxies and some libraries send it so.
HTTP_REQUEST: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [!-~\x80-\xff]+ HTTP/1\.[01]\r\n")
STREAM_OR_POLL: Final = re.compile(
    rb"GET (?:[Hh][Tt][Tt][Pp][Ss]?://[^/ ?#\r\n]+)?/v1/(?:stream|events)[ ?]"
)

#: The end of the first line of a request that must have one `Host` (RFC 9112, 3.2).
_NEEDS_HOST: Final = b" HTTP/1.1\r\n"

#: The length of a body of which only aiohttp knows the end; the connection ends with it.
UNKNOWN_LENGTH: Final = 1 << 60

_FRAMING: Final = re.compile(
    rb"\r\n(content-length|transfer-encoding|upgrade|expect)[ \t]*:[ \t]*([^\r\n]*)",
    re.IGNORECASE,
)

#: Digits of a length; Python refuses to read a number of more than 4,300.
_DIGITS: Final = 18

#: The headers that are read here, by their lower-case names.
_HEADERS: Final = {
    name.lower().encode(): name
    for name in ("Authorization", LAST_EVENT_ID, "Origin", "Content-Length", "Transfer-Encoding")
}

#: The headers in which proxies say who asks. Each of them may add a line of its own.
_FORWARDED: Final = {name.lower().encode(): name for name in HEADERS.values()}

_TARGET: Final = re.compile(rb"GET ([!-~]+) HTTP/1\.1")


class HeaderBlock(NamedTuple):
    """The header lines of a request, parsed; a client's next poll repeats them."""

    raw: bytes
    headers: dict[str, str]
    keep_alive: bool
    #: The lines of the headers that proxies write, by the header's name.
    proxied: dict[str, list[str]]

    @property
    def origin(self) -> str | None:
        """The page that asks, where a browser says so."""
        return self.headers.get("Origin")


class RequestHead(NamedTuple):
    """The path, the query, and the header lines of a request."""

    path: str
    query: MultiDict[str]
    block: HeaderBlock

    def cursor(self) -> str:
        """The cursor that the client sent: in `Last-Event-ID` or in a parameter; or nothing."""
        given = self.block.headers.get(LAST_EVENT_ID)
        if given:
            return given
        query = self.query
        return next((query[name] for name in CURSOR_PARAMETERS if query.get(name)), "")


class _Parsed:
    """The parser's callbacks."""

    def __init__(self) -> None:
        self.url = b""
        self.headers: dict[str, str] = {}
        self.proxied: dict[str, list[str]] = {}
        self.complete = False
        #: Whether the client closes the connection after the answer.
        self.closes = False

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        known = _HEADERS.get(name)
        if known is None and (proxied := _FORWARDED.get(name)) is not None:
            self.proxied.setdefault(proxied, []).append(value.decode("latin-1"))
            return
        if known is None:
            self.closes |= name == b"connection" and b"close" in value.lower()
            return
        if known in self.headers:
            raise ValueError(f"{known} is given twice")
        self.headers[known] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.complete = True


def read_head(head: bytes, before: HeaderBlock | None) -> RequestHead:
    """Parse a head, including its empty line; `before` is the block of the connection's last one.

    Raises `Problem` 400 `bad_request` where it is not HTTP, or announces a body.
    """
    line, _, raw = head.partition(b"\r\n")
    if before is not None and raw == before.raw and (found := _TARGET.fullmatch(line)):
        return _head(found[1], before)
    parsed = _Parsed()
    parser = httptools.HttpRequestParser(parsed)
    try:
        parser.feed_data(head)
    except httptools.HttpParserUpgrade:
        pass  # the client offers another protocol; the edge need not accept it
    except httptools.HttpParserError as error:
        raise Problem("bad_request", f"the request is not HTTP: {_said(error)}") from None
    if not parsed.complete:
        raise Problem("bad_request", "the request is not HTTP")
    headers = parsed.headers
    if headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in headers:
        raise Problem("bad_request", "a GET has no body here")
    # The parser's own answer is gone once the request is complete.
    keep_alive = parser.get_http_version() == "1.1" and not parsed.closes
    return _head(parsed.url, HeaderBlock(raw, headers, keep_alive, parsed.proxied))


def _head(target: bytes, block: HeaderBlock) -> RequestHead:
    if target[:1] != b"/":
        target = target[target.index(b"/", target.index(b"://") + 3) :]
    path, _, query = target.decode("ascii", "replace").partition("?")
    return RequestHead(path, _query(query), block)


def _query(text: str) -> MultiDict[str]:
    if "%" in text or "+" in text or "#" in text:
        pairs = parse_qsl(text.partition("#")[0], keep_blank_values=True)
        return MultiDict(pairs)
    return MultiDict(
        [(name, value) for name, _, value in (one.partition("=") for one in text.split("&"))]
    )


def _said(error: httptools.HttpParserError) -> str:
    return str(error.__context__ or error)


def too_large(data: bytes, end: int) -> bool:
    """Whether the head that ends at `end` is too long; below 4 it has not ended yet."""
    size = end if end >= 4 else len(data)
    if size <= MAX_LINE:
        return False
    return size > MAX_HEAD or any(len(line) > MAX_LINE for line in data[:size].split(b"\r\n"))


def lacks_host(head: bytes) -> bool:
    """Whether a head has not one `Host`, as a request of HTTP/1.1 must."""
    if head.lower().count(b"\r\nhost:") == 1:
        return False
    return head[: head.index(b"\r\n") + 2].endswith(_NEEDS_HOST)


def body_length(head: bytes) -> int:
    """The bytes that follow a head; `UNKNOWN_LENGTH` where the head does not say so plainly.

    Raises `Problem` 400 for a length that nothing has, and 417 for an `Expect` other than
    `100-continue`, which aiohttp would quote in its answer.
    """
    found = [(name.lower(), value.strip()) for name, value in _FRAMING.findall(head)]
    if not found:
        return 0
    for name, value in found:
        if name == b"expect" and value.lower() != b"100-continue":
            raise Problem("bad_request", "Expect takes 100-continue", status=417)
        if name == b"content-length" and len(value) > _DIGITS:
            raise Problem("bad_request", f"Content-Length has at most {_DIGITS} digits")
    found = [one for one in found if one[0] != b"expect"]
    if not found:
        return 0
    name, value = found[0]
    if len(found) > 1 or name != b"content-length" or not value.isdigit():
        return UNKNOWN_LENGTH
    return int(value)
