"""What every fault test begins with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.faults.frail import Frail, frail_chat


@pytest.fixture
async def frail(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> AsyncIterator[Frail]:
    """A chat to do anything to; how soon it went on is told at the end of `make faults`."""
    async with frail_chat(tmp_path) as parley:
        yield parley
    for what, seconds in parley.resumptions:
        record_property("resumed", (what, seconds))
