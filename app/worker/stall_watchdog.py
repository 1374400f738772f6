"""Ends a worker of which a group stands still, so that its supervisor starts it afresh.

What waits for Valkey or the history store does not stand still: a new process would wait just the
same, and take the other groups with it.
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
from app.stream.fail_stop import EXIT_FAIL_STOP
from app.worker.health_server import COMING, state

log = structlog.get_logger()
#: Looks before a group is given up: one alone may fall into a pause of the whole machine.
_LOOKS = 12
_ANSWER_SECONDS = 5.0


async def watch(apps: Mapping[str, faust.App], patience: float) -> None:
    """Look after the groups; ends the process where one stands still for `patience` seconds.

    Groups of one's own on plain Faust are let be: how long an agent takes is its author's matter.
    """
    stall_states: dict[str, StallState] = {}
    while True:
        await asyncio.sleep(patience / _LOOKS)
        for name, app in apps.items():
            if isinstance(app, OwnGroup):
                continue
            now = time.monotonic()
            stall_states[name] = next_stall_state(stall_states.get(name), await _look(app), now)
            if now - stall_states[name].since >= patience:
                log.critical(
                    "group stands still, the process ends",
                    group=name,
                    state=state(app),
                    seconds=round(now - stall_states[name].since),
                )
                os._exit(EXIT_FAIL_STOP)


async def _look(app: faust.App) -> Observation:
    signs = heartbeat_of(app.conf.id)
    if state(app) in COMING:
        # It has no offsets yet. `app/stream/changelog_reader.py` reads the changelogs, and beats.
        return Observation((signs.beats,), has_work=True)
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            logs = app.tables.changelog_topics  # no positions of theirs here
            places = sorted(p for p in app.consumer.assignment() if p.topic not in logs)
            reached = [await app.consumer.position(place) for place in places]
            ends = await app.consumer.highwaters(*places) if places else {}
    except (KafkaError, TimeoutError):
        return Observation((signs.beats,), has_work=bool(signs.batches))
    there = dict(zip(places, reached, strict=True))
    behind = any((there[place] or 0) < end for place, end in ends.items())
    return Observation((signs.beats, *reached), has_work=bool(signs.batches) or behind)


#: Looks before the loop is given up: a process that was stopped and wakes up has missed but one.
_LOOKS = 12
#: Seconds in which to say why: what blocks the loop may block the log.
_LAST_WORDS = 5.0


@contextmanager
def watch_event_loop(patience: float) -> Iterator[None]:
    """Meanwhile, end the process where the running loop answers nothing for `patience` seconds."""
    over = threading.Event()
    watching = (asyncio.get_running_loop(), threading.get_ident(), patience, over)
    threading.Thread(target=_watch, args=watching, daemon=True, name="loop-watch").start()
    try:
        yield
    finally:
        over.set()


def _watch(
    loop: asyncio.AbstractEventLoop, thread: int, patience: float, over: threading.Event
) -> None:
    alive, pause = threading.Event(), patience / _LOOKS
    with suppress(RuntimeError):  # the loop is closed
        while not over.wait(pause):
            alive.clear()
            loop.call_soon_threadsafe(alive.set)
            if not any(alive.wait(pause) for _ in range(_LOOKS)) and not over.is_set():
                _end(thread, patience)


def _end(thread: int, patience: float) -> None:
    deadline = threading.Timer(_LAST_WORDS, os._exit, (EXIT_FAIL_STOP,))
    deadline.daemon = True
    deadline.start()
    stack = "".join(traceback.format_stack(sys._current_frames()[thread]))
    log.critical(
        "event loop stands still, the process ends", seconds=round(patience), exception=stack
    )
    os._exit(EXIT_FAIL_STOP)
