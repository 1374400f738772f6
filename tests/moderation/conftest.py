"""A chat of its own, because a rule set applies to all rooms of a Kafka."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from app.runtime.dev_tokens import mint
from tests.support.apart import chat_apart
from tests.support.chat import Chat, until
from tests.support.person import Person

Put = Callable[[str], Awaitable[int]]


@pytest.fixture(scope="package")
async def strict(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chat]:
    """A chat whose rules the tests set; no other test is there."""
    # Any short text is a reaction here, so that rules about texts have something to catch.
    async with chat_apart(tmp_path_factory.mktemp("strict"), reactions="*") as chat:
        yield chat


class Admin(Person):
    """Somebody who moderates everywhere."""

    def __init__(self, chat: Chat, user: str = "root") -> None:
        super().__init__(chat, user)
        self._headers = {"Authorization": f"Bearer {mint(chat.settings, user, admin=True)}"}

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        """Any request; status and answer."""
        async with self.http.request(method, path, json=body) as answer:
            return answer.status, await answer.json(content_type=None)


@pytest.fixture
async def admin(strict: Chat) -> AsyncIterator[Admin]:
    async with Admin(strict) as person:
        yield person


@pytest.fixture
async def put(strict: Chat, admin: Admin) -> AsyncIterator[Put]:
    """Puts rules in force, and returns when the worker goes by them; none are left behind."""

    async def set_rules(source: str) -> int:
        status, answer = await admin.call("PUT", "/v1/moderation/rules", {"source": source})
        assert status == 200, answer
        version: int = answer["version"]
        log = strict.settings.data / "logs" / "w1.log"

        async def known() -> bool:
            said = rf"rule set in force.*version\W+{version}\b"
            return re.search(said, log.read_text()) is not None

        await until(known, strict.workers[0].tail, 20)
        return version

    yield set_rules
    await set_rules("")


async def call(person: Person, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Any request; status and answer."""
    async with person.http.request(method, path, json=body) as answer:
        content = await answer.read()
        return answer.status, (await answer.json(content_type=None)) if content else None
