"""The AsyncAPI document: valid, whole, and held to the records that are in the topics."""

from __future__ import annotations

import ast
import asyncio
import json
import re
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import jsonschema_rs
import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from app import topics
from app.runtime.dev_tokens import mint
from app.topics import TOPICS
from tests.docs.markdown import ROOT
from tests.support.chat import Chat, until
from tests.support.described import closed
from tests.support.person import Person
from tests.web.description.npm import install, run
from web.api.stream_states import AnyState, Goodbye, Hello, Ping
from web.description.asyncapi import asyncapi
from web.description.topic_channels import CHANNELS

HERE = Path(__file__).parent

#: Agents whose topics are those of all regions, or come from a table of kinds.
DYNAMIC = {"regions", "subscriptions"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    made = asyncapi(AnyState, {"hello": Hello, "ping": Ping, "goodbye": Goodbye})
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(made))
    return found


@pytest.fixture(scope="module")
def validators(document: dict[str, Any]) -> dict[str, jsonschema_rs.Validator]:
    """By message, as `chat.log.message.created`: what its payload has to be, and nothing more."""
    components = closed(document["components"]["schemas"])
    return {
        name: jsonschema_rs.Draft202012Validator(
            {**message["payload"], "components": {"schemas": components}}
        )
        for name, message in document["components"]["messages"].items()
    }


@pytest.mark.timeout(200)
def test_the_document_is_asyncapi_3(document: dict[str, Any], tmp_path: Path) -> None:
    install(tmp_path, "@asyncapi/parser@3.6.6")
    shutil.copy(HERE / "parse.mjs", tmp_path)
    (tmp_path / "asyncapi.json").write_text(json.dumps(document))
    assert json.loads(run(tmp_path, "node", "parse.mjs", "asyncapi.json")) == []


def test_every_topic_is_a_channel_with_its_settings(document: dict[str, Any]) -> None:
    assert [one.topic for one in CHANNELS] == [topic.name for topic in TOPICS]
    for topic in TOPICS:
        channel = document["channels"][topic.name]
        told = channel["bindings"]["kafka"]["topicConfiguration"]
        assert told.keys() == topic.config.keys()


