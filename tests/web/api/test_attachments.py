"""Attachments lie where a hook of the operator's says."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks.webhooks import Webhook

from app.runtime.derived_keys import KeyRing, Purpose
from app.runtime.webhook_signature import UPLOAD, hook_secret
from tests.conftest import SECRET
from tests.support.chat import Chat
from tests.support.listener import Listener
from tests.support.person import Person


class Hook:
    """An operator's upload hook, which remembers what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[tuple[dict[str, str], bytes]] = []
        self.answer: Any = {"upload_url": "https://up.example/1", "url": "https://files.example/1"}
        self.status = 200
        #: Another address that the hook sends its callers to.
        self.elsewhere = ""
        #: The answer in place of `answer`, written with pauses.
        self.pieces: list[bytes] = []

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((dict(request.headers), await request.read()))
        if self.elsewhere:
            raise web.HTTPTemporaryRedirect(self.elsewhere)
        if not self.pieces:
            return web.json_response(self.answer, status=self.status)
        response = web.StreamResponse(status=self.status)
        await response.prepare(request)
        for piece in self.pieces:
            await response.write(piece)
            await asyncio.sleep(0.1)
        return response


@pytest.fixture(scope="module")
async def hooked(shared_chat: Chat) -> AsyncIterator[tuple[Hook, str]]:
    hook = Hook()
    app = web.Application()
    app.router.add_post("/", hook.serve)
    async with TestServer(app) as server:
        there = len(shared_chat.edges)
        hook.url = str(server.make_url("/"))
        yield hook, await shared_chat.start_edge(upload_hook=hook.url)
        await shared_chat.stop_edges(there)


async def test_a_file_is_uploaded_where_the_hook_says_and_comes_with_the_message(
    chat: Chat, hooked: tuple[Hook, str]
) -> None:
    hook, url = hooked
    async with Person(chat, "ann", url) as ann, Listener(chat, "ann", url=url) as listener:
        room = await ann.open_room()
        asked = {"name": "1.png", "type": "image/png", "size": 3}
        status, place = await ann.post(f"/v1/rooms/{room}/uploads", asked)
        assert (status, place["upload_url"]) == (201, "https://up.example/1")
        attachment = {"url": place["url"], "signature": place["signature"], **asked}
        body = {"text": "", "attachments": [attachment]}
        assert (await ann.post(f"/v1/rooms/{room}/messages", body))[0] == 201
        await listener.until(lambda: listener.messages(room) == [""])
        assert listener.events[-1]["attachments"] == [{"url": place["url"], **asked}]
        headers, question = hook.asked[-1]
        verifies = Webhook(hook_secret(chat.settings.secret, UPLOAD, hook.url))
        assert verifies.verify(question, headers) == {"user": "ann", "room": room, **asked}


async def test_what_was_not_handed_out_is_refused(chat: Chat, hooked: tuple[Hook, str]) -> None:
    _, url = hooked
    async with Person(chat, "ann", url) as ann:
        room, other = await ann.open_room(), await ann.open_room()
        _, place = await ann.post(f"/v1/rooms/{room}/uploads", {"name": "1.png"})
        for target, file in ((room, "https://evil.example/1"), (other, place["url"])):
            attachment = {"url": file, "signature": place["signature"]}
            body = {"text": "x", "attachments": [attachment]}
            status, answer = await ann.post(f"/v1/rooms/{target}/messages", body)
            assert (status, answer["code"]) == (422, "attachment_unknown")


async def test_an_answer_that_comes_in_pieces_is_read_to_its_end(
    chat: Chat, hooked: tuple[Hook, str]
) -> None:
    hook, url = hooked
    hook.pieces = [
        b'{"upload_url": "https://up.exa',
        b'mple/2", "url": ',
        b'"https://f.example/2"}',
    ]
    try:
        async with Person(chat, "ann", url) as ann:
            room = await ann.open_room()
            status, place = await ann.post(f"/v1/rooms/{room}/uploads", {"name": "1.png"})
            assert (status, place["url"]) == (201, "https://f.example/2")
            for pieces in ([b'{"url": "\xff"}'], [b" " * 40_000, b" " * 40_000], [b"[" * 5000]):
                hook.pieces = pieces
                status, problem = await ann.post(f"/v1/rooms/{room}/uploads", {"name": "1.png"})
                assert (status, problem["code"]) == (502, "upload_hook")
    finally:
        hook.pieces = []


@pytest.mark.parametrize(("status", "answer"), [(500, {}), (200, {"nonsense": 1}), (200, [])])
async def test_a_hook_that_fails_is_said_to(
    chat: Chat, hooked: tuple[Hook, str], status: int, answer: Any
) -> None:
    hook, url = hooked
    before = hook.status, hook.answer
    hook.status, hook.answer = status, answer
    try:
        async with Person(chat, "ann", url) as ann:
            room = await ann.open_room()
            told, problem = await ann.post(f"/v1/rooms/{room}/uploads", {"name": "1.png"})
            assert (told, problem["code"]) == (502, "upload_hook")
    finally:
        hook.status, hook.answer = before


