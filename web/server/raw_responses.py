"""Responses as bytes, for streams and polls, which aiohttp does not serve."""

from __future__ import annotations

import time
from email.utils import formatdate
from http import HTTPStatus

from web.http import cors
from web.http.problem import CONTENT_TYPE, Problem
from web.hub import sse
from web.hub.event import EventBatch

_POLL = {"Content-Type": "application/json", "Cache-Control": "no-store"}


class RawResponses:
    """Heads of responses, made once a second for all clients: they differ by origin at most."""

    def __init__(self, origins: str) -> None:
        self._origins = origins
        self._heads: dict[tuple[str, str | None, bool], bytes] = {}
        self._second = 0

    def stream(self, origin: str | None) -> bytes:
        """The head of a stream, which ends with its connection."""
        return self._head("stream", origin, False) + b"\r\n"

    def poll(self, origin: str | None, keep_alive: bool) -> bytes:
        """The head of a poll's answer, without `Content-Length`."""
        return self._head("poll", origin, keep_alive)

    def batch(self, batch: EventBatch, origin: str | None) -> bytes:
        """The response to all polls of an origin that wait for these events."""
        response = batch.responses.get(origin)
        if response is None:
            response = batch.responses[origin] = self.poll(origin, True) + batch.answer()
        return response

    def problem(self, problem: Problem, origin: str | None, keep_alive: bool) -> bytes:
        """The whole response for a problem."""
        body = problem.body()
        headers = {
            "Content-Type": CONTENT_TYPE,
            "Cache-Control": "no-store",
            **problem.headers,
            "Content-Length": str(len(body)),
        }
        return self._lines(problem.status, headers, origin, keep_alive) + b"\r\n" + body

    def _head(self, kind: str, origin: str | None, keep_alive: bool) -> bytes:
        second = int(time.time())
        if second != self._second or len(self._heads) > 100:
            self._heads.clear()
            self._second = second
        key = kind, None if self._origins == "*" else origin, keep_alive
        head = self._heads.get(key)
        if head is None:
            headers = sse.HEADERS if kind == "stream" else _POLL
            head = self._heads[key] = self._lines(200, headers, origin, keep_alive)
        return head

    def _lines(
        self, status: int, headers: dict[str, str], origin: str | None, keep_alive: bool
    ) -> bytes:
        lines = {
            **headers,
            **cors.headers(self._origins, origin),
            "Date": formatdate(usegmt=True),
            "Connection": "keep-alive" if keep_alive else "close",
        }
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{text}".encode("latin-1")
