"""The head of a request for a stream or a poll, taken apart by a parser that many use."""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

import httptools
from multidict import MultiDict

from web.http.problem import Problem

#: The headers that count here, in the spelling under which they are given.
_HEADERS: Final = {
    name.lower().encode(): name
    for name in ("Authorization", "Last-Event-ID", "Origin", "Content-Length", "Transfer-Encoding")
}

#: Where a client may put the cursor, by what EventSource and its many copies send.
_CURSOR_PARAMETERS: Final = ("cursor", "last_event_id", "lastEventId")

_TARGET: Final = re.compile(rb"GET ([!-~]+) HTTP/1\.1")


class Block(NamedTuple):
    """The header lines of a request, and what they say; a client's next poll repeats them."""

    raw: bytes
    headers: dict[str, str]
    keep_alive: bool


class Head(NamedTuple):
    """What is asked: the path, the query, and the header lines."""

    path: str
    query: MultiDict[str]
    block: Block

    def cursor(self) -> str:
        """Where the client says that it was: the header, or one of the parameters; or nothing."""
        given = self.block.headers.get("Last-Event-ID")
        if given:
            return given
        query = self.query
        return next((query[name] for name in _CURSOR_PARAMETERS if query.get(name)), "")


class _Parsed:
    """What the parser calls back with."""

    def __init__(self) -> None:
        self.url = b""
        self.headers: dict[str, str] = {}
        self.complete = False
        #: Whether the client wants no further answer on the connection.
        self.closes = False

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        known = _HEADERS.get(name)
        if known is None:
            self.closes |= name == b"connection" and b"close" in value.lower()
            return
        if known in self.headers:
            raise ValueError(f"{known} is there twice")
        self.headers[known] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.complete = True


def read_head(head: bytes, before: Block | None) -> Head:
    """A head, up to and with its empty line; `before` is that of the connection's last request.

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
        pass  # an offer to speak something else, which nobody has to take up
    except httptools.HttpParserError as error:
        raise Problem("bad_request", f"the request is not HTTP: {_said(error)}") from None
    if not parsed.complete:
        raise Problem("bad_request", "the request is not HTTP")
    headers = parsed.headers
    if headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in headers:
        raise Problem("bad_request", "a GET has no body here")
    # What the parser says of that is over with the request.
    keep_alive = parser.get_http_version() == "1.1" and not parsed.closes
    return _head(parsed.url, Block(raw, headers, keep_alive))


def _head(target: bytes, block: Block) -> Head:
    path, _, query = target.decode("ascii", "replace").partition("?")
    return Head(path, _query(query), block)


def _query(text: str) -> MultiDict[str]:
    if "%" in text or "+" in text or "#" in text:
        pairs = parse_qsl(text.partition("#")[0], keep_blank_values=True)
        return MultiDict(pairs)
    return MultiDict(
        [(name, value) for name, _, value in (one.partition("=") for one in text.split("&"))]
    )


def _said(error: httptools.HttpParserError) -> str:
    return str(error.__context__ or error)
