"""One `parley up` that the pages' commands talk to."""

from __future__ import annotations

import shutil
import signal
from collections.abc import AsyncIterator, Iterator

import pytest

from app.embedded.ports import free_port
from tests.conftest import missing
from tests.docs.terminal import Terminal
from tests.support.running_up import RunningUp


@pytest.fixture(scope="package")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningUp]:
    """What `make run` starts, but for pings: the pages do not show when one happens to come."""
    data, port = tmp_path_factory.mktemp("docs") / "data", str(free_port())
    running = RunningUp(data, "--port", port, PARLEY_PING="3600")
    try:
        yield running.wait_ready()
    finally:
        running.end(signal.SIGKILL)


@pytest.fixture
async def terminal(up: RunningUp) -> AsyncIterator[Terminal]:
    """A second terminal beside it."""
    for program in ("bash", "curl"):
        if shutil.which(program) is None:
            missing(program)
    async with Terminal(up) as opened:
        yield opened
