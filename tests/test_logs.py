"""Lines of a log: one for each event, whatever is in it."""

from __future__ import annotations

import re

import structlog
from hypothesis import given
from hypothesis import strategies as st

from app.logs import line

TIME = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ")


def test_a_line_is_what_structlogs_console_shows() -> None:
    event = {"event": "request", "method": "GET", "status": 200, "ms": 1.5, "target": "/v1/a?…"}
    theirs = structlog.dev.ConsoleRenderer(colors=False)(None, "", {**event, "level": "info"})
    ours = line(None, "", {**event, "level": "info"})
    assert TIME.sub("", ours) == theirs


@given(st.text())
def test_what_a_client_sends_makes_no_second_line(text: str) -> None:
    assert len(line(None, "", {"event": "x", "level": "info", "target": text}).splitlines()) == 1
