"""Consumer groups: one Faust app each.

A group reads its topics at its own pace and keeps its own offsets, so that a history store that
is away holds up the archive and nothing else. What shares tables shares a group.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import faust
from mode.supervisors import OneForOneSupervisor

from app.events import dead_of, encode
from app.settings import Settings
from app.stream.fail_stop import FailStopSupervisor
from app.topics import DEAD, Topic, retry_topic

_groups: dict[str, faust.App] = {}
_retry_topics: dict[str, Topic] = {}


def group(name: str, *, strict: bool = False, hurried: bool = True) -> faust.App:
    """The Faust app of the consumer group `parley-<name>`, made at the first call.

    It is a plain Faust app: `@app.agent`, `app.topic` and `app.Table` do what Faust's manual
    says. The worker starts it with the others. `strict` is for agents on Parley's own loop: any
    failure of theirs ends the process. One that is not `hurried` gets its records up to 0.2 s late
    while many come, in fewer and larger batches.
    """
    if name not in _groups:
        _groups[name] = _new(name, strict=strict)
        _groups[name].hurried = hurried  # type: ignore[attr-defined]
    return _groups[name]


def groups() -> dict[str, faust.App]:
    """All groups that were declared so far, by name."""
    return dict(_groups)


def raw_topic(app: faust.App, name: str) -> Any:
    """A topic whose keys and values reach the agent as the bytes they are.

    Decoding is the agent's, so that what can't be decoded can't stall the stream.
    """
    return app.topic(name, key_type=bytes, value_type=bytes)


def inbox(app: faust.App, name: str) -> Any:
    """What an agent of one's own reads: the topic, and what of it `parley dead` sends again.

    That comes by a topic of the group's own, because the other groups are done with it.
    """
    own = _retry_topics.setdefault(app.conf.id, retry_topic(app.conf.id))
    return app.topic(name, own.name, key_type=bytes, value_type=bytes)


def retry_topics(apps: Iterable[faust.App]) -> list[Topic]:
    """The groups' own topics for what is sent again, of those that have one."""
    return [_retry_topics[app.conf.id] for app in apps if app.conf.id in _retry_topics]


class ParleyApp(faust.App):
    """The Faust app of a consumer group."""

    strict = False

    def new_producer(self) -> Any:
        """Another producer like the app's own, which is not started."""
        return self._new_producer()


class StrictGroup(ParleyApp):
    """A group whose agents are all on Parley's loop, one agent for each of its topics."""

    strict = True


class OwnGroup(ParleyApp):
    """A group with agents of somebody's own: an event that one fails on goes to `chat.dead`.

    Stock Faust logs it and passes it over.
    """

    async def _on_agent_error(self, agent: Any, exc: BaseException) -> None:
        event = faust.current_event()
        if event is not None and isinstance(exc, Exception):
            burial = dead_of(event.message, self.conf.id, repr(exc))
            place = burial.place.encode()
            await (await self.producer.send(DEAD, place, encode(burial), None, None, None))
        await super()._on_agent_error(agent, exc)


def _new(name: str, *, strict: bool) -> faust.App:
    settings = Settings.read()
    make = StrictGroup if strict else OwnGroup
    app = make(
        f"parley-{name}",
        broker=settings.broker.replace("kafka://", "parley://", 1),
        store="rocksdb://",
        TableManager="app.stream.table_recovery:TableManager",
        datadir=str(settings.data.absolute() / "workers" / settings.worker_name / name),
        agent_supervisor=FailStopSupervisor if strict else OneForOneSupervisor,
        consumer_group_instance_id=f"{settings.worker_name}-{name}",
        topic_partitions=settings.partitions,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        autodiscover=False,
        key_serializer="raw",
        value_serializer="raw",
        table_standby_replicas=0,  # docs/decisions/no-standbys.md
        stream_wait_empty=True,
        stream_recovery_delay=0.0,
        broker_commit_interval=0.5,
        broker_session_timeout=15.0,
        broker_heartbeat_interval=1.0,
        broker_rebalance_timeout=60.0,
        consumer_auto_offset_reset="earliest",
        producer_acks=-1,
        producer_linger=0.0 if strict else 0.002,
        consumer_max_fetch_size=128 * 1024 if strict else 1024 * 1024,
        producer_request_timeout=30.0,
        producer_max_batch_size=1024 * 1024,
        producer_max_request_size=4 * 1024 * 1024,
    )
    _groups[name] = app
    return app
