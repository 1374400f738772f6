"""Incoming webhooks: a POST speaks in a room, until its token is taken back."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import aiohttp

from tests.support.chat import Chat, until
from tests.support.listener import Listener
from tests.support.person import Person


async def posted(chat: Chat, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as http,
        http.post(chat.url + path, json=body, **options) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


async def new_hook(ann: Person, room: str, **fields: str) -> dict[str, Any]:
    status, hook = await ann.post(f"/v1/rooms/{room}/hooks", fields)
    assert status == 201, hook
    return hook


async def works(chat: Chat, path: str) -> bool:
    """Whether the edge has heard of the hook: an empty text is all that is wrong then."""
    status, _ = await posted(chat, path, {})
    return status == 422


async def test_a_service_speaks_as_its_bot_in_every_common_form(chat: Chat) -> None:
    async with Person(chat, "ann") as ann, Listener(chat, "ann") as listener:
        room = await ann.open_room()
        hook = await new_hook(ann, room, name="Builds", user="hook-builds")
        await until(lambda: works(chat, hook["path"]))
        status, answer = await posted(chat, hook["path"], {"text": "plain", "username": "CI"})
        assert (status, answer["seq"]) == (201, 1)
        block = {"type": "section", "text": {"type": "mrkdwn", "text": "<https://e.com|built>"}}
        assert (await posted(chat, hook["path"], {"text": "x", "blocks": [block]}))[0] == 201
        form = urlencode({"payload": json.dumps({"text": "by form"})})
        async with aiohttp.ClientSession() as http:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            url = chat.url + hook["path"]
            async with http.post(url, data=form, headers=headers) as sent:
                assert sent.status == 201

        def said() -> list[tuple[str, str, Any]]:
            return [
                (one["by"], one["text"], one.get("meta", {}).get("username"))
                for one in listener.events
                if one.get("kind") == "message.created" and one["room"] == room
            ]

        await listener.until(lambda: len(said()) == 3, 30)
        assert said() == [
            ("hook-builds", "plain", "CI"),
            ("hook-builds", "built (https://e.com)", None),
            ("hook-builds", "by form", None),
        ]


async def test_a_repeated_post_with_its_key_speaks_once(chat: Chat) -> None:
    async with Person(chat, "ann") as ann:
        room = await ann.open_room()
        hook = await new_hook(ann, room)
        await until(lambda: works(chat, hook["path"]))
        key = {"Idempotency-Key": '"deploy-7"'}
        first = await posted(chat, hook["path"], {"text": "once"}, headers=key)
        second = await posted(chat, hook["path"], {"text": "once"}, headers=key)
        assert (first[0], second[0]) == (201, 200)
        assert first[1]["seq"] == second[1]["seq"]


async def test_a_token_that_was_taken_back_speaks_no_more_and_its_bot_leaves(chat: Chat) -> None:
    async with Person(chat, "ann") as ann:
        room = await ann.open_room()
        hook = await new_hook(ann, room)
        await until(lambda: works(chat, hook["path"]))
        _, listed = await ann.get(f"/v1/rooms/{room}/hooks")
        assert [one["id"] for one in listed["hooks"]] == [hook["id"]]
        assert "path" not in listed["hooks"][0]
        assert hook["path"].split("/")[-1] not in json.dumps(listed)
        async with ann.http.delete(f"/v1/rooms/{room}/hooks/{hook['id']}") as answer:
            assert answer.status == 204

        async def unknown() -> bool:
            status, answer = await posted(chat, hook["path"], {"text": "still there?"})
            return status == 404 and answer["code"] == "hook_unknown"

        await until(unknown)

        async def left() -> bool:
            _, members = await ann.get(f"/v1/rooms/{room}/members")
            return [one["user"] for one in members["members"]] == ["ann"]

        await until(left)


async def test_the_token_is_in_no_log(chat: Chat) -> None:
    async with Person(chat, "ann") as ann:
        room = await ann.open_room()
        hook = await new_hook(ann, room)
        await until(lambda: works(chat, hook["path"]))
        assert (await posted(chat, hook["path"], {"text": "hello"}))[0] == 201
        token = hook["path"].split("/")[-1]
        for child in (*chat.edges, *chat.workers):
            assert token not in child.log.read_text()


async def test_what_is_no_payload_is_told(chat: Chat) -> None:
    async with Person(chat, "ann") as ann, Person(chat, "ben") as ben:
        room = await ann.open_room("ben")
        hook = await new_hook(ann, room)
        await until(lambda: works(chat, hook["path"]))
        for data, code in (
            (b"", "body_malformed"),
            (b"[]", "body_malformed"),
            (b"{" * 5000, "body_malformed"),
            (b"\xff", "body_malformed"),
            (b'{"text": ""}', "text_empty"),
            (b'{"text": "\\u200b"}', "text_empty"),
            (b'{"text": "' + b"x" * 140_000 + b'"}', "body_too_large"),
        ):
            url = chat.url + hook["path"]
            async with aiohttp.ClientSession() as http, http.post(url, data=data) as answer:
                assert (await answer.json(content_type=None))["code"] == code, data[:20]
        assert (await posted(chat, "/v1/hooks/nonsense", {"text": "x"}))[0] == 404
        status, answer = await ben.post(f"/v1/rooms/{room}/hooks", {})
        assert (status, answer["code"]) == (403, "not_allowed")
        status, answer = await ann.post(f"/v1/rooms/{room}/hooks", {"user": "ben"})
        assert (status, answer["field"]) == (400, "user")
