"""A rule or an agent that raises on one event stops no other event."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.frail import Resumed, frail_chat
from tests.faults.load import Load
from tests.moderation.conftest import Admin, call
from tests.support.chat import until
from tests.support.person import Person

pytestmark = [pytest.mark.faults, pytest.mark.slow]

#: What the code below raises on.
BAD = "a bad one"

RULE = f'''
"""Fails on a text."""

from app.domain.moderation.rule import Facts, Hit, Message, Rule


class Settings(Rule):
    """Nothing."""


def judge(message: Message, facts: Facts, settings: Settings) -> Hit | None:
    if message.text == "{BAD}":
        raise RuntimeError("in a rule")
    return None
'''

#: Has agents of Parley's own raise, each in what it does of an event.
SABOTAGE = f'''
from functools import wraps
from typing import Any

import agents.receipts
import agents.rooms
import app.delivery.publish_calls
from app.history.store import History


def failing(function: Any, on: Any) -> Any:
    @wraps(function)
    def step(*arguments: Any) -> Any:
        if on(*arguments):
            raise RuntimeError("in an agent")
        return function(*arguments)

    return step


def bad(event: Any) -> bool:
    return getattr(event, "text", "") == "{BAD}"


app.delivery.publish_calls.changes_of = failing(
    app.delivery.publish_calls.changes_of, lambda event, _: bad(event)
)
agents.receipts.wrong_partition = failing(
    agents.receipts.wrong_partition, lambda room, *_: room == "bad-room"
)
agents.rooms.decide = failing(
    agents.rooms.decide, lambda _, moderated: getattr(moderated.command, "topic", "") == "{BAD}"
)
History.append = failing(
    History.append, lambda _, entries: any(bad(one.event) for one in entries)
)
'''

OWN = f'''
from app.events import decode_log
from app.stream.consumer_groups import group, raw_topic
from app.topics import LOG

app = group("own")


@app.agent(raw_topic(app, LOG))
async def own(log):
    async for record in log:
        if getattr(decode_log(record), "text", "") == "{BAD}":
            raise RuntimeError("in an agent of somebody's own")
'''


@pytest.mark.timeout(280)
async def test_code_that_raises_on_one_event_stops_nobody(tmp_path: Path, resumed: Resumed) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "failing.py").write_text(RULE)
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "sabotage.py").write_text(SABOTAGE)
    (tmp_path / "agents" / "own.py").write_text(OWN)
    folders = {name: str(tmp_path / name) for name in ("rules", "agents")}
    async with frail_chat(tmp_path, resumed, **folders) as frail:
        chat = frail.chat
        async with Admin(chat) as admin:
            source = {"source": "[failing]\n"}
            assert (await admin.call("PUT", "/v1/moderation/rules", source))[0] == 200
        async with Load(chat) as load, Person(chat, "ann") as ann:
            await load.steady(1)
            room = await ann.open_room("ben", room="bad-room")
            for place in range(8):
                await ann.say(room, BAD if place == 3 else f"{place}")
            read = await call(ann, "PUT", f"/v1/rooms/{room}/read", {"seq": 7})
            changed = await call(ann, "PATCH", f"/v1/rooms/{room}", {"topic": BAD})
            assert [status for status, _ in (read, changed)] == [202, 202]
            await ann.say(room, "after all of it")
            await frail.back(load, "code that raises")
            await load.steady(1)
            assert chat.workers[0].running
        found = load.faults()
        assert not found, "\n".join(found)

        async def there() -> bool:
            _, told = await chat.parley("dead", "list")
            of = [line.split("@")[1].split()[0] for line in told.splitlines() if "@" in line]
            return sorted(of) == [
                "parley-archive",
                "parley-fan_out",
                "parley-own",
                "parley-pipeline",
                "parley-receipts",
            ]

        await until(there, chat.workers[0].tail, within=30)
        assert "a rule failed and was skipped" in chat.workers[0].log.read_text()
