"""Tokens are taken back at every edge, within a second, and for good."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import uuid4

import aiohttp
import jwt

from app.runtime.dev_tokens import mint
from tests.conftest import SECRET
from tests.support.chat import Chat, until
from tests.support.listener import Listener
from tests.support.person import Person


class Bearer(Person):
    """Sends requests with a token of the test's own."""

    def __init__(self, chat: Chat, token: str, url: str = "") -> None:
        super().__init__(chat, "nobody", url)
        self._headers = {"Authorization": f"Bearer {token}"}


def admin(chat: Chat) -> Bearer:
    return Bearer(chat, mint(chat.settings, "root", admin=True))


def token_of(user: str, **claims: Any) -> str:
    now = int(time.time())
    return jwt.encode({"sub": user, "iat": now, "exp": now + 600, **claims}, SECRET, "HS256")


async def code(chat: Chat, token: str, url: str = "") -> str:
    async with Bearer(chat, token, url) as person:
        return str((await person.get("/v1/rooms"))[1].get("code", ""))


async def test_all_tokens_of_a_person_are_taken_back_and_their_streams_end_within_a_second(
    chat: Chat,
) -> None:
    user, other = f"u-{uuid4().hex[:8]}", await chat.start_edge()
    old = token_of(user)
    async with (
        admin(chat) as root,
        Bearer(chat, old) as person,
        Listener(chat, user, token=old) as here,
        Listener(chat, user, token=old, url=other) as there,
        Listener(chat, "ann") as ann,
    ):
        _, ticket = await person.post("/v1/stream-tickets", {})
        address = f"{other}/v1/stream?ticket={ticket['ticket']}"
        _, first = await person.get("/v1/events")
        poll = asyncio.create_task(person.get("/v1/events", cursor=first["cursor"], timeout=50))
        status, answer = await root.post("/v1/revocations", {"user": user})
        assert (status, answer["user"], answer["by"]) == (201, user, "root")
        began = time.monotonic()
        for stream in (here, there):
            await stream.until(lambda stream=stream: bool(stream.goodbye), within=10)
            assert stream.goodbye["code"] == "token_revoked"
        assert (await poll)[0] == 200
        assert time.monotonic() - began < 1.0
        for url in (chat.url, other):
            assert await code(chat, old, url) == "token_revoked"
        async with aiohttp.ClientSession() as http, http.get(address) as refused:
            assert (await refused.json())["code"] == "token_revoked"

        async def may() -> bool:
            return await code(chat, token_of(user)) == ""

        # The next login's token counts, from the next second on.
        await until(may, within=5)
        assert not ann.goodbye
        assert user in [one.get("user") for one in await standing(root)]
    # An edge that begins later knows it, too.
    late = await chat.start_edge()
    assert await code(chat, old, late) == "token_revoked"


async def test_one_token_is_taken_back_by_its_id(chat: Chat) -> None:
    user, ids = f"u-{uuid4().hex[:8]}", [uuid4().hex, uuid4().hex]
    one, other = (token_of(user, jti=jti) for jti in ids)
    async with (
        admin(chat) as root,
        Listener(chat, user, token=one) as ends,
        Listener(chat, user, token=other) as stays,
    ):
        expires = int(time.time()) + 600
        status, answer = await root.post("/v1/revocations", {"jti": ids[0], "expires_at": expires})
        assert (status, answer["jti"], answer["expires_at"]) == (201, ids[0], expires)
        await ends.until(lambda: bool(ends.goodbye), within=10)
        assert ends.goodbye["code"] == "token_revoked"
        assert await code(chat, one) == "token_revoked"
        assert await code(chat, other) == ""
        assert not stays.goodbye


async def test_everybody_takes_back_their_own_tokens_and_only_an_admin_those_of_others(
    chat: Chat,
) -> None:
    user = f"u-{uuid4().hex[:8]}"
    old = token_of(user, iat=int(time.time()) - 10)
    async with Bearer(chat, old) as person:
        for body in ({"user": "ann"}, {"jti": "x"}):
            status, answer = await person.post("/v1/revocations", body)
            assert (status, answer["code"]) == (403, "not_allowed")
        assert (await person.get("/v1/revocations"))[1]["code"] == "not_allowed"
        assert (await person.post("/v1/revocations", {"user": user}))[0] == 201

        async def out() -> bool:
            return await code(chat, old) == "token_revoked"

        await until(out, within=5)


async def test_what_can_not_be_taken_back_is_told_so(chat: Chat) -> None:
    async with admin(chat) as root:
        bodies: list[dict[str, Any]] = [
            *({}, {"user": "ann", "jti": "x"}, {"user": "a/b"}, {"jti": "x" * 257}),
            *({"jti": "x", "expires_at": -1}, {"jti": "x", "expires_at": 2**60}),
        ]
        for body in bodies:
            status, answer = await root.post("/v1/revocations", body)
            assert (status, answer["code"]) == (400, "field_value"), body


async def test_the_command_takes_tokens_back(chat: Chat) -> None:
    user, jti = f"u-{uuid4().hex[:8]}", uuid4().hex
    all_of, one = token_of(user), token_of("ann", jti=jti)
    for arguments, token in (((user,), all_of), (("--jti", jti), one)):
        assert await code(chat, token) == ""
        ended, said = await chat.parley("revoke", *arguments)
        assert ended == 0, said

        async def out(token: str = token) -> bool:
            return await code(chat, token) == "token_revoked"

        await until(out, within=5)
    for wrong in ((), (user, "--jti", jti), ("a/b",)):
        assert (await chat.parley("revoke", *wrong))[0] != 0


async def standing(root: Bearer, limit: int = 20) -> list[dict[str, Any]]:
    """All revocations, page by page."""
    found: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        status, page = await root.get("/v1/revocations", limit=str(limit), **after)
        assert status == 200, page
        assert len(page["revocations"]) <= limit
        found += page["revocations"]
        if "after" not in page:
            return found
        after = {"after": page["after"]}


async def test_revocations_come_in_pages_without_doubles(chat: Chat) -> None:
    async with admin(chat) as root:
        names = [f"gone-{uuid4().hex[:8]}" for _ in range(5)]
        for name in names:
            status, answer = await root.post("/v1/revocations", {"user": name})
            assert status == 201, answer

        async def all_are_there() -> bool:
            users = [one.get("user") for one in await standing(root)]
            assert len(users) - users.count(None) == len(set(users) - {None})
            return set(names) <= set(users)

        await until(all_are_there)