async def test_a_hook_sends_its_callers_nowhere_else(chat: Chat, hooked: tuple[Hook, str]) -> None:
    hook, url = hooked
    hook.elsewhere = f"{hook.url}elsewhere"
    try:
        async with Person(chat, "ann", url) as ann:
            room, asked = await ann.open_room(), len(hook.asked)
            told, problem = await ann.post(f"/v1/rooms/{room}/uploads", {"name": "1.png"})
            assert (told, problem["code"]) == (502, "upload_hook")
            assert len(hook.asked) == asked + 1
    finally:
        hook.elsewhere = ""


async def test_what_an_edge_of_before_handed_out_is_taken_and_what_a_hook_can_sign_is_not(
    chat: Chat, hooked: tuple[Hook, str]
) -> None:
    _, url = hooked
    async with Person(chat, "ann", url) as ann:
        room = await ann.open_room()
        file = "https://files.example/1"
        signed = KeyRing(SECRET).digests(Purpose.ATTACHMENT, (room, file), f"upload/{room}/{file}")
        key = hook_secret(SECRET, UPLOAD, hooked[0].url).encode()
        forged = hmac.digest(key, f"upload/{room}/{file}".encode(), "sha256")
        for digest, wanted in ((signed[0], 201), (signed[1], 201), (forged, 422)):
            body = {"text": "x", "attachments": [{"url": file, "signature": digest.hex()}]}
            assert (await ann.post(f"/v1/rooms/{room}/messages", body))[0] == wanted


async def test_a_signature_of_any_characters_is_refused(
    chat: Chat, hooked: tuple[Hook, str]
) -> None:
    _, url = hooked
    async with Person(chat, "ann", url) as ann:
        room = await ann.open_room()
        for signature in ("", "é", "\ud800", "小" * 64):
            attachment = {"url": "https://files.example/1", "signature": signature}
            body = {"text": "x", "attachments": [attachment]}
            status, answer = await ann.post(f"/v1/rooms/{room}/messages", body)
            assert (status, answer["code"]) in (
                (422, "attachment_unknown"),
                (400, "body_malformed"),  # half a character
            )


async def test_without_a_hook_there_are_no_uploads(chat: Chat) -> None:
    async with Person(chat, "ann") as ann:
        room = await ann.open_room()
        status, answer = await ann.post(f"/v1/rooms/{room}/uploads", {"name": "1.png"})
        assert (status, answer["code"]) == (501, "uploads_off")


async def test_the_text_beside_a_file_can_be_cleared_and_that_of_a_message_without_one_can_not(
    chat: Chat, hooked: tuple[Hook, str]
) -> None:
    _, url = hooked
    async with Person(chat, "ann", url) as ann:
        room = await ann.open_room()
        path = f"/v1/rooms/{room}/messages"
        _, place = await ann.post(f"/v1/rooms/{room}/uploads", {"name": "1.png"})
        file = {"url": place["url"], "signature": place["signature"], "name": "1.png"}
        await ann.post(path, {"text": "a caption", "attachments": [file]})
        await ann.post(path, {"text": "no file"})
        for seq, text, status in ((1, "", 200), (1, "\u200b", 200), (2, " ", 422), (3, "", 422)):
            async with ann.http.patch(f"{path}/{seq}", json={"text": text}) as answer:
                assert answer.status == status, await answer.text()
        shown = await ann.history(room)
        assert [message["text"] for message in shown] == ["\u200b", "no file"]
        assert shown[0]["attachments"][0]["name"] == "1.png"


async def test_a_file_name_that_misleads_is_refused(chat: Chat, hooked: tuple[Hook, str]) -> None:
    _, url = hooked
    async with Person(chat, "ann", url) as ann:
        room = await ann.open_room()
        _, place = await ann.post(f"/v1/rooms/{room}/uploads", {"name": "1.png"})
        for name in ("photo\u202egnp.exe", "a\nb", "\u3164"):
            status, answer = await ann.post(f"/v1/rooms/{room}/uploads", {"name": name})
            assert (status, answer["field"]) == (400, "name")
            file = {"url": place["url"], "signature": place["signature"], "name": name}
            body = {"text": "look", "attachments": [file]}
            status, answer = await ann.post(f"/v1/rooms/{room}/messages", body)
            assert (status, answer["field"]) == (400, "attachments")


async def test_the_longest_message_that_the_limits_allow_is_taken_however_it_is_written(
    chat: Chat, hooked: tuple[Hook, str]
) -> None:
    _, url = hooked
    async with Person(chat, "ann", url) as ann:
        room = await ann.open_room()
        _, place = await ann.post(f"/v1/rooms/{room}/uploads", {"name": "1.png"})
        file = {"url": place["url"], "signature": place["signature"], "name": "\N{TEAPOT}" * 255}
        body = {"text": "\N{TEAPOT}" * 4000, "attachments": [file] * 10, "meta": {"a": "b" * 2000}}
        data = json.dumps(body)  # in ASCII, as Python writes it by itself
        assert len(data) > 70_000
        headers = {"Content-Type": "application/json"}
        path = f"/v1/rooms/{room}/messages"
        async with ann.http.post(path, data=data, headers=headers) as answer:
            assert answer.status == 201, await answer.text()
        [message] = await ann.history(room)
        assert message["text"] == body["text"]
