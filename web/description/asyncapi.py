"""AsyncAPI 3 of the topics, and of the events that streams bring."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any, Final, get_args

from app.events import AnyLogEvent
from app.topics import LOG, TOPICS, Topic
from web.description.schemas import schemas_of
from web.description.topic_channels import CHANNELS, EDGE_PROCESS, TopicChannel

_ABOUT: Final = (
    "The topics of a deployment of Parley, their records and who writes and reads them; and the "
    "stream of an edge, which brings clients the records of `chat.log` in their rooms. A record "
    "may get more fields, and a topic more kinds of records: skip those that you don't know."
)
_KAFKA: Final = "kafka"
_STREAM: Final = "stream"


def asyncapi(states: Any, events: Mapping[str, Any]) -> dict[str, Any]:
    """The document.

    `states` are the transient states that a stream brings between the events of its rooms, and
    `events` the types of the data of its own events, by name.
    """
    records = {one.topic: _members(one.records) for one in CHANNELS}
    of_stream = [*_members(states), *events.values()]
    types = [kind for of_topic in records.values() for kind in of_topic] + of_stream
    schemas, components = schemas_of(types, internal=True)
    known = dict(zip(map(id, types), schemas, strict=True))
    _plain(list(known.values()))
    _plain(components)
    messages = {}
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for one in CHANNELS:
        names = [_name(kind) for kind in records[one.topic]]
        for kind, name in zip(records[one.topic], names, strict=True):
            messages[f"{one.topic}.{name}"] = _record(one, kind, known[id(kind)])
        channels[one.topic] = _channel(one, names)
        for actor in one.written_by:
            operations[f"{actor}.writes.{one.topic}"] = _operation("send", actor, one.topic)
        for actor in one.read_by:
            operations[f"{actor}.reads.{one.topic}"] = _operation("receive", actor, one.topic)
    states_of = {_name(kind): known[id(kind)] for kind in of_stream}
    messages |= {f"{_STREAM}.{name}": _state(name, schema) for name, schema in states_of.items()}
    channels[_STREAM] = _stream([f"{_STREAM}.{name}" for name in states_of])
    operations[f"{EDGE_PROCESS}.writes.{_STREAM}"] = _operation("send", EDGE_PROCESS, _STREAM)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Parley", "version": version("parley"), "description": _ABOUT},
        "defaultContentType": "application/json",
        "servers": {
            _KAFKA: {
                "host": "{broker}",
                "protocol": "kafka",
                "variables": {"broker": {"default": "localhost:9092"}},
            },
            EDGE_PROCESS: {
                "host": "{edge}",
                "protocol": "http",
                "variables": {"edge": {"default": "localhost:8080"}},
            },
        },
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": components},
    }


def _members(kind: Any) -> tuple[Any, ...]:
    """The types of a union, or the type itself."""
    return get_args(kind) or (kind,)


def _name(kind: Any) -> str:
    """The tag of a type, or its name."""
    return str(kind.__struct_config__.tag or kind.__name__)


def _plain(schema: Any) -> None:
    """Remove the discriminators of OpenAPI: AsyncAPI has them otherwise, and `kind` says all."""
    if isinstance(schema, dict):
        if isinstance(schema.get("discriminator"), dict):
            del schema["discriminator"]
        schema = list(schema.values())
    if isinstance(schema, list):
        for one in schema:
            _plain(one)


def _channel(one: TopicChannel, names: Iterable[str]) -> dict[str, Any]:
    (topic,) = (known for known in TOPICS if known.name == one.topic)
    return {
        "address": one.topic,
        "description": one.about,
        "servers": [{"$ref": f"#/servers/{_KAFKA}"}],
        "messages": {name: {"$ref": _message_ref(f"{one.topic}.{name}")} for name in names},
        "bindings": {"kafka": {"topicConfiguration": _configuration(topic)}},
    }


def _configuration(topic: Topic) -> dict[str, Any]:
    """The topic's own settings, in the form of the binding: lists and numbers."""
    found: dict[str, Any] = {}
    for name, value in topic.config.items():
        found[name] = value.split(",") if name == "cleanup.policy" else int(value)
    return found


def _record(one: TopicChannel, kind: Any, payload: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": _name(kind),
        "payload": payload,
        "bindings": {"kafka": {"key": {"type": "string", "description": one.key}}},
    }
    if one.headers:
        headers = {name: {"type": "string", "description": about} for name, about in one.headers}
        found["headers"] = {"type": "object", "properties": headers}
    return found


def _state(name: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "payload": payload}


def _stream(own: Iterable[str]) -> dict[str, Any]:
    """The stream of an edge: the events of rooms as they are in the log, and what is its own."""
    of_log = [f"{LOG}.{_name(kind)}" for kind in _members(AnyLogEvent)]
    return {
        "address": "/v1/stream",
        "description": "What an edge brings a client by Server-Sent Events; polls bring the same.",
        "servers": [{"$ref": f"#/servers/{EDGE_PROCESS}"}],
        "messages": {
            name.partition(".")[2].removeprefix("log."): {"$ref": _message_ref(name)}
            for name in (*of_log, *own)
        },
    }


def _operation(action: str, actor: str, channel: str) -> dict[str, Any]:
    return {
        "action": action,
        "title": f"{actor} {'writes' if action == 'send' else 'reads'} {channel}",
        "channel": {"$ref": f"#/channels/{channel}"},
        "tags": [{"name": actor}],
    }


def _message_ref(name: str) -> str:
    return f"#/components/messages/{name}"
