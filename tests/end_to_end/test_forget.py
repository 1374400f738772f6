"""`parley forget` erases what was sent before it, whatever the clocks say and wherever it is."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.embedded.child import Child
from app.embedded.kafka import Kafka
from app.embedded.valkey import Valkey
from app.local.supervisor import ROOT
from app.settings import Settings
from tests.conftest import SECRET
from tests.support.chat import Chat, data_folder, until
from tests.support.person import Person
from tests.web.api.test_chat import call

#: A worker whose clock is five minutes ahead.
AHEAD = """
import time
_ns = time.time_ns
time.time_ns = lambda: _ns() + 300_000_000_000
"""


class AheadChat(Chat):
    """A chat with a worker whose clock is ahead."""

    def _child(self, kind: str, name: str, settings: Settings, code: Path | None = None) -> Child:
        if kind != "worker":
            return super()._child(kind, name, settings, code)
        folder = self.settings.data / "ahead"
        folder.mkdir(exist_ok=True)
        (folder / "sitecustomize.py").write_text(AHEAD)
        return super()._child(kind, name, settings, Path(f"{folder}{os.pathsep}{ROOT}"))


@pytest.fixture(scope="module")
async def ahead(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chat]:
    base = tmp_path_factory.mktemp("ahead")
    async with Kafka(base / "kafka") as kafka, Valkey(base / "valkey") as valkey:
        settings = Settings(
            broker=kafka.url, redis=valkey.url, data=data_folder(base), secret=SECRET
        )
        chat = AheadChat(settings)
        try:
            await chat.start()
            yield chat
        finally:
            await chat.stop()


async def everywhere(person: Person, room: str) -> str:
    """All that the person can read of a room, at once."""
    _, sync = await person.post("/v1/sync", {"rooms": {room: 0}})
    _, shown = await person.get(f"/v1/rooms/{room}")
    _, found = await person.get("/v1/search", q="secret")
    return json.dumps([await person.history(room), sync, shown, found])


async def polled(person: Person, cursor: str) -> dict[str, Any]:
    status, answer = await person.get("/v1/events", cursor=cursor, timeout=0)
    assert status == 200, answer
    return answer


async def test_what_was_said_is_erased_though_a_workers_clock_is_ahead(ahead: Chat) -> None:
    async with Person(ahead, "ann") as ann, Person(ahead, "fay") as fay:
        room = await ann.open_room("fay")
        cursor = (await polled(ann, ""))["cursor"]
        await ann.say(room, "hello")
        cursor = (await polled(ann, cursor))["cursor"]
        await fay.say(room, "my secret")
        await ann.say(room, "what?")
        await call(fay, "PATCH", f"/v1/rooms/{room}/messages/2", {"text": "my edited secret"})
        await fay.say(room, "my last secret")
        assert "secret" in json.dumps(await polled(ann, cursor))
        assert "secret" in await everywhere(ann, room)
        status, told = await ahead.parley("forget", "fay")
        assert status == 0, told
        assert "history: 2 messages erased" in told
        assert "secret" not in await everywhere(ann, room)
        missed = await polled(ann, cursor)
        assert "secret" not in json.dumps(missed)
        assert [event["n"] for event in missed["events"]] == [4, 5, 6, 7]
        await fay.say(room, "new words")
        assert "new words" in await everywhere(ann, room)
        status, told = await ahead.parley("rebuild")
        assert status == 0, told
        seen = await everywhere(ann, room)
        assert "new words" in seen
        assert "secret" not in seen
        status, told = await ahead.parley("verify")
        assert status == 0, told


async def test_what_is_in_flight_is_erased_too(ahead: Chat) -> None:
    async with Person(ahead, "ann") as ann, Person(ahead, "gus") as gus:
        room = await ann.open_room("gus")
        worker = ahead.workers[0].pid
        os.kill(worker, signal.SIGSTOP)
        try:
            path = f"/v1/rooms/{room}/messages"
            status, _ = await gus.post(path, {"text": "my secret"}, Prefer="wait=0")
            assert status == 202
            forgetting = await ahead.command("forget", "gus")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(2):
                    await forgetting.wait()
        finally:
            os.kill(worker, signal.SIGCONT)
        output, _ = await forgetting.communicate()
        assert forgetting.returncode == 0, output.decode()
        assert b"history: 1 messages erased" in output or b"history: 0 messages erased" in output

        async def shown() -> bool:
            return len(await ann.history(room)) == 1

        await until(shown)
        assert "secret" not in await everywhere(ann, room)
