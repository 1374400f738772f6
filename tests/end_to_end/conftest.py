"""Fixtures of the end-to-end tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.apart import chat_apart
from tests.support.chat import Chat


@pytest.fixture(scope="module")
async def alone(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chat]:
    """A chat on a Kafka of its own: a verification reads everything that there is."""
    async with chat_apart(tmp_path_factory.mktemp("alone")) as chat:
        yield chat
