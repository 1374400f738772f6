"""Everything that can be wrong with a request: a 4xx with its own code, and nothing written."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import aiohttp
import jwt
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from app.runtime.dev_tokens import mint
from app.settings import Settings
from app.topics import RAW
from tests.support.chat import Chat

JSON = "application/json"


def token(secret: str, **claims: Any) -> str:
    given = {"sub": "alice", "exp": int(time.time()) + 60, **claims}
    return jwt.encode(given, secret, algorithm="HS256")


async def written(settings: Settings) -> int:
    """How many records were ever put into `chat.raw`."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap)
    await consumer.start()
    try:
        partitions = [TopicPartition(RAW, number) for number in range(settings.partitions)]
        return sum((await consumer.end_offsets(partitions)).values())
    finally:
        await consumer.stop()


@pytest.fixture
async def nothing_written(chat: Chat) -> AsyncIterator[None]:
    before = await written(chat.settings)
    yield
    assert await written(chat.settings) == before


BODIES = [
    (b'{"text":', JSON, 400, "body_malformed"),
    (b"hello", JSON, 400, "body_malformed"),
    (b'{"text":"\xff"}', JSON, 400, "body_malformed"),
    (b'{"text":5}', JSON, 400, "field_type"),
    (b'["text"]', JSON, 400, "field_type"),
    (b'{"text":"a","mood":[1]}', JSON, 400, "field_unknown"),
    (b"{}", JSON, 400, "field_missing"),
    (b'{"text":"a","client_id":"\\u4f60"}', JSON, 400, "field_value"),
    (b'{"text":"' + b"x" * 1_000_000 + b'"}', JSON, 413, "body_too_large"),
    (b"text=a", "application/x-www-form-urlencoded", 415, "content_type"),
]


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize(("body", "kind", "status", "code"), BODIES)
async def test_a_send_of_another_form(
    chat: Chat, body: bytes, kind: str, status: int, code: str
) -> None:
    headers = {**chat.headers("alice"), "Content-Type": kind}
    await _refused(chat, "POST", "/v1/rooms/any/messages", status, code, headers, body)


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/v1/rooms", b'{"room":"a b"}', "field_value"),
        ("/v1/rooms", b'{"room":""}', "field_value"),
        ("/v1/rooms", b'{"room":".."}', "field_value"),
        ("/v1/rooms", b'{"name":"a\\u202eb"}', "field_value"),
        ("/v1/rooms", b'{"type":"secret"}', "field_value"),
        ("/v1/rooms", b'{"room":7}', "field_type"),
        ("/v1/rooms", b'{"members":[]}', "field_unknown"),
        ("/v1/rooms/any/members", b"{}", "field_missing"),
        ("/v1/rooms/any/members", b'{"user":"a/b"}', "field_value"),
        ("/v1/rooms/any/members", b'{"user":"bob","role":"owner"}', "field_value"),
    ],
)
async def test_a_room_or_member_of_another_form(
    chat: Chat, path: str, body: bytes, code: str
) -> None:
    headers = {**chat.headers("alice"), "Content-Type": JSON}
    await _refused(chat, "POST", path, 400, code, headers, body)


@pytest.mark.usefixtures("nothing_written")
async def test_tokens_that_do_not_count(chat: Chat) -> None:
    secret = chat.settings.secret
    body = b'{"text":"a"}'
    for value, code in (
        (None, "token_missing"),
        ("Bearer what", "token_malformed"),
        (f"Bearer {token(secret, exp=int(time.time()) - 60)}", "token_expired"),
        (f"Bearer {token('x' * 32)}", "token_signature"),
        (f"Bearer {token(secret, sub='a b')}", "token_claims"),
        (f"Bearer {token(secret, aud='parley.stream')}", "ticket_misused"),
    ):
        headers = {"Content-Type": JSON} | ({"Authorization": value} if value else {})
        for method, path in (
            ("POST", "/v1/rooms"),
            ("POST", "/v1/rooms/any/members"),
            ("POST", "/v1/rooms/any/messages"),
            ("POST", "/v1/stream-tickets"),
            ("GET", "/v1/rooms"),
            ("GET", "/v1/rooms/any"),
            ("GET", "/v1/rooms/any/messages"),
            ("GET", "/v1/stream"),
            ("GET", "/v1/events"),
        ):
            sent = body if method == "POST" else None
            await _refused(chat, method, path, 401, code, headers, sent)


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/rooms/none", 404, "room_unknown"),
        ("/v1/rooms/none/messages", 404, "room_unknown"),
        ("/v1/rooms/%E4%BD%A0/messages", 404, "room_unknown"),
        ("/v1/rooms/%FF%FE/messages", 404, "room_unknown"),
        ("/v1/rooms/a%2Fb/messages", 404, "room_unknown"),
        ("/v1/rooms/none/messages?limit=0", 400, "parameter"),
        ("/v1/rooms/none/messages?after_seq=x", 400, "parameter"),
        ("/v1/stream?cursor=%00garbage", 400, "cursor_malformed"),
        ("/v1/events?cursor=garbage", 400, "cursor_malformed"),
        ("/v1/events?timeout=soon", 400, "parameter"),
        ("/v1/stream?ticket=garbage", 401, "token_malformed"),
        ("/v1/nowhere", 404, "path_unknown"),
        ("/v1/presence", 400, "parameter"),
        ("/v1/presence?" + "&".join(["user=ann"] * 101), 400, "parameter"),
        ("/v1/moderation/queue?status=shut", 400, "parameter"),
    ],
)
async def test_what_is_not_there_or_not_a_number(
    chat: Chat, path: str, status: int, code: str
) -> None:
    headers = {} if "ticket" in path else chat.headers("alice")
    await _refused(chat, "GET", path, status, code, headers)


@pytest.mark.usefixtures("nothing_written")
async def test_a_sanction_everywhere_with_a_client_id_of_another_form(chat: Chat) -> None:
    admin = {"Authorization": f"Bearer {mint(chat.settings, 'ops', admin=True)}"}
    headers = {**admin, "Content-Type": JSON}
    body = b'{"sanction":"mute","seconds":1,"client_id":"\\u4f60"}'
    await _refused(chat, "PUT", "/v1/sanctions/nobody", 400, "field_value", headers, body)


async def test_a_send_to_an_unknown_room_writes_no_event(chat: Chat) -> None:
    headers = {**chat.headers("alice"), "Content-Type": JSON}
    room = uuid4().hex
    path = f"/v1/rooms/{room}/messages"
    await _refused(chat, "POST", path, 404, "room_unknown", headers, b'{"text":"a"}')
    await _refused(chat, "GET", path, 404, "room_unknown", headers)


async def _refused(
    chat: Chat,
    method: str,
    path: str,
    status: int,
    code: str,
    headers: dict[str, str],
    body: bytes | None = None,
) -> None:
    async with aiohttp.ClientSession(requote_redirect_url=False) as http:
        request = http.request(method, _raw(chat.url + path), headers=headers, data=body)
        async with request as answer:
            assert answer.content_type == "application/problem+json", await answer.text()
            problem = await answer.json(content_type=None)
    assert (answer.status, problem["code"]) == (status, code), problem


def _raw(url: str) -> Any:
    from yarl import URL

    return URL(url, encoded=True)
