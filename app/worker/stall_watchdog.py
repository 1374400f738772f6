"""Watchdogs that end a stalled worker, so that its supervisor starts it again.

A group that waits for Valkey or the history store is not stalled: a new process would wait in the
same way, and take the other groups with it.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import faust
import structlog
from aiokafka.errors import KafkaError

from app.domain.stall_detection import Observation, StallState, next_stall_state
from app.runtime.heartbeat import heartbeat_of
from app.stream.consumer_groups import OwnGroup
from app.stream.fail_stop import EXIT_FAIL_STOP, fail_stop
from app.worker.health_server import STARTING, state

log = structlog.get_logger()

#: Observations before a stall is certain: a single one may fall into a pause of the whole machine,
#: and a process that was stopped and wakes up has missed a single one.
_OBSERVATIONS = 12
_KAFKA_SECONDS = 5.0
#: Seconds in which to log the reason: what blocks the event loop may block the log.
_LOG_SECONDS = 5.0


async def watch_groups(apps: Mapping[str, faust.App], limit: float) -> None:
    """End the process when a group has made no progress for `limit` seconds.

    Groups of a user's own on plain Faust are not watched: their agents may take any time.
    """
    states: dict[str, StallState] = {}
    while True:
        await asyncio.sleep(limit / _OBSERVATIONS)
        for name, app in apps.items():
            if isinstance(app, OwnGroup):
                continue
            now = time.monotonic()
            states[name] = next_stall_state(states.get(name), await _observe(app), now)
            stalled = now - states[name].since
            if stalled >= limit:
                fail_stop(
                    "group stands still", group=name, state=state(app), seconds=round(stalled)
                )


async def _observe(app: faust.App) -> Observation:
    heartbeat = heartbeat_of(app.conf.id)
    if state(app) in STARTING:
        # There are no offsets yet. app/stream/changelog_reader.py reads the changelogs, and beats.
        return Observation((heartbeat.beats,), has_work=True)
    try:
        async with asyncio.timeout(_KAFKA_SECONDS):
            logs = app.tables.changelog_topics  # not fetched, so without positions
            places = sorted(p for p in app.consumer.assignment() if p.topic not in logs)
            reached = [await app.consumer.position(place) for place in places]
            ends = await app.consumer.highwaters(*places) if places else {}
    except (KafkaError, TimeoutError):
        return Observation((heartbeat.beats,), has_work=bool(heartbeat.batches))
    positions = dict(zip(places, reached, strict=True))
    behind = any((positions[place] or 0) < end for place, end in ends.items())
    return Observation((heartbeat.beats, *reached), has_work=bool(heartbeat.batches) or behind)


@contextmanager
def watch_event_loop(limit: float) -> Iterator[None]:
    """Meanwhile, end the process when the running loop has called nothing for `limit` seconds."""
    over = threading.Event()
    watched = (asyncio.get_running_loop(), threading.get_ident(), limit, over)
    threading.Thread(target=_watch, args=watched, daemon=True, name="loop-watch").start()
    try:
        yield
    finally:
        over.set()


def _watch(
    loop: asyncio.AbstractEventLoop, thread: int, limit: float, over: threading.Event
) -> None:
    alive, pause = threading.Event(), limit / _OBSERVATIONS
    with suppress(RuntimeError):  # the loop is closed
        while not over.wait(pause):
            alive.clear()
            loop.call_soon_threadsafe(alive.set)
            if not any(alive.wait(pause) for _ in range(_OBSERVATIONS)) and not over.is_set():
                _end(thread, limit)


def _end(thread: int, limit: float) -> None:
    deadline = threading.Timer(_LOG_SECONDS, os._exit, (EXIT_FAIL_STOP,))
    deadline.daemon = True
    deadline.start()
    stack = "".join(traceback.format_stack(sys._current_frames()[thread]))
    log.critical("event loop stands still, the process ends", seconds=round(limit), exception=stack)
    os._exit(EXIT_FAIL_STOP)
