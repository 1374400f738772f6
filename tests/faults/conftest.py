"""Fixtures of the fault tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.frail import Frail, Resumed, frail_chat


@pytest.fixture
def resumed(record_property: Callable[[str, object], None]) -> Iterator[Resumed]:
    """How soon all went on, which is told at the end of `make faults`."""
    found: Resumed = []
    yield found
    for what, seconds in found:
        record_property("resumed", (what, seconds))


@pytest.fixture
async def frail(tmp_path: Path, resumed: Resumed) -> AsyncIterator[Frail]:
    """A chat to do anything to."""
    async with frail_chat(tmp_path, resumed) as parley:
        yield parley


@pytest.fixture(scope="module")
async def standing_chat(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Frail]:
    """A chat of a module's own."""
    async with frail_chat(tmp_path_factory.mktemp("standing"), []) as parley:
        yield parley


@pytest.fixture
def standing(standing_chat: Frail, resumed: Resumed) -> Frail:
    """A chat that works again when a test is over: the next test of the module has it, too."""
    standing_chat.resumed = resumed
    return standing_chat
