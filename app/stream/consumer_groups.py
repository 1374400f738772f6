"""Consumer groups as Faust apps, declared by agents within the context of a worker.

A group reads its topics at its own pace and keeps its own offsets, so a history store that is away
delays the archive and nothing else. Agents that share tables share a group.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import faust
from faust.types import TP
from mode.supervisors import OneForOneSupervisor

from app.errors import ParleyError
from app.events import dead_of, encode
from app.metrics.worker_metrics import WorkerMetrics
from app.settings import Settings
from app.stream.fail_stop import FailStopSupervisor
from app.stream.groups import KIT_PREFIX, OWN, Group
from app.topics import DEAD, Topic, retry_topic
from app.tracing.tracing import Tracing


class ParleyApp(faust.App):
    """The Faust app of a consumer group; `declared` says how the group is run."""

    declared: Group
    context: WorkerContext
    #: When the rebalance that is under way began.
    _rebalance_began: float | None = None

    def on_rebalance_start(self) -> None:
        """Called by Faust."""
        super().on_rebalance_start()
        self.context.metrics.rebalances.add(self.conf.id)
        self._rebalance_began = self._rebalance_began or time.monotonic()

    def on_rebalance_end(self) -> None:
        """Called by Faust when the tables are recovered, too."""
        super().on_rebalance_end()
        if self._rebalance_began is not None:
            seconds = time.monotonic() - self._rebalance_began
            self.context.metrics.recoveries.of(self.conf.id).add(seconds)
            self._rebalance_began = None

    def new_producer(self) -> Any:
        """Another producer like the app's own, which is not started."""
        return self._new_producer()


class StrictGroup(ParleyApp):
    """A group whose agents are all on Parley's loop, one agent for each of its topics."""


class OwnGroup(ParleyApp):
    """A group with agents of a user's own: an event that one fails on goes to `chat.dead`.

    Stock Faust logs the error and skips the event.
    """

    async def _on_agent_error(self, agent: Any, exc: BaseException) -> None:
        event = faust.current_event()
        if event is not None and isinstance(exc, Exception):
            dead = dead_of(event.message, self.conf.id, repr(exc))
            key = dead.place.encode()
            await (await self.producer.send(DEAD, key, encode(dead), None, None, None))
            self.context.metrics.dead_letters.add(self.conf.id)
        await super()._on_agent_error(agent, exc)


class WorkerContext:
    """What a worker hands to its agents: settings, metrics, tracing, and the groups so far."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = WorkerMetrics()
        self.tracing = Tracing(settings)
        #: The groups that were declared, by name.
        self.groups: dict[str, ParleyApp] = {}
        #: By group id: the topic by which a group gets records once more.
        self.retry_topics: dict[str, Topic] = {}
        #: By group id: the topics that agents of a user's own have declared.
        self.declared_topics: dict[str, list[Topic]] = {}

    def group(self, declared: Group) -> ParleyApp:
        """The app of a group; raises `ParleyError` where it was declared with other properties."""
        app = self.groups.get(declared.name)
        known = OWN.get(declared.name) if app is None else app.declared
        if known is not None and known != declared:
            raise ParleyError(
                f"the consumer group {declared.name} is declared twice:"
                f" {_properties(known)}, and {_properties(declared)}"
            )
        if app is None:
            app = self.groups[declared.name] = _new(declared, self)
        return app


_active: WorkerContext | None = None


def activate(settings: Settings) -> WorkerContext:
    """Make the context in which the agents that are imported from now on declare their groups.

    For a worker, once, before it imports agents. Raises `ParleyError` where this process has one.
    """
    global _active
    if _active is not None:
        raise ParleyError("this process has a worker's context already")
    _active = WorkerContext(settings)
    return _active


def active_context() -> WorkerContext:
    """The context of this process; raises `ParleyError` where there is none: it is no worker."""
    if _active is None:
        raise ParleyError(
            "agents and tables declare their consumer groups in a worker: import them there"
        )
    return _active


def group(name: str | Group, *, strict: bool = False, low_latency: bool = True) -> ParleyApp:
    """The Faust app of the consumer group `parley-<name>`, made at the first call.

    It is a plain Faust app: `@app.agent`, `app.topic` and `app.Table` do what Faust's manual
    says. The worker starts it with the others. `strict` and `low_latency` are those of `Group`.
    Raises `ParleyError` outside a worker, and where the group was declared with other properties.
    """
    if isinstance(name, str) and name.startswith(KIT_PREFIX):
        raise ParleyError(f"a group is not called {name}: that is one of an agent of the kit")
    declared = name if isinstance(name, Group) else Group(name, strict, low_latency)
    return active_context().group(declared)


def is_settled(app: faust.App, generation: int) -> bool:
    """Whether the group's tables are recovered, with the partitions of that generation."""
    current: bool = app.consumer_generation_id == generation
    return current and not app.in_recovery and app.flow_control.is_active()


