"""Log lines: one for each event, for any content."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from app.runtime.logging import render_line

TIME = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ")


def test_a_line_is_what_structlogs_console_shows() -> None:
    event = {"event": "request", "method": "GET", "status": 200, "ms": 1.5, "target": "/v1/a?…"}
    theirs = structlog.dev.ConsoleRenderer(colors=False)(None, "", {**event, "level": "info"})
    ours = render_line(None, "", {**event, "level": "info"})
    assert TIME.sub("", ours) == theirs


FULL = Path("/dev/full")

SAYS = """
import structlog
from app.runtime.logging import set_up_logging
set_up_logging("worker")
for _ in range(1000):
    structlog.get_logger().error("nobody can read this")
print("on")
"""


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a disk that is always full")
def test_who_cannot_write_a_line_goes_on() -> None:
    with FULL.open("w") as full:
        command = [sys.executable, "-c", SAYS]
        ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=full, check=False)
    assert ended.stdout == b"on\n"


@given(st.text())
def test_what_a_client_sends_makes_no_second_line(text: str) -> None:
    line = render_line(None, "", {"event": "x", "level": "info", "target": text})
    assert len(line.splitlines()) == 1