def imported_topics(agent: Path) -> set[str]:
    """The topics that an agent names."""
    return {
        getattr(topics, one.name)
        for node in ast.walk(ast.parse(agent.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "app.topics"
        for one in node.names
        if isinstance(getattr(topics, one.name), str)
    }


def read_topics(agent: Path) -> set[str]:
    """The topics that an agent declares to read."""
    declared = re.findall(r"raw_topic\(\w+, ([A-Z_, *]+)\)", agent.read_text())
    names = {name.strip() for one in declared for name in one.split(",")}
    return {getattr(topics, name) for name in names if "*" not in name}


def test_agents_read_and_write_what_is_described() -> None:
    for agent in sorted((ROOT / "agents").glob("*.py")):
        if agent.stem in DYNAMIC or agent.stem == "__init__":
            continue
        reads, names = read_topics(agent), imported_topics(agent)
        described_reads = {one.topic for one in CHANNELS if agent.stem in one.read_by}
        described_writes = {one.topic for one in CHANNELS if agent.stem in one.written_by}
        assert reads <= described_reads, agent.stem
        assert names - reads <= described_writes, agent.stem
    agents = {path.stem for path in (ROOT / "agents").glob("*.py")} | {"edge", "worker"}
    assert {name for one in CHANNELS for name in (*one.read_by, *one.written_by)} <= agents


def test_the_edge_writes_and_reads_what_is_described() -> None:
    """The topics that web/ names are those that an edge uses by itself."""
    named: set[str] = set()
    for path in (ROOT / "web").rglob("*.py"):
        if "description" not in path.parts:  # the table itself
            named |= imported_topics(path)
    used = {one.topic for one in CHANNELS if "edge" in (*one.read_by, *one.written_by)}
    assert named & {topic.name for topic in TOPICS} <= used


class Records:
    """The records that come into the topics from now on."""

    def __init__(self, chat: Chat) -> None:
        self._settings = chat.settings
        self.found: dict[str, list[bytes]] = defaultdict(list)
        self.headers: dict[str, set[str]] = defaultdict(set)

    async def __aenter__(self) -> Records:
        self._consumer = AIOKafkaConsumer(bootstrap_servers=self._settings.bootstrap)
        await self._consumer.start()
        places = [
            TopicPartition(topic.name, partition)
            for topic in TOPICS
            for partition in range(self._settings.partitions)
        ]
        self._consumer.assign(places)
        for place, end in (await self._consumer.end_offsets(places)).items():
            self._consumer.seek(place, end)
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await self._consumer.stop()

    async def _read(self) -> None:
        async for record in self._consumer:
            if record.value is not None:
                self.found[record.topic].append(record.value)
                self.headers[record.topic] |= {name for name, _ in record.headers}

    async def has(self, *names: str) -> bool:
        return all(self.found[name] for name in names)


async def test_records_are_as_described(
    chat: Chat, validators: dict[str, jsonschema_rs.Validator]
) -> None:
    """One act of each kind that a request can have written, found in the topics."""
    ops = {"Authorization": f"Bearer {mint(chat.settings, 'ops', admin=True)}"}
    async with Records(chat) as records, Person(chat, "ann") as ann, Person(chat, "ben") as ben:
        room = await ann.open_room("ben")
        where = f"/v1/rooms/{room}"
        await ann.say(room, "hello @ben")
        await ben.say(room, "hello", client_id="twice")
        await ben.say(room, "hello", client_id="twice")
        for person, method, path, body in (
            (ann, "PATCH", where, {"topic": "tea", "settings": {"slow_mode": 0}}),
            (ann, "PATCH", f"{where}/messages/1", {"text": "hello, ben"}),
            (ann, "PUT", f"{where}/messages/2/reactions/👍", None),
            (ann, "DELETE", f"{where}/messages/2/reactions/👍", None),
            (ben, "PUT", f"{where}/read", {"seq": 1}),
            (ben, "POST", f"{where}/messages/1/report", {"reason": "spam"}),
            (ann, "PATCH", f"{where}/members/ben", {"role": "moderator"}),
            (ann, "PUT", f"{where}/sanctions/ben", {"sanction": "mute", "seconds": 60}),
            (ann, "DELETE", f"{where}/sanctions/ben", None),
            (ann, "POST", f"{where}/hooks", {"name": "builds"}),
            (ann, "PUT", "/v1/me/notify", {"level": "all", "mute_until_ms": 1}),
            (ann, "PUT", f"{where}/notify", {"level": "none"}),
            (ann, "POST", "/v1/push/subscriptions", {"device": "a phone"}),
            (ann, "DELETE", f"{where}/messages/1", None),
            (ann, "DELETE", f"{where}/members/ben", None),
        ):
            async with person.http.request(method, path, json=body) as answer:
                assert answer.status < 300, (method, path, await answer.text())
        async with aiohttp.ClientSession(chat.url, headers=ops) as http:
            for method, path, body in (
                ("POST", "/v1/subscriptions", {"kinds": ["message.*"]}),
                ("PUT", f"/v1/sanctions/{uuid4().hex}", {"sanction": "mute", "seconds": 1}),
                ("POST", "/v1/revocations", {"jti": uuid4().hex}),
                ("POST", "/v1/revocations", {"user": uuid4().hex}),
            ):
                async with http.request(method, path, json=body) as answer:
                    assert answer.status < 300, (method, path, await answer.text())
                    made = await answer.json()
                    if path == "/v1/subscriptions":
                        await http.delete(f"{path}/{made['id']}")
        async with ann.http.get("/v1/stream") as stream:
            await stream.content.readline()
        wanted = (topics.RAW, topics.MODERATED, topics.LOG, topics.VERDICTS, topics.RECEIPTS)
        more = (topics.CONNECTIONS, topics.MODERATION, topics.SANCTIONS, topics.REVOCATIONS)
        last = (topics.SUBSCRIPTIONS, topics.HOOKS, topics.NOTIFY)
        await until(lambda: records.has(*wanted, *more, *last), within=30)
    for channel in CHANNELS:
        told = {name for name, _ in channel.headers}
        assert records.headers[channel.topic] <= told, channel.topic
    kinds: set[str] = set()
    for topic, values in records.found.items():
        for value in values:
            kind = msgspec.json.decode(value).get("kind")
            names = [f"{topic}.{kind}"] if kind else [n for n in validators if _of(topic, n)]
            kinds |= set(names)
            wrong = next(validators[names[0]].iter_errors(msgspec.json.decode(value)), None)
            assert wrong is None, (names, str(wrong)[:500], value)
    assert len(kinds) > 30


def _of(topic: str, name: str) -> bool:
    """Whether a message is the one type of records of a topic."""
    return name.startswith(f"{topic}.") and name.removeprefix(f"{topic}.").isalnum()


async def test_a_stream_brings_what_is_described(
    chat: Chat, validators: dict[str, jsonschema_rs.Validator]
) -> None:
    url = await chat.start_edge(stream_life=1.5, ping=0.2)
    seen: list[str] = []
    async with Person(chat, "ann", url) as ann, Person(chat, "ben", url) as ben:
        room = await ann.open_room("ben")
        async with ben.http.get("/v1/stream") as stream:
            blocks = (await _first(stream, 1)).encode()
            assert blocks.startswith(b"event: hello")
            await ann.say(room, "hello")
            await ann.post(f"/v1/rooms/{room}/messages", {"text": "@ben"})
            async with ann.http.post(f"/v1/rooms/{room}/typing") as answer:
                assert answer.status == 204
            async with ben.http.put(f"/v1/rooms/{room}/read", json={"seq": 1}) as answer:
                assert answer.status == 200
            blocks += await stream.read()
    for block in blocks.decode().strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        data = json.loads(fields["data"])
        name = fields.get("event") or data["kind"]
        seen.append(name)
        known = validators.get(f"stream.{name.title()}") or validators.get(f"stream.{name}")
        known = known or validators[f"chat.log.{name}"]
        wrong = next(known.iter_errors(data), None)
        assert wrong is None, (name, str(wrong)[:300], data)
    assert {"hello", "ping", "goodbye", "message.created", "typing", "unread"} <= set(seen)


async def _first(stream: aiohttp.ClientResponse, count: int) -> str:
    """The first blocks of a stream."""
    found = ""
    while found.count("\n\n") < count:
        found += (await stream.content.readline()).decode()
    return found
