"""Ends a worker whose event loop stands still, which nothing in the loop could see."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog

from app.stream.fail_stop import EXIT_DOUBT

log = structlog.get_logger()

#: Looks before the loop is given up: a process that was stopped and wakes up has missed but one.
_LOOKS = 12
#: Seconds in which to say why: what blocks the loop may block the log.
_LAST_WORDS = 5.0


@contextmanager
def loop_watched(patience: float) -> Iterator[None]:
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
    deadline = threading.Timer(_LAST_WORDS, os._exit, (EXIT_DOUBT,))
    deadline.daemon = True
    deadline.start()
    stack = "".join(traceback.format_stack(sys._current_frames()[thread]))
    log.critical(
        "event loop stands still, the process ends", seconds=round(patience), exception=stack
    )
    os._exit(EXIT_DOUBT)