def bounds_of(app: faust.App, topic: str) -> Callable[[int], Awaitable[tuple[int, int]]]:
    """Tells, for a partition of the topic, the committed offset and the end.

    It raises `Unreachable`.
    """

    async def bounds(partition: int) -> tuple[int, int]:
        consumer: Any = app.consumer
        found: tuple[int, int] = await consumer.bounds(TP(topic, partition))
        return found

    return bounds


def raw_topic(app: faust.App, *names: str) -> Any:
    """A topic, or several, whose keys and values reach the agent as bytes.

    The agent decodes them itself, so a value that can't be decoded does not stall the stream.
    """
    return app.topic(*names, key_type=bytes, value_type=bytes)


def inbox(app: ParleyApp, name: str) -> Any:
    """The topic for an agent of a user's own, with the records that `parley dead` sends again.

    Those come by a topic of the group's own, because other groups are done with them.
    """
    own = app.context.retry_topics.setdefault(app.conf.id, retry_topic(app.conf.id))
    return app.topic(name, own.name, key_type=bytes, value_type=bytes)


def own_topic(app: ParleyApp, name: str, *, days: float = 7.0) -> Any:
    """A topic of a user's own, which the worker creates; its records are kept for so many days.

    Keys and values are bytes, as those of `raw_topic`. It has as many partitions as every topic, so
    that a key is on the same partition everywhere. Raises `ParleyError` for a name of Parley's.
    """
    if name.startswith(("chat.", "parley-")):
        raise ParleyError(f"a topic of your own is not called {name}: that is one of Parley's")
    config = {"cleanup.policy": "delete", "retention.ms": str(round(days * 24 * 3600 * 1000))}
    app.context.declared_topics.setdefault(app.conf.id, []).append(Topic(name, config))
    return raw_topic(app, name)


def declared_topics(apps: Iterable[ParleyApp]) -> list[Topic]:
    """The topics that agents of these groups have declared."""
    return [topic for app in apps for topic in app.context.declared_topics.get(app.conf.id, ())]


def retry_topics(apps: Iterable[ParleyApp]) -> list[Topic]:
    """The retry topics of those of the groups that have one."""
    found = (app.context.retry_topics.get(app.conf.id) for app in apps)
    return [topic for topic in found if topic is not None]


def _properties(declared: Group) -> str:
    return f"strict={declared.strict}, low_latency={declared.low_latency}"


def _new(declared: Group, context: WorkerContext) -> ParleyApp:
    settings, strict = context.settings, declared.strict
    make = StrictGroup if strict else OwnGroup
    app = make(
        declared.id,
        broker=settings.broker.replace("kafka://", "parley://", 1),
        store="rocksdb://",
        TableManager="app.stream.table_recovery:TableManager",
        datadir=str(settings.data.absolute() / "workers" / settings.worker_name / declared.name),
        agent_supervisor=FailStopSupervisor if strict else OneForOneSupervisor,
        consumer_group_instance_id=f"{settings.worker_name}-{declared.name}",
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
    app.declared, app.context = declared, context
    return app
