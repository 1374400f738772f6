"""nginx in front of an edge, by the configuration that docker-compose.yml mounts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson

from app.embedded.ports import free_port
from tests.deploy.nginx import nginx
from tests.support.chat import Chat
from tests.support.person import Person

#: Seconds within which an event that nobody holds back is there, on a busy machine, too.
SOON = 5.0


async def test_an_event_passes_at_once_over_http_2(chat: Chat, tmp_path: Path) -> None:
    async with nginx(tmp_path, chat.url) as http, Person(chat, "ann") as ann:
        room = await ann.open_room()
        async with http.stream("GET", "/v1/stream", headers=chat.headers("ann")) as stream:
            assert stream.http_version == "HTTP/2"
            lines = stream.aiter_lines()
            assert await anext(lines) == "event: hello"
            for number in range(3):
                await ann.say(room, f"message {number}")
                # The stream goes on, and is far smaller than a buffer.
                async with asyncio.timeout(SOON):
                    async for line in lines:
                        if line.startswith("data: ") and f"message {number}" in line:
                            break


async def test_sends_and_polls_pass(chat: Chat, tmp_path: Path) -> None:
    headers = chat.headers("ann")
    async with nginx(tmp_path, chat.url) as http, Person(chat, "ann") as ann:
        room = await ann.open_room()
        cursor = (await http.get("/v1/events", headers=headers)).json()["cursor"]
        waiting = asyncio.create_task(
            http.get("/v1/events", params={"cursor": cursor, "timeout": 20}, headers=headers)
        )
        sent = await http.post(
            f"/v1/rooms/{room}/messages", json={"text": "over nginx"}, headers=headers
        )
        assert sent.status_code == 201
        answer = await waiting
        assert [event["text"] for event in answer.json()["events"]] == ["over nginx"]


async def test_the_edge_is_told_who_asks_and_the_log_has_no_ticket(
    chat: Chat, tmp_path: Path
) -> None:
    # What a client claims would be another address each time.
    url = await chat.start_edge(proxies="127.0.0.1", limits=1.0, limit_failed="3/600")
    async with nginx(tmp_path, url) as http:
        for number in range(5):
            wrong = {"Authorization": "Bearer wrong", "X-Forwarded-For": f"203.0.113.{number}"}
            last = await http.get("/v1/rooms", headers=wrong)
        assert last.status_code == 429, last.text
        await http.get("/v1/stream", params={"ticket": "hidden-1"})
        assert "hidden-1" not in (tmp_path / "nginx.log").read_text()
        assert "/v1/stream" in (tmp_path / "nginx.log").read_text()


async def test_without_an_edge_a_stream_ends_with_a_time_to_come_back(tmp_path: Path) -> None:
    async with nginx(tmp_path, f"http://127.0.0.1:{free_port()}") as http:
        answer = await http.get("/v1/stream")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        name, data, retry = answer.text.splitlines()[:3]
        assert (name, retry) == ("event: goodbye", "retry: 5000")
        assert orjson.loads(data.removeprefix("data: "))["code"] == "unavailable"
        assert (await http.get("/v1/rooms")).status_code == 502
