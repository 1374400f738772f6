"""Clients that people use, as they come: each gets every message once, over several streams."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.settings import Settings
from tests.conftest import missing
from tests.support.chat import Chat
from tests.support.person import Person

HERE = Path(__file__).parent
MESSAGES = [str(i) for i in range(30)]


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the clients and what they need of npm's."""
    if shutil.which("npm") is None:
        missing("npm and Node.js 18 or newer")
    folder = tmp_path_factory.mktemp("clients")
    for file in [*HERE.glob("*.mjs"), HERE / "package.json"]:
        shutil.copy(file, folder)
    install = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefer-offline"]
    if subprocess.run(install, cwd=folder, timeout=100, check=False).returncode:
        missing("what npm install fetches")
    return folder


class Client:
    """A client in a process of its own, and what it has printed."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._changed = asyncio.Event()

    def texts(self) -> list[str]:
        return [data["text"] for kind, data in self.events if kind == "message" and "text" in data]

    def count(self, kind: str) -> int:
        return sum(one == kind for one, _ in self.events)

    async def follow(self, *command: str) -> None:
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        try:
            async for line in process.stdout:
                kind, data = json.loads(line)
                self.events.append((kind, data))
                self._changed.set()
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(30):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


@pytest.mark.parametrize("name", ["eventsource", "eventsource-client"])
async def test_a_client_of_npm_gets_each_message_once_over_many_streams(
    chat: Chat, modules: Path, name: str
) -> None:
    url = await chat.start_edge(stream_life=0.7, retry_ms=100, ping=0.2)
    client = Client()
    command = ("node", str(modules / f"{name}.mjs"), f"{url}/v1/stream", chat.token(name))
    following = asyncio.create_task(client.follow(*command))
    try:
        async with Person(chat, "ann", url) as ann:
            room = await ann.open_room(name)
            await client.until(lambda: client.count("hello") >= 1)
            for text in MESSAGES:
                await ann.say(room, text)
                await asyncio.sleep(0.1)
            await client.until(lambda: len(client.texts()) >= len(MESSAGES))
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    assert client.texts() == MESSAGES
    assert client.count("hello") >= 3
    assert client.count("goodbye") >= 2
    assert client.count("ping") >= 1


async def test_curl_shows_blocks_as_the_rules_have_them(chat: Chat) -> None:
    if shutil.which("curl") is None:
        missing("curl")
    url = await chat.start_edge(ping=0.3, retry_ms=Settings.retry_ms)
    command = ("curl", "-sN", "-D", "-", "--max-time", "120", f"{url}/v1/stream")
    headers = (
        "-H",
        f"Authorization: Bearer {chat.token('cur')}",
        "-H",
        "Origin: https://a.example",
    )
    curl = await asyncio.create_subprocess_exec(*command, *headers, stdout=subprocess.PIPE)
    assert curl.stdout is not None
    async with Person(chat, "ann", url) as ann:
        shown = await curl.stdout.readuntil(b"event: hello")
        room = await ann.open_room("cur")
        await ann.say(room, "line one\nline two")
        # Only what is kept waits for a reader that is still joining the room.
        shown += await curl.stdout.readuntil(b"line two")
        await ann.post(f"/v1/rooms/{room}/typing", {})
        for mark in (b'"kind":"typing"', b"event: ping", b"\n\n"):
            shown += await curl.stdout.readuntil(mark)
    curl.terminate()
    await curl.wait()
    head, _, stream = shown.decode().replace("\r\n", "\n").partition("\n\n")
    for header in (
        "HTTP/1.1 200",
        "Content-Type: text/event-stream; charset=utf-8",
        "Cache-Control: no-store, no-transform",
        "X-Accel-Buffering: no",
        "Access-Control-Allow-Origin: *",
    ):
        assert header in head
    blocks = [block.split("\n") for block in stream.split("\n\n")[:-1]]
    assert blocks[0][0] == "event: hello"
    for block in blocks:
        fields = [line.partition(": ")[0] for line in block]
        assert fields.count("data") == 1
        assert set(fields) <= {"event", "data", "retry", "id"}
        assert "id" not in fields[:-1]
        if fields[0] == "event":
            assert block[0].partition(": ")[2] in {"hello", "ping", "goodbye"}
    states = [block for block in blocks if '"kind":"typing"' in block[0]]
    assert states
    assert all(len(block) == 1 for block in states)
