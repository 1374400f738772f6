"""Answers as bytes, for the connections that aiohttp does not serve."""

from __future__ import annotations

import time
from email.utils import formatdate
from http import HTTPStatus

from web.http import cors
from web.http.problem import CONTENT_TYPE, Problem
from web.hub import sse as frames
from web.hub.event import Run

_POLL = {"Content-Type": "application/json", "Cache-Control": "no-store"}


class Replies:
    """Heads of answers, made once a second for everybody: they differ by origin at most."""

    def __init__(self, origins: str) -> None:
        self._origins = origins
        self._made: dict[tuple[str, str | None, bool], bytes] = {}
        self._second = 0

    def stream(self, origin: str | None) -> bytes:
        """The head of a stream, whose end is that of its connection."""
        return self._head("stream", origin, False) + b"\r\n"

    def poll(self, origin: str | None, keep_alive: bool) -> bytes:
        """The head of a poll's answer, but for `Content-Length`."""
        return self._head("poll", origin, keep_alive)

    def run(self, run: Run, origin: str | None) -> bytes:
        """The answer to all polls of an origin that wait for these events."""
        reply = run.replies.get(origin)
        if reply is None:
            reply = run.replies[origin] = self.poll(origin, True) + run.answer()
        return reply

    def problem(self, problem: Problem, origin: str | None, keep_alive: bool) -> bytes:
        """An answer that says what is wrong, whole."""
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
        if second != self._second or len(self._made) > 100:
            self._made.clear()
            self._second = second
        key = kind, None if self._origins == "*" else origin, keep_alive
        made = self._made.get(key)
        if made is None:
            headers = frames.HEADERS if kind == "stream" else _POLL
            made = self._made[key] = self._lines(200, headers, origin, keep_alive)
        return made

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
